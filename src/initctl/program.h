/*
 * program: programs of the host that the container may execute but not modify.
 */
#ifndef INITCTL_PROGRAM_H
#define INITCTL_PROGRAM_H

/*
 * Copies the file at path into a sealed memfd. A process that executes a file can open that file as
 * /proc/PID/exe, and root inside could then write to the host's; nobody can write to the copy.
 * Returns its descriptor, which is close-on-exec and the caller's. Ends the program with
 * EXIT_INITCTL if the file cannot be copied.
 */
int program_open(const char *path);

/* Where commands are looked for without a PATH. */
#define PROGRAM_PATH "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

/*
 * Executes a command with an environment. A name without a slash is looked for in the directories
 * of a PATH, as by execvpe(3). Returns only if that fails, with errno: EACCES if there is such a
 * file that may not be executed.
 */
void program_execute(char **command, char **environment, const char *path);

/* The same of the file of initctl. */
int program_open_own(void);

/*
 * Executes initctl again with the same words, from a sealed copy, unless it already runs from one.
 * To be called before a command is executed in the container's mount namespace: the file found
 * there may be a script with the interpreter /proc/self/exe, which would give the container access
 * to the file of initctl on the host (CVE-2019-5736). Ends the program if the exec fails.
 */
void program_protect(char **words);

#endif
