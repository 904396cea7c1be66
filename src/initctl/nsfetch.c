/*
 * nsfetch: see nsfetch.h.
 */
#include "nsfetch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "output.h"
#include "verbs.h"

static struct initctl_message reply;

/*
 * Returns a descriptor from init, which is the caller's, or -1 if init has none and the caller
 * does not need it. Ends the program on any other failure.
 */
static int fetch(int connection, const char *key, const char *name, bool needed)
{
	int result = verb_request_open(connection, key, name, &reply);

	if (!result)
		return reply.fds[0];
	if (result < 0)
		verb_unanswered("open ", name);
	if (needed || initctl_number(&reply, "errno", 4095, 0) != ENOENT)
		exit(output_failed(&reply, name, NULL));
	return -1;
}

void nsfetch(int connection, struct nslist *list, int fds[NS_KINDS])
{
	for (unsigned i = 0; i < NS_KINDS; i++) {
		bool listed = nslist_has(list, i);
		fds[i] = -1;
		if (listed || i == NS_USER)
			fds[i] = fetch(
				connection, "namespace", ns_names[i].name, listed && !list->all);
		if (listed && fds[i] < 0)
			nslist_drop(list, i);
	}
	if (!list->count)
		fail_note("cannot open namespaces: init has none to hand out", NULL, NULL);
}

int nsfetch_directory(int connection, const char *what)
{
	return fetch(connection, "what", what, true);
}
