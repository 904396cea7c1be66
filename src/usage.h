/*
 * usage: the texts that init prints on request, on stdout. Each ends the process
 * with 0, or 1 where stdout does not take it.
 */
#ifndef USAGE_H
#define USAGE_H

#define INIT_VERSION "0.1.0"

_Noreturn void usage_help(void);
_Noreturn void usage_license(void);
_Noreturn void usage_version(const char *text);

#endif
