/*
 * end: how the container ends. When the command does, or --pause is told to stop, all
 * others get TERM; once they are gone, or the grace is over and they got KILL, init exits
 * with the command's code. A second TERM, INT or QUIT cuts that short. With --wait-all it
 * lingers between the two; in the place of one that leaves at once it does not wait at all.
 *
 * Times are in milliseconds, points in time monotonic; FOREVER: none. All from end_asked on
 * may end the process.
 */
#ifndef END_H
#define END_H

#include <stdbool.h>

#include "channel/server.h"
#include "options.h"

/*
 * The container runs. Both are kept: of the view, which has proc, state, stopping and how
 * the command ended are set from here; in the options an operator may change the grace.
 */
void end_setup(struct options *options, struct server_view *view);

/*
 * Takes away what stands outside of us: socket, cgroups, janitor, and an inner process that
 * is not served yet. Before end_setup too.
 */
void end_clean_up(void);

/*
 * A signal came: with TERM, INT or QUIT, whatever it is forwarded as, the end is asked for.
 * Returns whether it is for the command, which may have a time from now on.
 */
bool end_asked(int signal);

/*
 * An operator wants the end, within that grace (FOREVER: as init was told). Returns whether
 * it is to begin with the command, which has that time, and is to be told.
 */
bool end_wanted(long long grace);

/* The command ended, as of wait(2). */
void end_command_ended(int status);

/* Whether it began, or nothing but others is left to wait for. */
bool end_began(void);

/* Whether the time is to be looked at. */
bool end_is_timed(void);

/* How long we may sleep, at most an hour, or FOREVER; also: until when somebody else says. */
int end_sleep(long long also);

/* Does what is due. */
void end_act(long long now);

/* Once it began: where nobody is left, no child and nobody else, it is reached. */
void end_check(bool childless);

#endif
