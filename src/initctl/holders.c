/*
 * holders: see holders.h.
 */
#include "holders.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "watchdog.h"

/* A table of rows by their inodes: the next free place after hash_of() is a row's. */
struct index {
	struct sockets *sockets;
	uint32_t *places; /* rows, or SOCKET_NONE */
	size_t mask;      /* the number of places is a power of two, and this one less */
	struct memory memory;
};

static size_t hash_of(const struct index *index, unsigned long long inode)
{
	return (size_t)(inode * 0x9e3779b97f4a7c15ULL >> 32) & index->mask;
}

/* The place of the row with that inode, or the free one where it would be. */
static uint32_t *find(const struct index *index, unsigned long long inode)
{
	size_t at = hash_of(index, inode);

	while (index->places[at] != SOCKET_NONE &&
		index->sockets->rows[index->places[at]].inode != inode)
		at = (at + 1) & index->mask;
	return &index->places[at];
}

static void index_make(struct index *index, struct sockets *sockets)
{
	size_t size = 64;

	while (size < 2 * sockets->count)
		size *= 2;
	index->sockets = sockets;
	index->mask = size - 1;
	memory_reserve(&index->memory, size * sizeof *index->places);
	index->places = index->memory.data;
	memset(index->places, 0xff, size * sizeof *index->places);
	/* A file that changes while it is read may list a socket twice: the first row is kept. */
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->rows[i].inode) {
			uint32_t *place = find(index, sockets->rows[i].inode);
			if (*place == SOCKET_NONE)
				*place = (uint32_t)i;
		}
}

static void add(struct holders *list, struct socket_row *row, const struct process *process, int fd)
{
	struct holder *holder;

	memory_reserve(&list->memory, (list->count + 1) * sizeof *list->rows);
	list->rows = list->memory.data;
	holder = &list->rows[list->count];
	*holder = (struct holder){.next = SOCKET_NONE, .pid = process->pid, .fd = fd};
	memcpy(holder->name, process->name, sizeof holder->name);
	if (row->first_holder == SOCKET_NONE)
		row->first_holder = (uint32_t)list->count;
	else
		list->rows[row->last_holder].next = (uint32_t)list->count;
	row->last_holder = (uint32_t)list->count++;
}

/* Adds the descriptor of that name, if its link is "socket:[INODE]" with an inode of the index. */
static void visit_descriptor(struct holders *list, const struct index *index,
	const struct process *process, int directory, const char *name)
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
	row = *find(index, inode);
	if (inode && row != SOCKET_NONE)
		add(list, &index->sockets->rows[row], process, (int)fd);
}

static void visit_process(
	struct holders *list, const struct index *index, int proc, const struct process *process)
{
	char buffer[4096] __attribute__((aligned(8)));
	char path[NUMBER_SIZE + 8], digits[NUMBER_SIZE];
	struct process now;
	long length;
	int directory;

	text_join(path, number_text(digits, process->pid), "/fd");
	directory = sys_open_resolved(
		proc, path, O_RDONLY | O_DIRECTORY, SYS_NO_XDEV | SYS_NO_SYMLINKS);
	if (directory < 0) {
		/* One without memory has no descriptors: a zombie, whose directory is root's. */
		list->closed += (errno == EACCES || errno == EPERM) &&
		                !process_read(proc, process->pid, &now) && now.resident > 0;
		return;
	}
	while ((length = sys_entries(directory, buffer, sizeof buffer)) > 0)
		for (char *p = buffer; p < buffer + length;) {
			const struct sys_entry *entry = (const struct sys_entry *)p;
			visit_descriptor(list, index, process, directory, entry->name);
			p += entry->length;
		}
	close(directory);
}

void holders_find(struct holders *list, int proc, struct sockets *sockets)
{
	static struct process_list processes;
	struct index index = {0};

	index_make(&index, sockets);
	process_list(proc, &processes);
	for (size_t i = 0; i < processes.count; i++) {
		/* Each process has the whole time. */
		watchdog_begin("read descriptors of ", "a process");
		visit_process(list, &index, proc, &processes.processes[i]);
	}
	watchdog_end();
	memory_release(&index.memory);
}
