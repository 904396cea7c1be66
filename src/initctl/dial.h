/*
 * dial: a TCP connection to a host of the container, by a socket that init passes.
 */
#ifndef INITCTL_DIAL_H
#define INITCTL_DIAL_H

#include "inet.h"

/*
 * Connects to the first of the host's addresses that can be reached within --timeout each, and
 * writes the first one to text, as of inet_text(), for messages. Ends the program if none can; verb
 * is the name of the verb, for the message that init is too old. started, unless it is -1, is
 * closed once init has passed the first socket. The socket does not block, and is the caller's.
 */
int dial(const struct context *context, const struct inet_host *host, const char *verb, int started,
	char text[INET_TEXT]);

#endif
