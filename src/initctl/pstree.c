/*
 * pstree: see pstree.h.
 */
#include "pstree.h"

#include <stdint.h>
#include <string.h>

#define NONE SIZE_MAX

/* The place of a process in the tree, by indexes of the list as it was. */
struct node {
	size_t parent, child, sibling; /* its first child, its next sibling; or NONE */
	size_t index;                  /* in the list as it is then */
};

/* Whether a process can be the parent of another: there are no circles among those that can. */
static bool is_older(const struct process *process, const struct process *than)
{
	return process->started < than->started ||
	       (process->started == than->started && process->pid < than->pid);
}

/* Links the processes. Returns the first one at the root. */
static size_t link_nodes(const struct process_list *list, struct node *nodes)
{
	size_t root = NONE, *first;

	for (size_t i = 0; i < list->count; i++)
		nodes[i] = (struct node){NONE, NONE, NONE, NONE};
	/* From the last to the first, so that children come in the order of their pids. */
	for (size_t i = list->count; i-- > 0;) {
		const struct process *above = process_find(list, list->processes[i].parent);
		const size_t parent = above ? (size_t)(above - list->processes) : NONE;
		first = &root;
		if (above && is_older(above, &list->processes[i])) {
			nodes[i].parent = parent;
			first = &nodes[parent].child;
		}
		nodes[i].sibling = *first;
		*first = i;
	}
	return root;
}

/* What follows a node where the tree is walked from top to bottom, or NONE. */
static size_t next(const struct node *nodes, size_t node)
{
	if (nodes[node].child != NONE)
		return nodes[node].child;
	while (nodes[node].sibling == NONE) {
		node = nodes[node].parent;
		if (node == NONE)
			return NONE;
	}
	return nodes[node].sibling;
}

void pstree_order(struct process_list *list)
{
	static struct memory memory, ordered;
	struct process *to;
	struct node *nodes;
	size_t count = 0;

	memory_reserve(&memory, list->count * sizeof *nodes);
	memory_reserve(&ordered, list->count * sizeof *to);
	nodes = memory.data;
	to = ordered.data;
	for (size_t i = link_nodes(list, nodes); i != NONE; i = next(nodes, i)) {
		const size_t parent = nodes[i].parent;
		nodes[i].index = count;
		to[count] = list->processes[i];
		to[count].above = parent == NONE ? -1 : (long)nodes[parent].index;
		to[count++].has_sibling = nodes[i].sibling != NONE;
	}
	memcpy(list->processes, to, count * sizeof *to);
}

void pstree_draw(const struct process_list *list, size_t index, char *tree, size_t size)
{
	const struct process *all = list->processes;
	size_t depth = 0;
	const size_t most = (size - 1) / 3;

	*tree = 0;
	for (long i = (long)index; all[i].above >= 0; i = all[i].above)
		depth++;
	if (depth > most)
		depth = most;
	tree[3 * depth] = 0;
	for (long i = (long)index; depth-- > 0; i = all[i].above)
		memcpy(tree + 3 * depth,
			i == (long)index     ? "\\_ "
			: all[i].has_sibling ? "|  "
					     : "   ",
			3);
}
