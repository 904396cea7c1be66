#include "environment.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "sys.h"
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
		environment_remove(variable);
	return value;
}

void environment_remove(char **one)
{
	do
		*one = one[1];
	while (*one++);
}

char **environment_copy(char *const *envp, size_t more)
{
	size_t count = 0;
	void *copy;

	while (envp[count])
		count++;
	copy = sys_map(-1, (count + more + 1) * sizeof *envp);
	return copy == MAP_FAILED ? NULL : memcpy(copy, envp, count * sizeof *envp);
}

/* Whether both set the same variable. The second has its sign. */
static bool same_variable(const char *a, const char *b)
{
	for (; *a && *a == *b && *a != '='; a++)
		b++;
	return *a == *b;
}

void environment_put(char **envp, char *text)
{
	while (*envp && !same_variable(*envp, text))
		envp++;
	*envp = text;
}
