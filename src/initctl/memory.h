/*
 * memory: arrays that grow. They are mapped, not allocated: nothing in initctl releases a piece of
 * its memory, and malloc(3) with realloc(3) and free(3) is 8 kB larger than without.
 */
#ifndef INITCTL_MEMORY_H
#define INITCTL_MEMORY_H

#include <stddef.h>

/* An array, empty where it is zero. */
struct memory {
	void *data;  /* moves when the array grows */
	size_t size; /* bytes that there is room for */
};

/*
 * Sees to it that there is room for that many bytes; what is added is zero. Ends the program with
 * EXIT_INITCTL if there is no memory.
 */
void memory_reserve(struct memory *memory, size_t size);

/* Gives the whole array back; it is empty then. */
void memory_release(struct memory *memory);

/*
 * A piece of memory for any object, zero, that stays until the program ends. Ends the program
 * likewise.
 */
void *memory_piece(size_t size);

/* The same that holds a copy of a text, with a NUL. */
const char *memory_copy(const char *text, size_t length);

#endif
