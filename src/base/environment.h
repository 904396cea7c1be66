/*
 * environment: variables looked up in an environment, an array of "NAME=VALUE" that ends with
 * a NULL (environ(7)).
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

/* Where the first variable of that name stands, or NULL. */
char **environment_find(char *const *envp, const char *name);

/* Its value, as getenv(3) gives it, or NULL. */
char *environment_value(char *const *envp, const char *name);

/* The same; all variables of that name are removed. */
char *environment_take(char **envp, const char *name);

#endif
