/*
 * eof: the end of input of a session's terminal, once that of the operator has ended.
 *
 * A terminal has no end of file of its own. In canonical mode its VEOF character is one, for a
 * single read. In any other mode all characters are data, and one that was written in canonical
 * mode becomes data if the mode changes before it is read. So a VEOF is written only while a
 * program waits for it, and taken back if it is not read soon. A program that waits for input
 * in another mode is to be hung up, which no mode changes.
 */
#ifndef INITCTL_EOF_H
#define INITCTL_EOF_H

#include <stdbool.h>

struct eof {
	bool begun;
	char last;    /* the last byte of the input */
	bool offered; /* a VEOF was written, and not yet seen to be read or taken back */
	bool polled;  /* to a program that polls */
	bool spoilt;  /* which has read it in another mode: no other is written */
	int interval; /* milliseconds between two looks, which doubles */
	int patience; /* milliseconds until a VEOF is offered again to a program that polls */
	/* Monotonic milliseconds: */
	long long next;  /* when to look again */
	long long since; /* when the program was last seen to do anything but wait */
	long long taken; /* when one that polls was last offered a VEOF */
};

/* Begins to give the end of input, once all of it was written; eof is zero. last: its last byte, 0
 * for none. */
void eof_begin(struct eof *eof, char last);

/* To be called whenever the program has written something. */
void eof_heard(struct eof *eof);

/* Milliseconds until eof_look() is to be called, at least 1. */
int eof_timeout(const struct eof *eof);

/*
 * Looks at the terminal, given by its non-blocking master, if it is time to, and gives a program
 * that waits for input the end of it. Returns true if the terminal is to be hung up, after all
 * output was read.
 */
bool eof_look(struct eof *eof, int master);

#endif
