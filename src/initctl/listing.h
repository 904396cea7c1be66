/*
 * listing: files of the container, and how ls prints them.
 */
#ifndef INITCTL_LISTING_H
#define INITCTL_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct listing_entry {
	size_t name,
		target; /* where they begin in the listing's text; target: of a symbolic link */
	unsigned mode, links, uid, gid, device[2]; /* all below: 0 where not asked for */
	uint64_t size, blocks;                     /* blocks of 512 bytes */
	long long modified;                        /* seconds of the epoch */
};

/* Zeros: an empty one. */
struct listing {
	struct memory entries, text;
	size_t count, used; /* entries; bytes of text */
};

/*
 * Adds a file. Unless directory is -1, its status is read: of the file of that name in directory,
 * or where name_in is "", of that descriptor itself. Returns 0, or -1 with errno and nothing added.
 * Ends the program where there is no memory.
 */
int listing_add(struct listing *listing, const char *name, int directory, const char *name_in);

/* Sorts by name, byte by byte. */
void listing_sort(struct listing *listing);

/* Prints names, one a line; in columns as wide as the terminal; all that is known, as ls -l. */
void listing_print_names(const struct listing *listing);
void listing_print_columns(const struct listing *listing, size_t width);
void listing_print_long(const struct listing *listing);

/* Prints a JSON object a line. directory: the path of the directory that was listed, or NULL. */
void listing_print_json(const struct listing *listing, const char *directory);

/* The disk space of all files in KiB, as ls -l says in its first line. */
unsigned long long listing_total(const struct listing *listing);

void listing_clear(struct listing *listing);

#endif
