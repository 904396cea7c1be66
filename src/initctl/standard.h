/*
 * standard: the descriptors that a session without a terminal gets as its stdin, stdout and stderr.
 */
#ifndef INITCTL_STANDARD_H
#define INITCTL_STANDARD_H

#include <stdbool.h>

#include "relay.h"

/*
 * Stores which descriptors the session gets for ours: ours themselves; or for a terminal, which
 * must not be passed into the container, one end of a pipe, whose other end is stored in the relay;
 * or /dev/null if ours is not open, or the session is detached. Ends the program if a pipe cannot
 * be made.
 */
void standard_pass(int stdio[3], struct relay *relay, bool detached);

/*
 * Closes our copies of the descriptors that the session has received: the reader of a pipe that is
 * our stdout must see its end when the session closes it. stderr stays open for our messages.
 */
void standard_close(const int stdio[3]);

#endif
