/*
 * seccomp: the filter of system calls that the command and the sessions get: one program of
 * classic BPF (seccomp(2)), compiled by whoever starts init, as bubblewrap takes it.
 */
#ifndef SECCOMP_H
#define SECCOMP_H

/*
 * Reads the program, an array of struct sock_filter, up to the end of fd, and closes that. Waits
 * for who writes it. 0, or -1 with errno: EINVAL for what is no whole number of instructions, none,
 * or more than the kernel takes.
 */
int seccomp_read(int fd);

/*
 * Installs it for this process and for all that it starts, which needs no_new_privs or
 * CAP_SYS_ADMIN. Whether the program is a filter is for the kernel to say: EINVAL. 0, or -1 with
 * errno.
 */
int seccomp_install(void);

#endif
