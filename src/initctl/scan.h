/*
 * scan: numbers and words in text, as that of files in /proc. The libc's functions for it bring
 * those of scanf(3) and a fast search, 4 kB.
 */
#ifndef INITCTL_SCAN_H
#define INITCTL_SCAN_H

/*
 * Takes the decimal number behind blanks and tabs, and advances *text to the blank, tab or newline
 * that ends the word. What is no digit ends the number; 0 if there is none.
 */
unsigned long long scan_number(const char **text);

/* Takes at most that many hexadecimal digits, and advances *text past them. */
unsigned long long scan_hex(const char **text, unsigned most);

/* Where a word begins in a text, or NULL. */
char *scan_find(const char *text, const char *word);

#endif
