/*
 * top: what the screen of initctl top shows.
 */
#ifndef INITCTL_TOP_H
#define INITCTL_TOP_H

#include "snapshot.h"
#include "usagelines.h"

enum { TOP_INPUT = 64 /* bytes of what is typed into a prompt with its NUL */ };

enum top_order { TOP_BY_CPU, TOP_BY_MEMORY, TOP_BY_TIME, TOP_BY_PID, TOP_ORDERS };

struct top {
	struct snapshot snapshot; /* its list is in the order that is shown */
	struct usage_look look;
	enum top_order order;
	bool tree;
	char filter[TOP_INPUT];   /* what a name or a command line contains; "": any */
	pid_t selected;           /* or 0 */
	size_t first;             /* index of the first process on the screen */
	const char *prompt;       /* what is asked for, or NULL */
	char input[TOP_INPUT];    /* the answer so far */
	char note[2 * TOP_INPUT]; /* of what was done last; "": none */
};

/* Draws the whole screen on stdout, of that many rows and columns, and flushes it. */
void topview_draw(struct top *top, unsigned rows, unsigned columns);

#endif
