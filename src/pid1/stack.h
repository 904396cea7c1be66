/*
 * shed: memory that only the start needs, given back to the system.
 */
#ifndef STACK_H
#define STACK_H

/*
 * The start's pages of the program. A fault brings back all of 64 kB around it that is
 * in memory (fault_around_bytes): the linker puts the start's last page before such a
 * boundary (see PLACED in the Makefile), and nothing happens where it could not.
 */
void stack_start(void);

/* What the start used of the stack and its caller will not: whole pages below its frame. */
void stack_stack(void);

#endif
