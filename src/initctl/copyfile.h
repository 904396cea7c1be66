/*
 * copyfile: makes files, links and directories in a directory, by its descriptor and a name in it.
 * No symbolic link is followed there. What is no directory appears whole under its name, and takes
 * the place of what had the name before, unless that is a directory.
 *
 * A struct stat says what to make: mode, time of the last change, owners and, for copyfile_data,
 * the size. Owners are set with --archive only; without them the bits of set-user-ID and
 * set-group-ID are dropped, which would give somebody else's file the rights of this user. They are
 * the container's: those outside are mapped.
 * Functions return 0, or -1 with errno; descriptors that they return are close-on-exec and the
 * caller's.
 */
#ifndef INITCTL_COPYFILE_H
#define INITCTL_COPYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * Whether owners are set, and whether the files are made in a container, whose file systems are
 * watched for calls that hang. To be called before anything else.
 */
void copyfile_setup(bool owners, bool inside);

/* Opens a file without a name, or where that is not known with one for the time being. Only one
 * is open at a time. */
int copyfile_begin(int directory);

/*
 * Copies the bytes of a file, up to the size that it had when it was asked, and its holes. Calls
 * copy_alive() for each part.
 */
int copyfile_data(int from, int to, const struct stat *status);

/* Gives the file its attributes and its name, and closes it, also after an error. */
int copyfile_end(int fd, int directory, const char *name, const struct stat *status);

/* Writes to the file at an offset, all bytes. */
int copyfile_write(int fd, const char *data, size_t size, off_t at);

/* Closes a file that is not to be finished. Keeps errno. */
void copyfile_abandon(int fd);

/* Removes what an unfinished file is called. Async-signal-safe, keeps errno. */
void copyfile_discard(void);

int copyfile_link(int directory, const char *name, const char *target, const struct stat *status);

/* Makes another name for the file at from, which is in from_directory. */
int copyfile_hard(int from_directory, const char *from, int directory, const char *name);

/*
 * Makes a directory that only this user can enter, unless there is one, and opens it. *made is
 * whether it is new.
 */
int copyfile_directory(int directory, const char *name, bool *made);

/* Gives attributes to a directory, after all was made in it. */
int copyfile_attributes(int fd, const struct stat *status);

/*
 * Opens the directory that the last part of a path is in, with O_PATH. Symbolic links in the path
 * are an error, so it cannot lead out of top if there is no ".." in it. With make, directories
 * that are missing are made. *base is the last part.
 */
int copyfile_parent(int top, const char *path, bool make, const char **base);

#endif
