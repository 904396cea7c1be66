#include "section.h"

#include <stdint.h>
#include <sys/mman.h>

#include "sys.h"

enum {
	STACK = 65536, /* more than the start uses of the stack, in bytes */
	FRAME = 1024,  /* more than section_forget_start uses, with what it calls */
};

/* Where the program begins in memory; the linker defines it. */
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): its name
extern const char __executable_start[];

/*
 * By the first advice the code becomes a mapping of its own: otherwise the kernel would map it
 * again together with the code behind it.
 */
SECTION_START_END void section_forget_start(void)
{
	const uintptr_t page = SECTION_PAGE, code = (uintptr_t)__executable_start,
			code_end = (uintptr_t)section_forget_start & ~(page - 1),
			stack_end = ((uintptr_t)__builtin_frame_address(0) - FRAME) & ~(page - 1);

	sys_madvise((void *)code, code_end - code, MADV_RANDOM);
	sys_madvise((void *)code, code_end - code, MADV_DONTNEED);
	sys_madvise((void *)(stack_end - STACK), STACK, MADV_DONTNEED);
}
