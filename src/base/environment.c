#include "environment.h"

#include <stddef.h>

#include "wire.h"

char **environment_find(char *const *envp, const char *name)
{
	for (; *envp; envp++)
		if (wire_value(*envp, name))
			return (char **)envp;
	return NULL;
}

char *environment_value(char *const *envp, const char *name)
{
	char **variable = environment_find(envp, name);

	return variable ? (char *)wire_value(*variable, name) : NULL;
}

char *environment_take(char **envp, const char *name)
{
	char *value = environment_value(envp, name), **variable;

	while ((variable = environment_find(envp, name)))
		do
			*variable = variable[1];
		while (*variable++);
	return value;
}
