/*
 * pstree: processes in the order of a tree.
 */
#ifndef INITCTL_PSTREE_H
#define INITCTL_PSTREE_H

#include "process.h"

/*
 * Brings a list, which is in the order of the pids, into that of a tree: each process is followed
 * by its children, the oldest pid first. One whose parent is not in the list, or is younger, as it
 * may seem where both were read at different times, is at the root.
 */
void pstree_order(struct process_list *list);

/* Stores what is drawn before a process of such a list; what does not fit is left out. */
void pstree_draw(const struct process_list *list, size_t index, char *tree, size_t size);

#endif
