/*
 * reason: errno in words. The libc's table is three times as long, and PID 1 cannot
 * meet most of it.
 */
#ifndef REASON_H
#define REASON_H

#include "number.h"

enum { REASON_SIZE = NUMBER_SIZE + 8 };

/* The words, or "errno N" in a buffer of the caller's. */
const char *reason_text(int error, char buffer[static REASON_SIZE]);

#endif
