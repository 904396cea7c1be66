/*
 * sort: see sort.h.
 */
#include "sort.h"

struct sort {
	char *array;
	size_t size;
	int (*compare)(const void *one, const void *other, const void *argument);
	const void *argument;
};

static int compare(const struct sort *sort, size_t one, size_t other)
{
	return sort->compare(
		sort->array + one * sort->size, sort->array + other * sort->size, sort->argument);
}

static void swap(const struct sort *sort, size_t one, size_t other)
{
	char *a = sort->array + one * sort->size, *b = sort->array + other * sort->size;

	for (size_t i = 0; i < sort->size; i++) {
		const char kept = a[i];
		a[i] = b[i];
		b[i] = kept;
	}
}

/* Lets an element sink below those that are greater, in a heap of count elements. */
static void sink(const struct sort *sort, size_t at, size_t count)
{
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && compare(sort, child, child + 1) < 0)
			child++;
		if (compare(sort, at, child) >= 0)
			return;
		swap(sort, at, child);
	}
}

void sort_array(void *array, size_t count, size_t size,
	int (*compare_two)(const void *one, const void *other, const void *argument),
	const void *argument)
{
	const struct sort sort = {array, size, compare_two, argument};

	for (size_t i = count / 2; i-- > 0;)
		sink(&sort, i, count);
	while (count-- > 1) {
		swap(&sort, 0, count);
		sink(&sort, 0, count);
	}
}
