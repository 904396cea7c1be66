/*
 * log: one line on stderr for each event, written without stdio and without waiting.
 *
 * A message is given in parts, which are written one after another. With an errno the parts
 * say what could not be done, as a verb and its object: the line is then "NAME: cannot ",
 * the parts, and the reason. Control characters in a part are shown as '?', or as log_show_by()
 * says, so that a file name cannot send escape sequences to the reader's terminal.
 *
 * There are three kinds of error. Before PID 1 has started its command, fail() and fail_cannot()
 * end the process. After that, warn_cannot() says what went wrong and init carries on. A child
 * between fork and exec reports stage and errno to its parent and does not use this file.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>

/* A line with its newline, in bytes, at most. */
enum { LOG_SIZE = 512 };

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * Sets the name at the start of every line, the highest level that is printed, and the exit
 * code of a process that fails before it has started anything (fail_cannot, fail).
 */
void log_setup(const char *program, int level, int failure_code);

/* Sets that level alone. */
void log_set_level(int level);

/* Bytes that are shown for one character, at most, with the NUL. */
enum { LOG_CHARACTER = 8 };

/*
 * Takes the next character of a text, which is not empty, and stores how it is shown as a string.
 * Returns the number of bytes taken.
 */
typedef size_t log_show(const char *text, char shown[static LOG_CHARACTER]);

/* Sets how the characters of messages are shown. */
void log_show_by(log_show *show);

/*
 * Has a function called, with the exit code and an errno or 0, before log_exit prints its message
 * and ends the process: it reports the failure and removes what was made, or what would hide the
 * message. NULL: none.
 */
void log_at_exit(void (*function)(int code, int error));

/* Non-zero if a message of that level would be printed. */
int log_enabled(int level);

/*
 * Prints the parts, up to a NULL, as one line of at most LOG_SIZE bytes, and after them the text
 * of error unless it is 0. Keeps errno. Never blocks on a pipe, socket or terminal that is
 * not being read: the line is dropped instead.
 */
void log_parts(int level, int error, const char *const *parts);

/*
 * Prints a text in which %N, a digit, stands for a fact, as one line: after the name as log_parts
 * does, or where it is `whole` as it is. Which level that is the caller has to ask.
 */
void log_facts(bool whole, const char *text, const char *const *facts);

/* As log_parts at LOG_ERROR, unless parts is NULL; then ends the process with that exit code. */
_Noreturn void log_exit(int code, int error, const char *const *parts);

/* The same with the code that log_setup was given; 125 before. */
_Noreturn void log_fail(int error, const char *const *parts);

/*
 * The usual messages, in two parts: the first ends with a blank where there is a second, which
 * is NULL (or "") where there is none. warn_cannot() prints "cannot ACTION OBJECT: reason of
 * errno"; fail_cannot() prints the same and ends a process that cannot start, as log_fail().
 * log_note() prints a text without a reason.
 */
void warn_cannot(const char *action, const char *object);
_Noreturn void fail_cannot(const char *action, const char *object);
/*
 * As fail_cannot, with what is known of the cause, beyond the errno: a clause that begins with
 * "; ", or "" where nothing is. It is printed behind the reason.
 */
_Noreturn void fail_cannot_since(const char *action, const char *object, const char *cause);
void log_note(int level, const char *text, const char *object);
/* Prints up to three parts without a reason, NULL behind the last; ends as fail_cannot(). */
_Noreturn void fail_note(const char *text, const char *object, const char *rest);

/*
 * Writes to a descriptor without waiting for a reader, and without changing the open file
 * description, which others may share. 0, or -1 with errno: EAGAIN if there is no room. A
 * pipe or socket that nobody reads any more also raises SIGPIPE.
 */
int log_put(int fd, const char *text, size_t length);

/*
 * From now on log_put opens 2 for each message, by its name in `own`, a /proc/self/fd that stays
 * the caller's and open: 2 may be a mere reference (O_PATH) to a pipe, whose reader does not wait
 * for it. 0, or -1 where it cannot be opened, and nothing has changed.
 */
int log_by_reference(int own);

/* An array of parts: an argument of another type does not compile, but for a null constant. */
#define LOG_PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

#define log_write(level, error, ...) log_parts((level), (error), LOG_PARTS(__VA_ARGS__))
#define log_die(code, error, ...)    log_exit((code), (error), LOG_PARTS(__VA_ARGS__))

/* Of any number of parts. */
#define warn(...)            log_write(LOG_WARN, 0, __VA_ARGS__)
#define die(code, ...)       log_die((code), 0, __VA_ARGS__)
#define die_errno(code, ...) log_die((code), errno, __VA_ARGS__)
#define fail(...)            log_fail(0, LOG_PARTS(__VA_ARGS__))
#define fail_errno(...)      log_fail(errno, LOG_PARTS(__VA_ARGS__))

#endif
