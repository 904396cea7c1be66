/*
 * splicer: joins two TCP sockets. The bytes go by splice(2) through pipes, and are never copied
 * here unless there is no descriptor left for a pipe. A pipe is only held while bytes are in it,
 * so that an idle connection has two descriptors. Nothing blocks.
 *
 * The end of one direction is passed on as such, the other goes on. A reset, or any other error, of
 * the socket inside is passed on as a reset once what that had sent before is delivered; one of the
 * socket outside at once.
 */
#ifndef INITCTL_SPLICER_H
#define INITCTL_SPLICER_H

#include <stdbool.h>
#include <stdint.h>

struct splicer_end {
	int fd;          /* the splicer's, non-blocking; -1: none yet, or closed */
	uint32_t events; /* that it is watched for */
	bool watched, broken;
};

struct splicer_flow {
	int pipe[2];     /* or -1 */
	unsigned length; /* bytes in the pipe */
	bool blocked;    /* the receiving end has no room */
	bool ended;      /* the sending end has ended */
	bool done;       /* and so has the receiving one */
};

struct splicer {
	uint64_t key; /* of the events of ends[0]; those of ends[1] have the next one */
	struct splicer_end ends[2];   /* outside, inside */
	struct splicer_flow flows[2]; /* flows[i] is what ends[i] sends */
};

/* Sets the epoll that watches all sockets, and how many pipes there may be at once. */
void splicer_setup(int epoll, unsigned pipes);

/* Begins with no sockets. */
void splicer_begin(struct splicer *splicer, uint64_t key);

/* Watches an end for these events; with none, for errors alone. Returns 0, or -1 with errno. */
int splicer_watch(struct splicer *splicer, unsigned side, uint32_t events);

/*
 * Moves what can be moved after these events of one end; with none, begins. Returns false once the
 * connection is over: both sockets are closed then.
 */
bool splicer_move(struct splicer *splicer, unsigned side, uint32_t events);

/* Closes what there is; with reset, so that the peers see that it was not the end of the data. */
void splicer_close(struct splicer *splicer, bool reset);

#endif
