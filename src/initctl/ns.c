/*
 * ns: the verb for the container's namespaces, of which init passes descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "nsenter.h"
#include "nskeep.h"
#include "out.h"
#include "output.h"
#include "program.h"
#include "verbs.h"

/* The arguments of ns, and the descriptors that they call for. */
struct request {
	struct nslist list;
	int fds[NS_KINDS]; /* by kind, -1: none; the user namespace even if it is not in the list */
	int root;          /* the container's root directory, or -1 */
	const char *save, *from, *drop, *program;
	int first; /* of the descriptors passed to the command, or -1: it enters the namespaces */
};

static void store_descriptor(void *field, const char *value)
{
	unsigned long long number;

	if (number_parse(value, 65535, &number) || number < 3)
		fail_usage("bad descriptor for --fd:", value);
	*(int *)field = (int)number;
}

#define AT(member) offsetof(struct request, member)

const struct option ns_options[] = {
	{0, AT(program), "program", "FILE", "run this static program, named as COMMAND",
		option_text},
	{0, AT(first), "fd", "N", "enter none, pass descriptors N, N+1...", store_descriptor},
	{0, AT(from), "from", "DIR", "use the namespaces saved in DIR", option_text},
	{0, AT(save), "save", "DIR", "save the namespaces in DIR", option_text},
	{0, AT(drop), "drop", "DIR", "remove the namespaces saved in DIR", option_text},
	{0, 0, NULL, NULL, NULL, NULL},
};

/*
 * Parses the arguments. Options may precede and follow the list, which is the first word that is
 * not an option. Returns the words of the command.
 */
static char **parse_arguments(struct request *request, char **arguments)
{
	while (option_take(ns_options, request, &arguments))
		;
	if (*arguments && strcmp(*arguments, "--") != 0)
		nslist_parse(&request->list, *arguments++);
	options_take(ns_options, request, &arguments);
	return arguments;
}

/* Refuses arguments that contradict one another, before anything is done. */
static void check_arguments(const struct request *request, char **command)
{
	if (request->drop && (request->save || request->from))
		fail_usage("cannot use --drop with", request->save ? "--save" : "--from");
	if (request->save || request->drop)
		arguments_end(command);
	if (request->drop && request->list.count)
		fail_usage("too many arguments:", ns_names[request->list.kinds[0]].name);
	if (*command && !request->list.count)
		fail_usage("no namespaces given", NULL);
	if (!*command && (request->first >= 0 || request->program))
		fail_usage("no command given", NULL);
}

/*
 * Opens the namespaces of the list, saved ones or those that init passes, and the user namespace
 * even if it is not in the list. Of "all", kinds that are missing are removed from the list.
 */
static void open_all(const struct context *context, struct request *request)
{
	struct nslist *list = &request->list;
	const char *from = request->from;
	const int connection = from ? -1 : verb_connect(context);

	for (unsigned i = 0; i < NS_KINDS; i++) {
		const bool listed = nslist_has(list, i), needed = listed && !list->all;
		int fd = -1;
		if (from && (listed || i == NS_USER))
			fd = nskeep_open(from, i, needed);
		else if (listed || i == NS_USER)
			fd = verb_fetch(connection, "namespace", ns_names[i].name, needed);
		if (fd < 0)
			nslist_drop(list, i);
		request->fds[i] = fd;
	}
	if (!list->count && from)
		fail_note("cannot open ", from, ": no namespaces were saved there");
	if (!list->count)
		fail_note("cannot open namespaces: init has none to hand out", NULL, NULL);
	if (from)
		return;
	if (nslist_has(list, NS_MNT))
		request->root = verb_fetch(connection, "what", "root", true);
	close(connection);
}

/*
 * Of "all" namespaces, saves only those for which it makes sense: a namespace that is also ours
 * does not end with the container, and a PID namespace cannot be entered without its init.
 */
static void drop_unsaved(struct request *request)
{
	if (!request->list.all)
		return;
	nslist_drop(&request->list, NS_PID);
	for (unsigned i = 0; i < NS_KINDS; i++)
		if (request->fds[i] >= 0 && ns_is_ours(i, request->fds[i]))
			nslist_drop(&request->list, i);
	if (!request->list.count)
		fail_note("cannot save namespaces: init shares all of its own with this process",
			NULL, NULL);
}

static void print_how_to_move(const struct context *context, const struct request *request)
{
	if (!nslist_has(&request->list, NS_NET) || ns_is_ours(NS_NET, request->fds[NS_NET]))
		return;
	out_text("to move interface X in: ");
	if (request->from)
		out_print("ip link set X netns %s/net\n", request->from);
	else
		out_print("initctl -S %s ns net --fd 9 -- ip link set X netns /proc/self/fd/9\n",
			context->socket);
}

/* Moves a descriptor behind those that the command is to get; name is that of messages. */
static int move_behind(const struct request *request, int fd, const char *name)
{
	int moved = sys_fcntl(fd, F_DUPFD_CLOEXEC, request->first + (int)request->list.count);

	if (moved < 0 && errno == EINVAL)
		fail_note("cannot pass descriptor of ", name,
			": --fd is beyond the limit of open files");
	if (moved < 0)
		fail_cannot("pass descriptor of ", name);
	return moved;
}

/* Gives the command the descriptors from request->first on, in the order of the list. */
static void pass_descriptors(const struct request *request)
{
	const struct nslist *list = &request->list;
	int fds[NS_KINDS];

	/* Move all of them out of the way first: one may have the number that another is to get. */
	for (unsigned i = 0; i < list->count; i++)
		fds[i] = move_behind(
			request, request->fds[list->kinds[i]], ns_names[list->kinds[i]].name);
	for (unsigned i = 0; i < list->count; i++)
		if (dup2(fds[i], request->first + (int)i) < 0)
			fail_cannot("pass descriptor of ", ns_names[list->kinds[i]].name);
}

_Noreturn static void run(struct request *request, char **command, int program)
{
	bool needs_child = false;

	if (request->first >= 0) {
		if (program >= 0)
			program = move_behind(request, program, "the program");
		pass_descriptors(request);
	} else {
		needs_child = nsenter(&request->list, request->fds, request->root);
	}
	nsenter_run(command, program, needs_child);
}

int verb_ns(const struct context *context, char **arguments)
{
	struct request request = {.root = -1, .first = -1};
	char **command = parse_arguments(&request, arguments);
	int program;

	check_arguments(&request, command);
	if (request.drop) {
		nskeep_drop(request.drop);
		return 0;
	}
	if (!request.list.count)
		nslist_parse(&request.list, "all");
	if (*command && request.first < 0 && nslist_has(&request.list, NS_MNT))
		program_protect(context->words);
	program = request.program ? program_open(request.program) : -1;
	open_all(context, &request);
	nslist_check(request.fds);
	if (*command)
		run(&request, command, program);
	if (request.save) {
		drop_unsaved(&request);
		nskeep_save(request.save, &request.list, request.fds);
		return 0;
	}
	nslist_print(&request.list, request.fds, context->json);
	if (!context->json)
		print_how_to_move(context, &request);
	return verb_printed();
}
