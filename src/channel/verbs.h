/*
 * verbs: the table of the requests that an operator may make, and the function that
 * carries each of them out: fork, kill(), or send a descriptor.
 */
#ifndef VERBS_H
#define VERBS_H

#include <stdbool.h>

#include "connection.h"
#include "request.h"
#include "server.h"

/* A request, and whom and what it came with. */
struct verb_call {
	struct connection *connection;
	const struct request *request;
	const int *fds;
	unsigned count; /* of fds; 0 once the verb has taken them over or closed them */
};

struct verb {
	char name[9];
	unsigned char descriptors; /* 0 or enum request_descriptors; with three it has arguments */
	unsigned char required;    /* enum field: one of fields, or 0 for none */
	unsigned fields;           /* that it takes besides version, as FIELD_BIT has them */
	/* Does what was asked for, and replies. */
	void (*run)(struct verb_call *call);
};

/* By index; NULL behind the last. */
const struct verb *verbs_at(unsigned index);

/* By name; NULL where there is none. */
const struct verb *verbs_find(const char *name);

/*
 * A bit, by index, for each verb in a list such as "status,watch", and for "user" and
 * "privileged", which are fields of exec; 0 where a name is unknown.
 */
unsigned verbs_from_list(const char *list);

/* The name of what a request needs and such a set does not have; NULL where it has all. */
const char *verbs_withheld(unsigned set, const struct request *request);

/*
 * Reads a request out of length bytes at data, which came with that many descriptors. 0,
 * or -1 with errno and the name of what is wrong in *field: as request_read, and ENOSYS
 * where there is no such verb.
 */
int verbs_read(struct request *request, char *data, size_t length, unsigned descriptors,
	const char **field);

/* The view is read for as long as init runs. */
void verbs_setup(const struct server_view *view);

/* There is room again for a list of sessions that was being sent. */
void verbs_continue_list(struct connection *connection);

/* As server_take_stop. */
bool verbs_take_stop(long long *grace);

#endif
