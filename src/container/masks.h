/*
 * masks: what proc and sysfs show or change of the host, whatever namespaces a container has,
 * is covered or made read-only, as container runtimes do.
 */
#ifndef MASKS_H
#define MASKS_H

#include <stdbool.h>

/*
 * Covers and makes read-only what of proc or sysfs is to be, by the descriptor of its mount, which
 * is mounted already. Whatever fails ends the process, and says so.
 */
void masks_put(int fs, bool is_proc);

#endif
