/*
 * holders: see holders.h.
 */
#include "holders.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "beneath.h"
#include "proc.h"
#include "watchdog.h"

/* What is looked for, and where: a table of rows by their inodes. */
static struct {
	struct holders *list;
	struct sockets *sockets;
	const struct process *process; /* whose descriptors are looked at */
	uint32_t *places; /* rows, or SOCKET_NONE: the next free one after hash_of() is a row's */
	size_t mask;      /* the number of places is a power of two, and this one less */
} search;

static size_t hash_of(unsigned long long inode)
{
	return (size_t)(inode * 0x9e3779b97f4a7c15ULL >> 32) & search.mask;
}

/* The place of the row with that inode, or the free one where it would be. */
static uint32_t *find(unsigned long long inode)
{
	size_t at = hash_of(inode);

	while (search.places[at] != SOCKET_NONE &&
		search.sockets->rows[search.places[at]].inode != inode)
		at = (at + 1) & search.mask;
	return &search.places[at];
}

static void fill_places(void)
{
	static struct memory memory;
	const struct sockets *sockets = search.sockets;
	size_t size = 64;

	while (size < 2 * sockets->count)
		size *= 2;
	search.mask = size - 1;
	memory_reserve(&memory, size * sizeof *search.places);
	search.places = memory.data;
	memset(search.places, 0xff, size * sizeof *search.places);
	/* A file that changes while it is read may list a socket twice: the first row is kept. */
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->rows[i].inode) {
			uint32_t *place = find(sockets->rows[i].inode);
			if (*place == SOCKET_NONE)
				*place = (uint32_t)i;
		}
}

static void add(struct socket_row *row, int fd)
{
	struct holders *list = search.list;
	struct holder *holder;

	memory_reserve(&list->memory, (list->count + 1) * sizeof *list->rows);
	list->rows = list->memory.data;
	holder = &list->rows[list->count];
	*holder = (struct holder){.next = SOCKET_NONE, .pid = search.process->pid, .fd = fd};
	memcpy(holder->name, search.process->name, sizeof holder->name);
	if (row->first_holder == SOCKET_NONE)
		row->first_holder = (uint32_t)list->count;
	else
		list->rows[row->last_holder].next = (uint32_t)list->count;
	row->last_holder = (uint32_t)list->count++;
}

/* Adds the descriptor of that name, if its link is "socket:[INODE]" with the inode of a row. */
static void visit_descriptor(int directory, const char *name)
{
	char link[64];
	ssize_t length = sys_readlink(directory, name, link, sizeof link - 1);
	const char *digits;
	unsigned long long inode, fd;
	uint32_t row;

	link[length > 0 ? length : 0] = 0;
	digits = text_after(link, "socket:[");
	if (!digits || number_parse_until(digits, ']', UINT64_MAX, &inode) ||
		number_parse(name, INT32_MAX, &fd))
		return;
	row = *find(inode);
	if (inode && row != SOCKET_NONE)
		add(&search.sockets->rows[row], (int)fd);
}

static void visit_process(int proc)
{
	struct process now;
	const int directory =
		beneath_open(proc, proc_path(search.process->pid, "fd"), O_RDONLY | O_DIRECTORY);

	/* One without memory has no descriptors: a zombie, whose directory is root's. */
	if (directory < 0)
		search.list->closed += (errno == EACCES || errno == EPERM) &&
		                       !process_read(proc, search.process->pid, &now) &&
		                       now.resident > 0;
	else
		proc_each(directory, visit_descriptor);
}

void holders_find(struct holders *list, int proc, struct sockets *sockets)
{
	static struct process_list processes;

	search.list = list;
	search.sockets = sockets;
	fill_places();
	process_list(proc, &processes);
	for (size_t i = 0; i < processes.count; i++) {
		search.process = &processes.processes[i];
		/* Each process has the whole time. */
		watchdog_begin("read descriptors of ", "a process");
		visit_process(proc);
	}
	watchdog_end();
}
