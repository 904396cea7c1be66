/*
 * client: the operator's end of the control channel, as a library (libinitctl.a).
 *
 * init-control(7) says what the messages mean. A connection is a plain descriptor, to
 * be polled and closed like any other; closing it ends the session that it carries.
 * Calls wait for the server, which answers at once but for what takes time by its
 * nature. Each returns -1 with errno where the channel fails: EPROTO for what is not
 * the protocol, EPROTONOSUPPORT for a server that does not speak our version,
 * ECONNRESET where it closed the connection.
 */
#ifndef INITCTL_CLIENT_H
#define INITCTL_CLIENT_H

#include <stdbool.h>

#include "base/wire.h"

/* What a shell makes of a command that ended with its container, which was killed. */
enum { INITCTL_GONE = 137 };

/* A message received; strings point into data. The descriptors are the caller's. */
struct initctl_message {
	struct wire wire;
	int fds[WIRE_DESCRIPTORS];
	unsigned count;
	char data[WIRE_SIZE];
};

/*
 * Connects to the socket at path and reads the greeting. Returns the connection,
 * close-on-exec, the caller's. EACCES: the server does not let us in. EAGAIN,
 * EMFILE: it has no room.
 */
int initctl_connect(const char *path);

/* The same for a connected socket, such as one end of the pair that init has. 0 or -1. */
int initctl_greet(int connection);

/* Receives one message. 1, 0 at the end of the connection, or -1. */
int initctl_receive(int connection, struct initctl_message *message);

/*
 * Sends a request made with wire_begin and wire_add*, with count descriptors that
 * stay the caller's. 0, or -1: EMSGSIZE where it did not fit its buffer.
 */
int initctl_send(int connection, const struct wire_out *request, const int *fds, unsigned count);

/* Sends, and receives the answer, which may be "failed". 0 or -1. */
int initctl_call(int connection, const struct wire_out *request, const int *fds, unsigned count,
	struct initctl_message *answer);

/* Whether this is the message's name. */
bool initctl_is(const struct initctl_message *message, const char *name);

/* A command to run inside; what is not set is as init-control(7) has it. */
struct initctl_exec {
	char *const *args;         /* NULL-terminated, at least one */
	const char *const *env;    /* NAME=VALUE, NULL-terminated, or NULL */
	const char *directory;     /* or NULL */
	const char *user;          /* UID[:GID[,GID...]], or NULL */
	const char *mask;          /* octal, or NULL */
	const char *const *limits; /* NAME:SOFT:HARD, NULL-terminated, or NULL */
	bool no_new_privileges;
	bool terminal;
	unsigned short height, width; /* of the terminal */
	int stdio[3];                 /* without a terminal; they stay the caller's */
	int program;                  /* descriptor of the program, or -1; stays the caller's */
};

/*
 * Starts it, and waits until it runs. Returns 0 with "started" in *answer, and in
 * answer->fds[0] the terminal's master, the caller's, checked to be one; 1 with
 * "failed"; or -1.
 */
int initctl_exec(int connection, const struct initctl_exec *exec, struct initctl_message *answer);

/* The two halves of it: asks, 0 or -1; and, once the connection is readable, the answer. */
int initctl_exec_begin(int connection, const struct initctl_exec *exec);
int initctl_exec_end(
	int connection, const struct initctl_exec *exec, struct initctl_message *answer);

/* Whether a descriptor is a terminal's master, as everything received as one should be. */
bool initctl_is_master(int fd);

/*
 * Waits for "exited". Stores what a shell makes of it, the exit code or 128 + the
 * signal. 0 or -1.
 */
int initctl_wait(int connection, int *code);

/* The same of a message "exited" that was received, -1 where it is none. */
int initctl_code(const struct initctl_message *message);

#endif
