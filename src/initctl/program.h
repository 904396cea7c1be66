/*
 * program: a program that the container may run, but not change.
 */
#ifndef INITCTL_PROGRAM_H
#define INITCTL_PROGRAM_H

/*
 * A copy of the file that nobody can write to. Whoever runs a file can open it by
 * /proc/PID/exe, and inside that may be somebody who can write to ours. Returns a
 * descriptor, close-on-exec, the caller's; ends the program with 125 where there is none.
 */
int program_open(const char *path);

/*
 * Runs initctl anew from such a copy, where it does not yet. Before it goes to where
 * the container says what is run: its "program" may be a script for /proc/self/exe,
 * which would be ours (CVE-2019-5736).
 */
void program_protect(char **words);

#endif
