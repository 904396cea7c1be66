/*
 * rewrite: as which signal each incoming one is forwarded (--rewrite).
 */
#ifndef REWRITE_H
#define REWRITE_H

#include "signals.h"

/* By the number of the incoming signal; 0 drops it. Index 0 is not used. */
struct rewrite {
	unsigned char to[SIGNAL_MAX + 1];
};

/* Every signal to itself. */
void rewrite_none(struct rewrite *rewrite);

/* FROM:TO by names or numbers, TO 0 to drop. 0, or -1: nothing is changed. */
int rewrite_parse(struct rewrite *rewrite, const char *text);

#endif
