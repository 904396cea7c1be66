/*
 * tar_entry: the entries of an archive on stdin, one after another. What cannot be read, or is no
 * archive, ends the program.
 */
#ifndef INITCTL_TAR_ENTRY_H
#define INITCTL_TAR_ENTRY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "tar_format.h"

/* What its headers say. The strings may be changed, and are good until the next entry is read. */
struct tar_entry {
	char *name, *target;
	struct stat status; /* mode without a type, size, owners, time of the last change */
	char type;          /* TAR_FILE, ... or another */
};

#define TAR_NO_SPARSE "sparse files of GNU tar are not supported"

/* Reads the headers of the next entry. Returns false at the end. */
bool tar_next(struct tar_entry *entry);

/* Whether there is more, as an archive need not have an end. */
bool tar_has_more(void);

/*
 * Reads the content of an entry, of that size, and writes it to a file, or with -1 to none. Returns
 * 0, or -1 with errno if it could not be written; all of it was read then as well.
 */
int tar_pour(off_t size, int fd);

/* Reads the rest: whoever writes the archive may write more blocks of its end. */
void tar_drain(void);

#endif
