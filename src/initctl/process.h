/*
 * process: the processes of the container, as its /proc shows them, which init passes. They change
 * and vanish while they are read. What they say about themselves, as name and command line, may be
 * anything.
 */
#ifndef INITCTL_PROCESS_H
#define INITCTL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "memory.h"

enum {
	PROCESS_NAME = 64,     /* bytes of a name with its NUL */
	PROCESS_COMMAND = 4096 /* of a command line, which is cut off there */
};

struct process {
	pid_t pid, parent, group, session; /* as in the container */
	pid_t outside;                     /* as in our /proc, or -1 where that is not known */
	uid_t uid;                         /* effective */
	char state;                        /* a letter of proc(5) */
	int terminal;                      /* device number, or 0 */
	unsigned threads;
	long long started;                    /* milliseconds after the boot */
	long long user, system;               /* CPU time in milliseconds */
	long long waited_user, waited_system; /* of the children that it has waited for */
	long long resident;                   /* bytes */
	char name[PROCESS_NAME];
	long long load;        /* CPU use in thousandths of a CPU by snapshot_take(), or -1 */
	unsigned char belongs; /* of process_keep() */
	long above;            /* by pstree_order(): index of its parent in the list, or -1 */
	bool has_sibling;      /* likewise: whether another child of its parent follows */
};

/* Processes in the order of their pids. Empty where it is zero, as it has to be at first. */
struct process_list {
	struct process *processes;
	size_t count;
	struct memory memory;
};

/*
 * Replaces a list by all processes of a /proc, whose descriptor stays the caller's. Those that
 * vanish meanwhile are left out. Ends the program if there is no memory, or /proc cannot be read.
 */
void process_list(int proc, struct process_list *list);

/*
 * The process with a pid in a list that is in the order of the pids, as process_list() makes it;
 * or NULL.
 */
struct process *process_find(const struct process_list *list, pid_t pid);

/* Keeps init and what descends from it, where init is not PID 1 and /proc shows others as well. */
void process_keep(struct process_list *list, pid_t init);

/* Reads one process. Returns 0, or -1 with errno; ESRCH or ENOENT if it does not exist. */
int process_read(int proc, pid_t pid, struct process *process);

/*
 * Reads a command line into command, its words separated by blanks. It is the name in brackets
 * where there is none, as for a kernel thread or a zombie.
 */
void process_command(int proc, const struct process *process, char command[PROCESS_COMMAND]);

/* Proportional resident memory (PSS) in bytes, or -1 where it may not be read. */
long long process_shared_memory(int proc, pid_t pid);

/* Milliseconds since the boot, by which process.started is given. */
long long process_now(void);

/* Reads a file of a process, "PID/NAME", as a string. Returns its length, or -1 with errno. */
ssize_t process_file(int proc, pid_t pid, const char *name, char *text, size_t size);

#endif
