/*
 * follow: prints what is written to files of the container, until the container ends.
 */
#ifndef INITCTL_FOLLOW_H
#define INITCTL_FOLLOW_H

#include <stdbool.h>

#include "content.h"

struct followed {
	struct content content; /* may not be open: then its name is waited for */
	bool given_up;          /* not followed */
	bool has_size;          /* unlike files of proc */
	bool is_missing;        /* that its name leads nowhere was reported */
};

/*
 * Prints "==> NAME <==" where count, the number of files, is not 1, and this is not the file that
 * was printed last.
 */
void follow_header(const struct followed *file, unsigned count);

/*
 * Prints what count files grow by. A file that became shorter is read again from its start. Names
 * are resolved anew four times a second, in the directory root: where another file has a name, and
 * is not empty, the first one is printed to its end, and then the other one is followed. Returns
 * when connection, to init, is closed, as it is when the container ends, and all that was written
 * is printed. Ends the program where nobody reads stdout any more, even if nothing is written.
 */
void follow_files(struct followed *files, unsigned count, int root, int connection);

#endif
