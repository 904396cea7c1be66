/*
 * show: replies for people, or as JSON, one object a line.
 */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <stdbool.h>

#include "client.h"

/* One message as {"message":NAME,...}: numbers as such, true and false too, all else strings. */
void show_json(const struct initctl_message *message);

/* Its fields, each on a line: "key: value". */
void show_fields(const struct initctl_message *message);

/* The same with the values below one another. */
void show_table(const struct initctl_message *message);

/* A list of sessions as a table; header before the first. */
void show_session(const struct initctl_message *message, bool header);

/* An event on one line: "type key=value ...". */
void show_event(const struct initctl_message *message);

/* On stderr, how to come back. */
void show_held(const struct initctl_message *message);

/* "failed" on stderr, as what went wrong with what. Returns initctl's exit code for it. */
int show_failed(const struct initctl_message *message, const char *object);

#endif
