/*
 * snapshot: the processes of a container at one moment, with what init knows about them: which one
 * is the main command, and to which session they belong.
 */
#ifndef INITCTL_SNAPSHOT_H
#define INITCTL_SNAPSHOT_H

#include "owner.h"
#include "process.h"
#include "table.h"
#include "verbs.h"

enum {
	SNAPSHOT_ROLE = 16, /* bytes of a role with its NUL */
	SNAPSHOT_TREE = 128 /* of what is put before a command in a tree */
};

struct snapshot_session {
	unsigned long long id;
	pid_t pid;
};

struct snapshot {
	const struct context *context;
	int proc;                         /* of the container; the snapshot's */
	pid_t init;                       /* pid of init, or 0 where it does not tell */
	pid_t main;                       /* pid of the main command, or 0 */
	long long now;                    /* as process_now(), when the processes were read */
	struct process_list list, before; /* before: of the look before */
	long long before_now;
	struct memory sessions; /* struct snapshot_session */
	size_t session_count;
};

/*
 * Opens the container's /proc, and reads who its users are. Ends the program where init does not
 * pass it. snapshot_take() reads everything else, again and again.
 */
void snapshot_open(struct snapshot *snapshot, const struct context *context);
void snapshot_take(struct snapshot *snapshot);

/*
 * Stores what a process is to init: "init", "main" for the main command, "%3" for a process of
 * the session of initctl with that number; or "".
 */
void snapshot_role(
	const struct snapshot *snapshot, const struct process *process, char role[SNAPSHOT_ROLE]);

/* What can be listed of a process. */
enum snapshot_name {
	COLUMN_PID,
	COLUMN_OUTSIDE,
	COLUMN_PPID,
	COLUMN_PGID,
	COLUMN_SID,
	COLUMN_USER,
	COLUMN_UID,
	COLUMN_STATE,
	COLUMN_AGE,
	COLUMN_RSS,
	COLUMN_PSS,
	COLUMN_CPU,
	COLUMN_TIME,
	COLUMN_THREADS,
	COLUMN_TTY,
	COLUMN_ROLE,
	COLUMN_NAME,
	COLUMN_COMMAND,
	SNAPSHOT_COLUMNS
};

/* By enum snapshot_name; the keys are the names for ps -o. */
extern const struct table_column snapshot_columns[SNAPSHOT_COLUMNS];

/* Whether a column has numbers, which are aligned to the right. */
bool snapshot_is_number(enum snapshot_name column);

/*
 * Stores the value of a column as it is displayed, but not escaped; not the command. Returns the
 * number that the text is of; -1 where that is not known, or the column has texts.
 */
long long snapshot_text(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, char text[OWNER_NAME]);

/* Adds the cell of a column to a table. The tree is put before the command, but in JSON. */
void snapshot_cell(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, const char *tree, struct table *table);

#endif
