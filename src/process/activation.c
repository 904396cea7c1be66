#include "activation.h"

#include <unistd.h>

#include "base/environment.h"
#include "base/number.h"
#include "base/text.h"

/* The pid that LISTEN_PID has to name. Behind a PID namespace of our own, init has another. */
static pid_t self;

static bool is_pid(const char *value, pid_t pid)
{
	char digits[NUMBER_SIZE];

	return value && text_is(value, 0, number_text(digits, pid));
}

int activation_take(char **envp)
{
	char *value = environment_value(envp, "LISTEN_FDS");
	char *last = environment_value(envp, "LISTEN_FDNAMES"), digits[NUMBER_SIZE];
	unsigned long long fds;

	self = getpid();
	if (!value || !last || !is_pid(environment_value(envp, "LISTEN_PID"), self))
		return -1;
	last += text_last(last, ':') - last;
	if (!text_is(last, 0, "init-control") || number_parse(value, 1024, &fds) || !fds)
		return -1;
	last[-(last[-1] == ':')] = 0;
	text_join(value, number_text(digits, (long long)fds - 1), "");
	return (int)fds + 2;
}

void activation_pass_on(char **envp)
{
	static char text[sizeof "LISTEN_PID=" + NUMBER_SIZE];
	char digits[NUMBER_SIZE];

	if (!is_pid(environment_value(envp, "LISTEN_PID"), self))
		return;
	text_join(text, "LISTEN_PID=", number_text(digits, getpid()));
	*environment_find(envp, "LISTEN_PID") = text;
}
