/*
 * address: addresses of IPv4 and IPv6 as text. The libc's functions for it bring printf(3).
 */
#ifndef INITCTL_ADDRESS_H
#define INITCTL_ADDRESS_H

#include <stdbool.h>

enum { ADDRESS_TEXT = 40 }; /* bytes of a text with its NUL */

/* Writes an address of 4 or 16 bytes in network order, as RFC 5952 has it: 127.0.0.1, fe80::1. */
void address_text(const unsigned char *address, bool six, char text[static ADDRESS_TEXT]);

/* Reads one. Returns false if it is none; address has 16 bytes, or 4 if six is false. */
bool address_parse(const char *text, bool six, unsigned char *address);

#endif
