/*
 * log: one line on stderr per event, made without stdio and without waiting.
 *
 * The parts of a message are written one after another. With an errno they are what
 * could not be done, a verb and its object: "cannot " is put before them and the reason
 * behind. Control characters in a part are
 * shown as '?', so that a name cannot drive the reader's terminal.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* For log_die: the exit code of whoever could not set up, as log_setup was told. */
enum { LOG_SETUP = -1 };

/* The name at the start of every line, the highest level that is printed, and that code. */
void log_setup(const char *prefix, int level, int setup);

/* What log_die is to call before the end: to take away what was made, and tell of it. */
void log_before_death(void (*function)(int code, int err));

/* Non-zero where a message of that level would be printed. */
int log_enabled(int level);

/*
 * Prints the parts, up to a NULL, as one line of at most 512 bytes; err, where
 * it is not 0, is appended as its text. Keeps errno. Never blocks on a pipe,
 * socket or terminal that is not being read: the line is dropped instead.
 */
void log_write(int level, int err, ...) __attribute__((sentinel));

/*
 * Writes to a descriptor without waiting for a reader, and without a change of its
 * description, which others may share. 0, or -1 with errno: EAGAIN where there is no
 * room. A pipe or socket that nobody reads any more also raises SIGPIPE.
 */
int log_put(int fd, const char *text, size_t length);

/* As log_write at LOG_ERROR, then ends the process with that exit code. */
_Noreturn void log_die(int code, int err, ...) __attribute__((sentinel));

/* As log_die of whoever could not set up, with errno. Two parts alone: it is said often. */
_Noreturn void log_fail(const char *step, const char *object);

#define warn(...)            log_write(LOG_WARN, 0, __VA_ARGS__, (char *)0)
#define warn_errno(...)      log_write(LOG_WARN, errno, __VA_ARGS__, (char *)0)
#define info(...)            log_write(LOG_INFO, 0, __VA_ARGS__, (char *)0)
#define debug(...)           log_write(LOG_DEBUG, 0, __VA_ARGS__, (char *)0)
#define die(code, ...)       log_die((code), 0, __VA_ARGS__, (char *)0)
#define die_errno(code, ...) log_die((code), errno, __VA_ARGS__, (char *)0)
#define fail(...)            log_die(LOG_SETUP, 0, __VA_ARGS__, (char *)0)
#define fail_errno(...)      log_die(LOG_SETUP, errno, __VA_ARGS__, (char *)0)

#endif
