/*
 * ps: lists the processes of the container.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "outside.h"
#include "pstree.h"
#include "snapshot.h"
#include "verbs.h"

struct request {
	bool tree;
	const char *columns;
};

const struct option ps_options[] = {
	{0, offsetof(struct request, tree), "tree", NULL, "show who started whom", option_true},
	{'o', offsetof(struct request, columns), NULL, "COLUMN,...",
		"these columns; see initctl(1)", option_text},
	{0, 0, NULL, NULL, NULL, NULL},
};

static const char common[] = "pid,outside,ppid,user,state,age,rss,time,tty,role,command";

/* Which columns are listed. */
static enum snapshot_name chosen[TABLE_COLUMNS];
static struct table_column columns[TABLE_COLUMNS];
static unsigned count;

static void choose(const char *names)
{
	while (*names) {
		unsigned row = 0;
		while (row < SNAPSHOT_COLUMNS && !text_is(names, ',', snapshot_columns[row].key))
			row++;
		if (row == SNAPSHOT_COLUMNS)
			fail_usage("unknown column in", names);
		if (count == TABLE_COLUMNS)
			fail_usage("too many columns:", names);
		chosen[count] = (enum snapshot_name)row;
		columns[count++] = snapshot_columns[row];
		names += text_until(names, ',');
		names += *names == ',';
	}
	if (!count)
		fail_usage("no columns given", NULL);
}

static void add_row(const struct snapshot *snapshot, const struct process *process,
	const char *tree, struct table *table)
{
	for (unsigned i = 0; i < count; i++)
		snapshot_cell(snapshot, process, chosen[i], tree, table);
}

int verb_ps(const struct context *context, char **arguments)
{
	static struct request request = {.columns = common};
	static struct snapshot snapshot;
	static struct table table;
	char tree[SNAPSHOT_TREE];

	options_take(ps_options, &request, &arguments);
	arguments_end(arguments);
	choose(request.columns);
	snapshot_open(&snapshot, context);
	snapshot_take(&snapshot);
	outside_find(context, &snapshot.list);
	table_begin(&table, "process", columns, count, context->json);
	if (request.tree)
		pstree_order(&snapshot.list);
	for (size_t i = 0; i < snapshot.list.count; i++) {
		*tree = 0;
		if (request.tree)
			pstree_draw(&snapshot.list, i, tree, sizeof tree);
		add_row(&snapshot, &snapshot.list.processes[i], tree, &table);
	}
	table_print(&table);
	return verb_printed();
}
