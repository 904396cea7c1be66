/*
 * environment: variables looked up in an environment, an array of "NAME=VALUE" that ends with
 * a NULL (environ(7)).
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stddef.h>

/* Where the first variable of that name stands, or NULL. */
char **environment_find(char *const *envp, const char *name);

/* Its value, as getenv(3) gives it, or NULL. */
char *environment_value(char *const *envp, const char *name);

/* The same; all variables of that name are removed. */
char *environment_take(char **envp, const char *name);

/* Removes one of an environment, or of another list that ends with a NULL. */
void environment_remove(char **one);

/*
 * A copy of the list with room for so many more variables, to be given to environment_put; NULL
 * with errno. It is never freed.
 */
char **environment_copy(char *const *envp, size_t more);

/* Sets the variable that the text NAME=VALUE names, which stays the caller's. */
void environment_put(char **envp, char *text);

#endif
