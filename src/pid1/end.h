/*
 * end: how the container ends. When the command ends, or --pause is told to stop, all other
 * processes get TERM; once they are gone, or the grace period has expired and they got KILL,
 * init exits with the command's code. A second TERM, INT or QUIT cuts the grace period short.
 * With --wait-all init first waits for the other processes without a signal. Called as tini,
 * dumb-init or catatonit it exits at once.
 *
 * The grace period is kept in the view, and nowhere else: it begins as --grace, and an
 * operator may change it. Durations and points in time are those of base/duration.h. The
 * functions named end_on_... may end the process.
 */
#ifndef END_H
#define END_H

#include <stdbool.h>

#include "channel/server.h"
#include "options.h"

/*
 * The container runs. Both are kept by reference. Of the view, which has proc already, this
 * file sets state, stopping, grace, and how the command ended.
 */
void end_setup(const struct options *options, struct server_view *view);

/*
 * Takes away what stands outside of us: socket, cgroups, janitor, and an inner process that
 * is not served yet. Before end_setup too.
 */
void end_clean_up(void);

/*
 * A signal arrived, before --rewrite: TERM, INT and QUIT ask for the end. Returns whether it is
 * to be forwarded: any other signal is, these only while the command runs.
 */
bool end_on_signal(int signal);

/*
 * An operator asks for the end; the shortest grace period of all such requests is that, or
 * NOT_SAID. Returns whether the command runs, and is therefore to get the TERM first.
 */
bool end_on_request(long long grace);

/* The command ended, with a status as of wait(2). */
void end_on_command_ended(int status);

/* Whether the command has ended, or --pause was told to stop. */
bool end_has_begun(void);

/* Whether end_on_time is to be called. */
bool end_is_timed(void);

/*
 * For how many milliseconds poll(2) may sleep until end_on_time, or another who is called at
 * a point in time of his own, has something to do: at most an hour, or -1 for no limit.
 */
int end_timeout(long long other);

/* Does what is due now. */
void end_on_time(long long now);

/* Once the end has begun: exits if there is neither a child nor any other process left. */
void end_on_reaped(bool childless);

#endif
