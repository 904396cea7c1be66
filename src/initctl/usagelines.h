/*
 * usagelines: what a container uses, as a few lines for people or as one JSON object.
 */
#ifndef INITCTL_USAGELINES_H
#define INITCTL_USAGELINES_H

#include <stdbool.h>

#include "usage.h"

/* One look at it, and the one before, from which it makes what is used per second. */
struct usage_look {
	struct usage now, before;
	long long elapsed; /* milliseconds between them; 0: there is none before */
	long long at;      /* when the last one was, as sys_now(); 0: there is none */
};

/* Takes another look, of which the first one is at a struct that is zero. */
void usagelines_look(const struct usage_from *from, struct usage_look *look);

/*
 * Prints the lines on stdout, and returns how many. columns is the width of a terminal, at which
 * they are cut, or 0. None of them has a character that the container could choose.
 */
unsigned usagelines_print(const struct usage_look *look, unsigned columns);

/* The use of the CPU in hundredths of a per cent of one, between both looks; false: unknown. */
bool usagelines_cpu(const struct usage_look *look, uint64_t *percent);

/* Prints all values that are known as one object {"message":"stats",...}. */
void usagelines_json(const struct usage_look *look);

#endif
