/*
 * outside: see outside.h.
 */
#include "outside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/sys.h"
#include "container.h"
#include "out.h"
#include "proc.h"
#include "scan.h"

enum {
	TEXT_SIZE = 65536,  /* bytes of a list of children, which is cut off there */
	MOST_SEEN = 100000, /* processes that are looked at, at most */
};

static struct {
	int proc;           /* ours */
	ino_t namespace;    /* the container's PID namespace */
	unsigned level;     /* how many pids a process of it has, or 0 before that is known */
	struct memory pids; /* pid_t: those that were seen */
	size_t count;       /* of them */
	char text[TEXT_SIZE];
} search;

static void add_pid(pid_t pid)
{
	if (search.count == MOST_SEEN)
		return;
	memory_reserve(&search.pids, (search.count + 1) * sizeof pid);
	((pid_t *)search.pids.data)[search.count++] = pid;
}

/* Adds the children of a thread, whose directory is named. */
static void add_children(int tasks, const char *name)
{
	char *word, *rest = search.text;
	unsigned long long pid;

	if (number_parse(name, 1U << 30, &pid) ||
		process_file(tasks, (pid_t)pid, "children", search.text, sizeof search.text) <= 0)
		return;
	while ((word = strsep(&rest, " ")))
		if (*word && !number_parse(word, 1U << 30, &pid))
			add_pid((pid_t)pid);
}

/* The pids of a process, from our namespace to its own. Returns how many there are. */
static unsigned read_pids(pid_t pid, pid_t *pids, unsigned room)
{
	const char *p;
	unsigned count = 0;

	if (process_file(search.proc, pid, "status", search.text, sizeof search.text) <= 0 ||
		!(p = scan_find(search.text, "\nNSpid:")))
		return 0;
	for (p += 7; *p == '\t' && count < room; count++)
		pids[count] = (pid_t)scan_number(&p);
	return count;
}

/* Whether a process is in the container's namespace; otherwise if that is not to be seen. */
static bool is_in_namespace(pid_t pid, bool otherwise)
{
	struct stat status;

	return file_stat_at(search.proc, proc_path(pid, "ns/pid"), &status, 0)
	               ? otherwise
	               : status.st_ino == search.namespace;
}

/* Looks at a process, and notes it in the list if it is one of the container. */
static void see(struct process_list *list, pid_t pid)
{
	enum { LEVELS = 33 }; /* MAX_PID_NS_LEVEL of the kernel, and one */
	pid_t pids[LEVELS];
	const unsigned count = read_pids(pid, pids, LEVELS);
	struct process *found;

	if (!search.level && count && is_in_namespace(pid, false))
		search.level = count;
	if (!search.level || count < search.level)
		return;
	/* The peer may have started several containers, whose pids are as deep. */
	if (count == search.level && !is_in_namespace(pid, true))
		return;
	found = process_find(list, pids[search.level - 1]);
	if (found)
		found->outside = pid;
}

static pid_t peer_of(int connection)
{
	struct ucred peer = {.pid = 0};
	socklen_t size = sizeof peer;

	return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? 0 : peer.pid;
}

void outside_find(const struct context *context, struct process_list *list)
{
	const int connection = verb_connect(context);
	const pid_t peer = peer_of(connection);
	const int namespace = peer ? verb_try_open(context, "namespace", "pid") : -1;
	struct stat status;

	close(connection);
	if (namespace < 0)
		return;
	search.proc = sys_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	search.namespace = file_stat_of(namespace, &status) ? 0 : status.st_ino;
	search.count = search.level = 0;
	add_pid(peer);
	for (size_t i = 0; i < search.count; i++) {
		const pid_t pid = ((pid_t *)search.pids.data)[i];
		see(list, pid);
		proc_each(sys_open(search.proc, proc_path(pid, "task"), O_RDONLY | O_DIRECTORY),
			add_children);
	}
	sys_close(search.proc);
	sys_close(namespace);
}
