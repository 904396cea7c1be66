/*
 * settings: what is written to files of the kernel, as it was asked for.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

enum { SETTINGS = 32 };

struct settings {
	unsigned count;
	const char *list[SETTINGS]; /* each NAME=VALUE; the caller's */
};

#endif
