/*
 * search: finds the files of sockets, and adds them to targets.
 */
#ifndef INITCTL_SEARCH_H
#define INITCTL_SEARCH_H

#include "targets.h"

/* Adds the sockets whose paths match a pattern; links are followed. */
void search_pattern(struct targets *targets, const char *pattern);

/* As targets_find(). */
void search_directory(struct targets *targets, const char *directory, bool may_be_missing);

#endif
