/*
 * tar_format: an archive's entries, as ustar of POSIX has them.
 */
#ifndef INITCTL_TAR_FORMAT_H
#define INITCTL_TAR_FORMAT_H

enum {
	TAR_BLOCK = 512,
	TAR_NAME_SIZE = 1 << 17, /* bytes of a name, with its NUL */
};

/* The types of an entry; the last four describe the next one. */
enum {
	TAR_FILE = '0',
	TAR_HARD_LINK = '1',
	TAR_LINK = '2',
	TAR_DIRECTORY = '5',
	TAR_SPARSE = 'S', /* GNU tar's */
	TAR_EXTRA = 'x',  /* pax records */
	TAR_EXTRA_ALL = 'g',
	TAR_LONG_NAME = 'L', /* GNU tar's */
	TAR_LONG_TARGET = 'K',
};

/* With the version. GNU tar writes something else. */
#define TAR_MAGIC "ustar\00000"

/* Numbers are octal digits. A text that fills its field has no NUL. */
struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8];
	char type, target[100], magic[8], owner[32], group[32], device[16], prefix[155], unused[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "without padding");

/* Ends the program: "cannot ACTION archive: " and the errno. */
_Noreturn void tar_failed(const char *action);

#endif
