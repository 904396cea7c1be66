/*
 * signame: names of signals, for messages. init has its own table, by which it reads names.
 */
#ifndef INITCTL_SIGNAME_H
#define INITCTL_SIGNAME_H

enum { SIGNAME_SIZE = 16 };

/* Stores the name of a signal without SIG: TERM, RTMIN+3; or its number. */
void signame(int signal, char name[SIGNAME_SIZE]);

#endif
