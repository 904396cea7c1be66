#include "stack.h"

#include <stdint.h>
#include <sys/mman.h>

/* The start's part of the stack, at most. */
enum { STACK_USED = 65536 };

void stack_start(void)
{
	extern char program[] __asm__("__executable_start"); /* the linker's */
	const uintptr_t from = (uintptr_t)program, around = 65536;
	uintptr_t end = (uintptr_t)stack_start & ~(around - 1);

	if (end > from)
		madvise(program, end - from, MADV_DONTNEED);
}

/* Not where the frame of the call that does it may lie. */
__attribute__((noinline)) void stack_stack(void)
{
	const uintptr_t page = 4096, frame = 256;
	char here;
	uintptr_t end = ((uintptr_t)&here - frame) & ~(page - 1);

	madvise((char *)end - STACK_USED, STACK_USED, MADV_DONTNEED);
}
