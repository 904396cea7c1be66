/*
 * output: prints messages from init, as text or as JSON, on stdout unless stated otherwise. Write
 * errors are left to verb_printed().
 */
#ifndef INITCTL_OUTPUT_H
#define INITCTL_OUTPUT_H

#include <stdbool.h>

#include "initctl.h"
#include "table.h"

/* Prints a line {"message":NAME,...}. Numbers, true and false are not quoted. Flushes stdout. */
void output_json(const struct initctl_message *message);

/* The same without the end of the object: json.h adds members to it, and ends it. */
void output_json_begin(const struct initctl_message *message);

/* Prints the fields, each on a line: "key: value". */
void output_fields(const struct initctl_message *message);

/* Prints the fields, each on a line, with the values aligned in a column. */
void output_table(const struct initctl_message *message);

/* Begins a table of sessions, and adds a message "session" as a row. */
void output_sessions(struct table *table);
void output_session(struct table *table, const struct initctl_message *message);

/* Prints on stderr how to attach again to the session that a message "held" names. */
void output_held(const struct initctl_message *message);

/*
 * Prints on stderr what a reply "failed" says could not be done with the object, and why. value is
 * what the operator gave for the field that the reply names, or NULL. Returns the exit code:
 * EXIT_NOT_FOUND or EXIT_NOT_EXECUTABLE if the exec failed, or else EXIT_INITCTL.
 */
int output_failed(const struct initctl_message *message, const char *object, const char *value);

#endif
