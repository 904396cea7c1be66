/*
 * proctotal: what the processes of a container use together, as /proc shows it of each.
 */
#ifndef INITCTL_PROCTOTAL_H
#define INITCTL_PROCTOTAL_H

#include "usage.h"

/*
 * Adds up the time, the resident memory and the bytes read and written of all processes that proc
 * shows, where init is 1 in it, and of init and its descendants otherwise. Memory that processes
 * share counts for each of them. The time and the bytes of processes that ended are in those
 * of the parents that waited for them. The values that /proc does not have are unknown, and all
 * are where proc is -1; the sources are not set.
 */
void proctotal_read(int proc, int init, struct usage *usage);

#endif
