#include "activation.h"

#include <unistd.h>

#include "base/number.h"
#include "base/text.h"

/* Where a variable stands, "NAME=" with its sign; NULL where it is not set. */
static char **find(char **envp, const char *name)
{
	for (; *envp; envp++)
		if (text_after(*envp, name))
			return envp;
	return NULL;
}

/* Whom LISTEN_PID would name; our child in a new namespace, which goes on as us, has another. */
static pid_t self;

static bool is_pid(char *const *variable, pid_t pid)
{
	char digits[NUMBER_SIZE];

	return variable &&
	       text_is(*variable + sizeof "LISTEN_PID=" - 1, 0, number_text(digits, pid));
}

int activation_take(char **envp)
{
	char **count = find(envp, "LISTEN_FDS="), **names = find(envp, "LISTEN_FDNAMES=");
	char *last, digits[NUMBER_SIZE], *value;
	unsigned long long fds;

	self = getpid();
	if (!count || !names || !is_pid(find(envp, "LISTEN_PID="), self))
		return -1;
	value = *count + sizeof "LISTEN_FDS=" - 1;
	last = *names + sizeof "LISTEN_FDNAMES=" - 1;
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
	char **variable = find(envp, "LISTEN_PID="), digits[NUMBER_SIZE];

	if (!is_pid(variable, self))
		return;
	text_join(text, "LISTEN_PID=", number_text(digits, getpid()));
	*variable = text;
}
