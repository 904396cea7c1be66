/*
 * sort: arrays in order.
 */
#ifndef INITCTL_SORT_H
#define INITCTL_SORT_H

#include <stddef.h>

/*
 * Sorts an array of count elements of that size. Equal ones may change places. A heap: it needs no
 * memory, and no order of the elements makes it slow. qsort(3) is 2 kB.
 */
void sort_array(void *array, size_t count, size_t size,
	int (*compare)(const void *one, const void *other, const void *argument),
	const void *argument);

#endif
