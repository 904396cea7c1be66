/*
 * net: the sockets of the container's network, and which processes hold them, as ss(8) shows them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "beneath.h"
#include "container.h"
#include "holders.h"
#include "json.h"
#include "proc.h"
#include "say.h"
#include "sockets.h"
#include "table.h"
#include "verbs.h"

struct choice {
	bool tcp, udp, local, listening, all, numeric, processes;
};

const struct option net_options[] = {
	{'t', offsetof(struct choice, tcp), "tcp", NULL, "TCP; several kinds may be given",
		option_true},
	{'u', offsetof(struct choice, udp), "udp", NULL, "UDP (default: TCP and UDP)", option_true},
	{'x', offsetof(struct choice, local), "unix", NULL, "sockets of AF_UNIX", option_true},
	{'l', offsetof(struct choice, listening), "listening", NULL, "only those that listen",
		option_true},
	{'a', offsetof(struct choice, all), "all", NULL, "all, as without -l", option_true},
	{'n', offsetof(struct choice, numeric), "numeric", NULL, "print numbers, as always",
		option_true},
	{'p', offsetof(struct choice, processes), "processes", NULL,
		"print the processes, as always", option_true},
	{0, 0, NULL, NULL, NULL, NULL},
};

static struct choice choice;
static struct sockets sockets;
static struct holders holders;

static bool is_wanted(enum socket_kind kind)
{
	if (kind == SOCKET_UNIX)
		return choice.local;
	return kind == SOCKET_TCP || kind == SOCKET_TCP6 ? choice.tcp : choice.udp;
}

/*
 * Whether a process is in the network namespace with that inode number, 0 being not known. What may
 * not be seen is believed.
 */
static bool is_in_network(int proc, int pid, unsigned long long inode)
{
	char link[64];
	unsigned long long other;
	const char *number;
	ssize_t length;
	const int directory = beneath_open(proc, proc_path(pid, "ns"), O_PATH | O_DIRECTORY);

	if (directory < 0)
		return false;
	length = sys_readlink(directory, "net", link, sizeof link - 1);
	close(directory);
	link[length > 0 ? length : 0] = 0;
	number = text_after(link, "net:[");
	return !number || !inode || number_parse_until(number, ']', UINT64_MAX, &other) ||
	       other == inode;
}

/* Reads the files of a process's network. Returns false if there are none, as of a zombie. */
static bool read_network(int proc, int pid)
{
	bool any = false;

	for (enum socket_kind kind = 0; kind < SOCKET_KINDS; kind++) {
		/* The paths of the list's rows are in it. */
		struct memory memory = {0};
		char *file;
		if (!is_wanted(kind))
			continue;
		file = container_text(proc, proc_path(pid, sockets_file(kind)), &memory);
		/* A kernel without IPv6 has no tcp6. */
		if (file)
			sockets_parse(&sockets, kind, file);
		any = any || file;
	}
	return any;
}

/* Reads the container's network by a process that is in it: the command, or init. */
static void read_sockets(const struct context *context, int proc)
{
	const int network = verb_try_open(context, "namespace", "net");
	struct stat status = {0};
	int pids[2];

	container_pids(context, &pids[1], &pids[0]);
	if (network >= 0) {
		file_stat_of(network, &status);
		close(network);
	}
	for (unsigned i = 0; i < 2; i++)
		if (pids[i] && is_in_network(proc, pids[i], status.st_ino) &&
			read_network(proc, pids[i]))
			return;
	fail_note("cannot list sockets: no process of the container's network in its /proc", NULL,
		NULL);
}

/* users:(("name",pid=12,fd=3),...), with a backslash before what would end the name. */
static const char *users(uint32_t row)
{
	const char *before = "users:((\"";

	said.length = 0;
	for (; row != SOCKET_NONE; row = holders.rows[row].next) {
		const struct holder *holder = &holders.rows[row];
		say("%s", before);
		for (const char *p = holder->name; *p; p++)
			say(strchr("\"\\", *p) ? "\\%c" : "%c", *p);
		say("\",pid=%d,fd=%d)", holder->pid, holder->fd);
		before = ",(\"";
	}
	return say(said.length ? ")" : "");
}

/* "ADDRESS:PORT", or for AF_UNIX "PATH INODE", the peer being unknown. */
static const char *end_text(const struct socket_row *row, int end)
{
	char address[SOCKET_END_SIZE];

	said.length = 0;
	if (row->kind == SOCKET_UNIX)
		return end ? "* 0" : say("%s %llu", *row->path ? row->path : "*", row->inode);
	sockets_address(row, end, true, address, sizeof address);
	return say(end && !row->ends[end].port ? "%s:*" : "%s:%u", address, row->ends[end].port);
}

static void add_row(struct table *table, const struct socket_row *row)
{
	table_text(table, sockets_netid(row));
	table_text(table, sockets_state(row));
	table_number(table, (long long)row->receive);
	table_number(table, (long long)row->send);
	table_text(table, end_text(row, 0));
	table_text(table, end_text(row, 1));
	table_text(table, users(row->first_holder));
}

static void print_end(const struct socket_row *row, int end, const char *address, const char *port)
{
	char name[SOCKET_END_SIZE];

	sockets_address(row, end, false, name, sizeof name);
	json_text(address, name);
	json_number(port, row->ends[end].port);
}

static void print_json(const struct socket_row *row)
{
	json_begin("socket");
	json_text("netid", sockets_netid(row));
	json_text("state", sockets_state(row));
	json_number("recv_q", (long long)row->receive);
	json_number("send_q", (long long)row->send);
	if (row->kind == SOCKET_UNIX) {
		json_text("path", row->path);
	} else {
		print_end(row, 0, "local_address", "local_port");
		print_end(row, 1, "peer_address", "peer_port");
	}
	json_number("inode", (long long)row->inode);
	json_list("processes");
	for (uint32_t i = row->first_holder; i != SOCKET_NONE; i = holders.rows[i].next) {
		json_item();
		json_text("name", holders.rows[i].name);
		json_number("pid", holders.rows[i].pid);
		json_number("fd", holders.rows[i].fd);
	}
	json_list_end();
	json_end();
}

int verb_net(const struct context *context, char **arguments)
{
	static const struct table_column columns[] = {
		{"Netid", NULL},
		{"State", NULL},
		{"Recv-Q", NULL},
		{"Send-Q", NULL},
		{"Local Address:Port", NULL},
		{"Peer Address:Port", NULL},
		{"Process", NULL},
	};
	static struct table table;
	char count[NUMBER_SIZE];
	int proc;

	options_take(net_options, &choice, &arguments);
	arguments_end(arguments);
	if (!choice.tcp && !choice.udp && !choice.local)
		choice.tcp = choice.udp = true;
	proc = container_proc(context);
	if (proc < 0)
		fail_note("cannot list sockets: init did not pass its /proc", NULL, NULL);
	read_sockets(context, proc);
	holders_find(&holders, proc, &sockets);
	table_begin(&table, "socket", columns, sizeof columns / sizeof *columns, false);
	for (size_t i = 0; i < sockets.count; i++) {
		const struct socket_row *row = &sockets.rows[i];
		if (choice.listening && !choice.all && !sockets_listens(row))
			continue;
		if (context->json)
			print_json(row);
		else
			add_row(&table, row);
	}
	if (!context->json)
		table_print(&table);
	verb_printed();
	if (holders.closed)
		warn("cannot read the descriptors of ", number_text(count, holders.closed),
			" processes: Permission denied");
	return 0;
}
