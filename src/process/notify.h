/*
 * notify: what init reports to the process that started it: a newline when the container
 * is ready (--ready-fd), one line for each event (--status-fd), and readiness to systemd
 * by sd_notify(3). Nothing here waits: a reader that is too slow loses messages.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

enum { NOTIFY_STATUS, NOTIFY_READY, NOTIFY_FDS };

/* How init was asked to tell. */
struct notify_setup {
	int fds[NOTIFY_FDS]; /* inherited; -1: none */
	bool service;        /* whether systemd is to be told */
	const char *socket;  /* of systemd's: a path, or @ and an abstract name; NULL: none */
};

/*
 * Takes the descriptors over and connects to the socket, while its path still means
 * what the operator meant. What is missing ends the process. To be called before anything else
 * is opened, which could get the number of a descriptor that is missing.
 */
void notify_open(const struct notify_setup *setup);

/* Adds what it holds to a list of descriptors to keep; returns how many. */
unsigned notify_keep(int *list);
enum { NOTIFY_KEEPS = NOTIFY_FDS + 1 };

/*
 * The command runs, as that pid (0: there is none). Says so, and, where the channel
 * is served or none was asked for, that the container is ready; closes what that was
 * for in either case.
 */
void notify_started(pid_t pid, bool served);

/* The command ended, as of wait(2). */
void notify_exited(int status);

/* The stage that the start has come to: one word, kept by reference. */
void notify_stage(const char *name);

/* It failed at that stage, and we are about to exit with that code. error is an errno or 0. */
void notify_failed(int code, int error);

#endif
