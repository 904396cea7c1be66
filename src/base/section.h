/*
 * section: which code and data the linker puts side by side. Linux maps and keeps memory by
 * pages, so what is used together is to lie together. tests/channel/test_channel_resources.py
 * checks that it does.
 */
#ifndef SECTION_H
#define SECTION_H

/*
 * For a large table of which little is touched: it goes behind all other data, so that what
 * is touched always lies together on one page or two. The linker has to sort sections by name
 * for it (--sort-section=name). Saves three pages of memory.
 */
#define SECTION_LAST __attribute__((section(".bss.zz")))

/*
 * For a large function that only the start calls: the linker puts these side by side, where
 * GCC puts main(), and SECTION_START_END behind them. The pages up to that function are given back
 * once the command runs (section_forget_start). Saves three pages of memory. A function that
 * is called later all the same is read in again; nothing else happens. One that is called at one
 * place in such a function needs none of its own: it becomes a part of that one.
 */
#define SECTION_START     __attribute__((section(".text.startup.a"), noinline))
#define SECTION_START_END __attribute__((section(".text.startup.zz"), noinline))

/* The size of a page; the largest one where the kernel can be built with several. */
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__) || defined(__riscv)
enum { SECTION_PAGE = 4096 };
#else
enum { SECTION_PAGE = 65536 };
#endif

/*
 * Gives the memory back that only the start needed: the pages of its code, and those of the stack
 * that it went down to. The code may be read in again at any time.
 */
void section_forget_start(void);

#endif
