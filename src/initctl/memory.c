/*
 * memory: see memory.h.
 */
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

/* Bytes at first, a multiple of every page size. */
enum { FIRST = 1 << 16 };
/* Of a piece that any object may be in. */
enum { ALIGNMENT = sizeof(long long) };

void memory_reserve(struct memory *memory, size_t size)
{
	size_t room = memory->size ? memory->size : FIRST;
	void *data;

	if (memory->data && size <= memory->size)
		return;
	while (room < size)
		room *= 2;
	if (memory->data)
		data = mremap(memory->data, memory->size, room, MREMAP_MAYMOVE);
	else
		data = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		fail_cannot("get memory", NULL);
	*memory = (struct memory){data, room};
}

void memory_release(struct memory *memory)
{
	if (memory->data)
		munmap(memory->data, memory->size);
	*memory = (struct memory){NULL, 0};
}

void *memory_piece(size_t size)
{
	static struct memory memory;
	static size_t used;
	const size_t start = used;

	used = (start + size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (used <= memory.size)
		return (char *)memory.data + start;
	memory = (struct memory){NULL, 0};
	used -= start;
	memory_reserve(&memory, used);
	return memory.data;
}

const char *memory_copy(const char *text, size_t length)
{
	/* A NUL follows. */
	return memcpy(memory_piece(length + 1), text, length);
}
