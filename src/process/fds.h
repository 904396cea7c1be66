/*
 * fds: which descriptors init holds.
 */
#ifndef FDS_H
#define FDS_H

/*
 * Any of 0, 1, 2 may be closed at the start. A placeholder, close-on-exec, takes
 * each such place, so that nothing opened later lands there by chance, and the
 * command still finds it closed.
 */
void fds_sanitise(void);

/*
 * Takes an inherited descriptor for our own: the command does not get it. 0, or -1
 * with EBADF where it is closed, cannot be written to, or was taken before.
 */
int fds_claim(int fd);

/* Closes every descriptor from 3 up but the count ones in keep, where -1 is none. */
void fds_close_others(const int *keep, unsigned count);

/*
 * Raises the limit of descriptors as far as it goes, since each connection is one;
 * and in a child takes that back.
 */
void fds_raise_limit(void);
void fds_restore_limit(void);

/*
 * To be called while nothing else can have changed /proc: our /proc/self/fd, for
 * fds_release. It is the caller's. -1 where stderr can be kept, or it cannot be opened.
 */
int fds_open_own(void);

/*
 * After the command has started: lets go of stdin and stdout, each of which becomes a copy of
 * filler, of all but the descriptors to keep, and of the current directory.
 *
 * Where stderr is the same pipe as stdout, whose reader else would see no end before init's, it
 * becomes a reference, through own (fds_open_own), by which messages are still printed. Where
 * that cannot be, as with a socket or without /proc, it is kept.
 */
void fds_release(int filler, int own, const int *keep, unsigned count);

/* The first of these alone. */
void fds_release_stdio(int filler);

#endif
