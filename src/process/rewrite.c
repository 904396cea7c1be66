#include "rewrite.h"

#include <signal.h>

#include "base/text.h"
#include "signals.h"

void rewrite_none(struct rewrite *rewrite)
{
	for (unsigned i = 0; i <= SIGNAL_MAX; i++)
		rewrite->to[i] = (unsigned char)i;
}

int rewrite_parse(struct rewrite *rewrite, const char *text)
{
	const char *colon = text + text_until(text, ':');
	int from = signal_number_until(text, ':'), to = *colon ? signal_number(colon + 1) : 0;

	if (!*colon || !from || from == SIGKILL || from == SIGSTOP)
		return -1;
	if (!to && !text_is(colon + 1, 0, "0"))
		return -1;
	rewrite->to[from] = (unsigned char)to;
	return 0;
}
