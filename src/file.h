/*
 * file: files of the kernel's, which take a text whole or refuse it.
 */
#ifndef FILE_H
#define FILE_H

/* Writes text to a file that is there, at path below directory. 0, or -1 with errno. */
int file_write(int directory, const char *path, const char *text);

#endif
