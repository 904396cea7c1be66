/*
 * json: prints objects on stdout, one a line: {"message":NAME,"KEY":VALUE,...}. Text from the
 * container need not be UTF-8, which JSON has to be: a byte that is not becomes U+FFFD.
 */
#ifndef INITCTL_JSON_H
#define INITCTL_JSON_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The object's members are added between json_begin() and json_end(), which flushes stdout. A NULL
 * is printed as null, and so is a negative number: what is not known.
 */
void json_begin(const char *name);
void json_text(const char *key, const char *text);
void json_number(const char *key, long long number);
void json_fraction(const char *key, const char *digits); /* "0.5" */
void json_bool(const char *key, bool value);
void json_end(void);

/* Objects begin with "container":NAME from now on. The name stays the caller's. */
void json_container(const char *name);

/*
 * A list of objects: json_item() begins each of them, and what follows are its members, up to the
 * next or json_list_end().
 */
void json_list(const char *key);
void json_item(void);
void json_list_end(void);

/*
 * A field of a message from init. It is a number, true or false if it looks like one, unless
 * its key is that of a text.
 */
void json_field(const char *key, size_t length, const char *value);

#endif
