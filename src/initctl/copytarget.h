/*
 * copytarget: the directory that is copied to, and what is made in it.
 */
#ifndef INITCTL_COPYTARGET_H
#define INITCTL_COPYTARGET_H

#include "copytree.h"

/* Whether owners are kept, also of directories that are there already. */
void copytarget_setup(bool owners);

/*
 * Opens the directory that path is of and returns NULL, or opens the one that it is in, and returns
 * the name that the copy is to have there. A symbolic link at the end of a path inside is followed;
 * one of this side may have come from a container, and is refused. Ends the program on failure;
 * word is what is printed for path.
 */
const char *copytarget_open(const struct copy_side *side, const char *word, const char *path);

/* The directory that was opened. */
int copytarget_top(void);

/* Makes a copy there. */
extern const struct copy_sink copytarget_sink;

#endif
