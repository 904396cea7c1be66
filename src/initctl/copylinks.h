/*
 * copylinks: where files with more than one name were copied to, so that another name of one
 * becomes a hard link to the copy.
 */
#ifndef INITCTL_COPYLINKS_H
#define INITCTL_COPYLINKS_H

#include <sys/stat.h>

/* The path that was kept for this file, or NULL. */
const char *copylinks_find(const struct stat *status);

/* Keeps a copy of the path, which is two parts. Out of memory, the link is lost and no more. */
void copylinks_keep(const struct stat *status, const char *path, const char *rest);

#endif
