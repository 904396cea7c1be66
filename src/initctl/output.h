/*
 * output: prints replies as text, or as JSON, one object a line.
 */
#ifndef INITCTL_OUTPUT_H
#define INITCTL_OUTPUT_H

#include <stdbool.h>

#include "initctl.h"

/* One message as {"message":NAME,...}: numbers as such, true and false too, all else strings. */
void output_json(const struct initctl_message *message);

/* Its fields, each on a line: "key: value". */
void output_fields(const struct initctl_message *message);

/* The same with the values below one another. */
void output_table(const struct initctl_message *message);

/* A list of sessions as a table; header before the first. */
void output_session(const struct initctl_message *message, bool header);

/* An event on one line: "type key=value ...". */
void output_event(const struct initctl_message *message);

/* On stderr, how to come back. */
void output_held(const struct initctl_message *message);

/*
 * Prints the reply "failed" on stderr: what could not be done with the object, and why. value is
 * what the operator gave for the field that the reply names, or NULL. Returns the exit code.
 */
int output_failed(const struct initctl_message *message, const char *object, const char *value);

#endif
