/*
 * All that init calls of a C library, for x86-64: the start of a program, and system calls
 * under the names that a libc has for them, which behave as its own do. A tenth of what musl
 * makes of it, since it knows of no threads, no cancellation and no constructors. A function
 * that is missing here is missed by the linker.
 */
	.macro system name, number
	.globl \name
\name:
	.if \number < 128
	push $\number
	jmp enter
	.else
	/* What goes into a byte. */
	push $\number - 256
	jmp enter_high
	.endif
	.endm

	.bss
	.balign 8
	.globl environ
environ:
	.quad 0

	.text
	/* The stack holds argc, argv, NULL, envp, NULL; it is to stand at a multiple of 16. */
	.globl _start
_start:	pop %rdi
	mov %rsp, %rsi
	lea 8(%rsi, %rdi, 8), %rdx
	mov %rdx, environ
	push %rax
	call main
	mov %eax, %edi
	system _exit, 231

	system bind, 49
	system chdir, 80
	system chroot, 161
	system close, 3
	system connect, 42
	system dup2, 33
	system epoll_create1, 291
	system epoll_ctl, 233
	system epoll_wait, 232
	system execve, 59
	system faccessat, 269
	system fstatfs, 138
	system getegid, 108
	system geteuid, 107
	system getpgid, 121
	system getpgrp, 111
	system getpid, 39
	system getppid, 110
	system getsid, 124
	system getsockopt, 55
	system ioctl, 16

	/* wait4(2), without the fourth. */
	.globl waitpid
waitpid:
	xor %ecx, %ecx
	push $61

	jmp enter

enter_high:
	addq $256, (%rsp)
	/* As a function has its arguments, but for the fourth. */
enter:	pop %rax
	mov %rcx, %r10
	syscall
leave:	cmp $-4095, %rax
	jae failed
	ret
failed:	neg %eax
	mov %eax, bare_errno
	or $-1, %rax
	ret

	system kill, 62
	system listen, 50
	system lseek, 8
	system madvise, 28
	system mkdirat, 258
	system mknodat, 259
	system mount, 165
	system poll, 7
	system read, 0
	system readlink, 89
	system readlinkat, 267
	system setpgid, 109
	system setsid, 112
	system symlinkat, 266
	system umask, 95
	system umount2, 166
	system unlinkat, 263
	system unshare, 272
	system write, 1

	.globl syscall
syscall:
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov 8(%rsp), %r9
	syscall
	jmp leave

	/* The child writes over where we would return to. */
	.globl vfork
vfork:	pop %rdx
	mov $58, %eax
	syscall
	push %rdx
	jmp leave

	.globl memcpy
memcpy:	mov %rdi, %rax
	mov %rdx, %rcx
	rep movsb
	ret

	.globl memset
memset:	mov %rdi, %r8
	mov %esi, %eax
	mov %rdx, %rcx
	rep stosb
	mov %r8, %rax
	ret

	.section .note.GNU-stack, "", @progbits
