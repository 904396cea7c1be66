/*
 * initctl: client library for the control channel of init (libinitctl.a).
 *
 * init-control(7) describes the messages. A connection is a plain descriptor, which the caller may
 * poll and must close; closing it ends the session that it carries, unless that was detached. Calls
 * block until the server replies. It does so at once, except to requests whose purpose is to wait,
 * and unless it is stopped: see initctl_connect_within().
 * Functions that return -1 set errno: EPROTO for a message that violates the protocol,
 * EPROTONOSUPPORT for a server of another version, ECONNRESET if the server closed the connection,
 * or an error of the socket calls.
 *
 * The library keeps no state, so threads may use different connections at the same time.
 * initctl_connect, initctl_greet and initctl_wait need 64 KiB of stack for a message.
 */
#ifndef INITCTL_H
#define INITCTL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	INITCTL_MESSAGE_SIZE = 65536, /* bytes in a message, at most */
	INITCTL_DESCRIPTORS = 6,      /* descriptors with a message, at most */
	INITCTL_GONE = 137            /* exit code where the container ended first */
};

/*
 * A received message. The descriptors are close-on-exec and the caller's. The name and the fields
 * are read by the functions below.
 */
struct initctl_message {
	int fds[INITCTL_DESCRIPTORS];
	unsigned count; /* of fds */
	size_t length;  /* of data */
	char data[INITCTL_MESSAGE_SIZE];
};

/* A request being composed in the caller's buffer; full is set if something did not fit. */
struct initctl_request {
	char *data;
	size_t size, length;
	bool full;
};

/*
 * Connects to the socket at path and reads the greeting. Returns the connection, which is
 * close-on-exec and the caller's, or -1. EACCES: the server refuses this user. EAGAIN or EMFILE:
 * the server has no room.
 */
int initctl_connect(const char *path);

/*
 * The same with a time limit in milliseconds for the connection, and from then on for each message
 * that is sent or received on it: a call that takes longer fails with ETIMEDOUT. 0: no limit.
 * initctl_set_timeout() sets another limit; 0, or -1 with errno.
 */
int initctl_connect_within(const char *path, unsigned milliseconds);
int initctl_set_timeout(int connection, unsigned milliseconds);

/* Reads the greeting on a socket that is already connected. Returns 0, or -1 as initctl_connect. */
int initctl_greet(int connection);

/* Composes a request: its name, then its fields in order. */
void initctl_begin(struct initctl_request *request, char *buffer, size_t size, const char *name);
void initctl_add(struct initctl_request *request, const char *key, const char *value);
void initctl_add_number(struct initctl_request *request, const char *key, long long value);

/*
 * Sends a request with count descriptors, which stay the caller's. Returns 0, or -1; EMSGSIZE: the
 * request is full; EINVAL: count is more than INITCTL_DESCRIPTORS.
 */
int initctl_send(
	int connection, const struct initctl_request *request, const int *fds, unsigned count);

/* Receives one message. Returns 1, 0 at the end of the connection, or -1. */
int initctl_receive(int connection, struct initctl_message *message);

/* Sends a request and receives the reply, which may be "failed". Returns 0 or -1. */
int initctl_call(int connection, const struct initctl_request *request, const int *fds,
	unsigned count, struct initctl_message *reply);

/* The message's name, and whether it is this one. */
const char *initctl_name(const struct initctl_message *message);
bool initctl_is(const struct initctl_message *message, const char *name);

/* The value of the first field with that key, or NULL. It points into the message. */
const char *initctl_field(const struct initctl_message *message, const char *key);

/* The field as a decimal number of 0 to max; or the value otherwise, if it is no such number. */
unsigned long long initctl_number(const struct initctl_message *message, const char *key,
	unsigned long long max, unsigned long long otherwise);

/* The field "KEY=VALUE" after a field, the first after NULL; NULL after the last. */
const char *initctl_next_field(const struct initctl_message *message, const char *field);

/* Closes the descriptors that came with a message, and sets count to 0. */
void initctl_discard(struct initctl_message *message);

/* A command to run in the container. init-control(7) gives the defaults for what is not set. */
struct initctl_exec {
	char *const *args;         /* NULL-terminated, at least one */
	const char *const *env;    /* NAME=VALUE, NULL-terminated, or NULL */
	const char *directory;     /* absolute path, or NULL */
	const char *user;          /* UID[:GID[,GID...]], or NULL */
	const char *mask;          /* umask in octal, or NULL */
	const char *const *limits; /* NAME:SOFT:HARD, NULL-terminated, or NULL */
	bool privileged; /* as root with all that init may do, not as the container's command */
	bool no_new_privileges;
	bool terminal;                /* run it on a new terminal of the container */
	unsigned short height, width; /* of the terminal, in characters */
	int stdio[3];                 /* used without a terminal; they stay the caller's */
	int program;                  /* descriptor of the program, or -1; stays the caller's */
};

/*
 * Starts a command, and waits until its program runs. Returns 0 with "started" in *reply, and with
 * a terminal its master in reply->fds[0], which is the caller's and was checked to be a master; 1
 * with "failed" in *reply; or -1. The request is composed in *reply too.
 */
int initctl_exec(int connection, const struct initctl_exec *exec, struct initctl_message *reply);

/*
 * The two halves of initctl_exec: begin sends the request and returns 0 or -1; end, to be called
 * once the connection is readable, receives the reply and returns as initctl_exec does.
 */
int initctl_exec_begin(
	int connection, const struct initctl_exec *exec, struct initctl_message *buffer);
int initctl_exec_end(
	int connection, const struct initctl_exec *exec, struct initctl_message *reply);

/*
 * Whether a descriptor is the master of a pseudoterminal. Check the one that comes with "attached"
 * before writing to it: the container may have passed another file.
 */
bool initctl_is_master(int fd);

/*
 * Waits for "exited", and stores the exit code that a shell would report: the command's, or 128 +
 * the signal that killed it. Returns 0 or -1.
 */
int initctl_wait(int connection, int *code);

/* The exit code of a message "exited", in the same form; -1 for any other message. */
int initctl_code(const struct initctl_message *message);

#ifdef __cplusplus
}
#endif

#endif
