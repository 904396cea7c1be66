#include "activation.h"

#include <unistd.h>

#include "base/environment.h"
#include "base/number.h"
#include "base/text.h"

/* The pid that LISTEN_PID has to name. Behind a PID namespace of our own, init has another. */
static pid_t self;

/* The variable that says whose the descriptors are, where they are ours; else NULL. */
static char **find_pid(char **envp)
{
	char **variable = environment_find(envp, "LISTEN_PID"), digits[NUMBER_SIZE];

	if (variable && text_is(*variable + sizeof "LISTEN_PID", 0, number_text(digits, self)))
		return variable;
	return NULL;
}

int activation_take(char **envp)
{
	char *value = environment_value(envp, "LISTEN_FDS");
	char *last = environment_value(envp, "LISTEN_FDNAMES"), digits[NUMBER_SIZE];
	unsigned long long fds;

	self = getpid();
	if (!value || !last || !find_pid(envp))
		return -1;
	last += text_last(last, ':') - last;
	if (!text_is(last, 0, "init-control") || number_parse(value, 1024, &fds) || !fds)
		return -1;
	last[-(last[-1] == ':')] = 0;
	text_copy(value, number_text(digits, (long long)fds - 1));
	return (int)fds + 2;
}

void activation_pass_on(char **envp)
{
	static char text[sizeof "LISTEN_PID=" + NUMBER_SIZE];
	char **variable = find_pid(envp);

	if (!variable)
		return;
	number_join(text, "LISTEN_PID=", getpid());
	*variable = text;
}
