/*
 * runtime: an example of a program that runs containers with init. It is built by
 *
 *     cc -D_GNU_SOURCE -o runtime runtime.c $(pkg-config --cflags --libs initctl)
 *
 * runtime INIT CHECK COMMAND [ARGUMENT...] runs COMMAND in new namespaces and, when the
 * container is ready, CHECK (a command line for sh) inside it, and stops the container if
 * that fails. It exits as COMMAND does or, if COMMAND was not started, with init's exit
 * code. The steps:
 *
 * 1. INIT is copied into a sealed memfd and executed from there: it needs no path inside,
 *    and no process inside can write to it. (A runtime could include it by .incbin.)
 * 2. init inherits three descriptors: one end of a socketpair, which is the control
 *    channel, and the pipes of --ready-fd and --status-fd. We keep the other ends,
 *    close-on-exec, so that they are closed when we end.
 * 3. --parent-death-signal ends the container with us. If we die before init requests that
 *    signal, it notices by the socketpair.
 * 4. A newline on the first pipe means that the container is ready. If the pipe ends
 *    without one the start failed, and the second pipe has the stage.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "initctl.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3, where sysctl vm.memfd_noexec may ask for it */
#endif

enum { SETUP = 125, OURS = 0, ITS = 1, OPTIONS = 6, MAP = 24 };

static struct {
	int program;
	/* OURS is read from, ITS written to; of the socketpair both. */
	int channel[2], ready[2], status[2];
	char **words; /* of init */
} container;

static struct initctl_message answer;

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "runtime: %s: %s\n", what, strerror(errno));
	exit(SETUP);
}

static int sealed_copy(const char *path)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int file = open(path, O_RDONLY | O_CLOEXEC), copy = memfd_create("init", flags | MFD_EXEC);
	ssize_t length;

	if (copy < 0 && errno == EINVAL)
		copy = memfd_create("init", flags);
	if (file < 0 || copy < 0)
		die(path);
	while ((length = sendfile(copy, file, NULL, 1 << 30)) > 0)
		;
	if (length || fcntl(copy, F_ADD_SEALS, seals))
		die("copy init");
	close(file);
	return copy;
}

/* The command line of init: its name, our options, the command. */
static void compose(int argc, char **argv)
{
	static char name[] = "init", options[3][24], parent[] = "--parent-death-signal=KILL",
		    end[] = "--";
	char *first[OPTIONS] = {name, options[0], options[1], options[2], parent, end};

	snprintf(options[0], sizeof *options, "--control-fd=%d", container.channel[ITS]);
	snprintf(options[1], sizeof *options, "--ready-fd=%d", container.ready[ITS]);
	snprintf(options[2], sizeof *options, "--status-fd=%d", container.status[ITS]);
	container.words = calloc((size_t)argc + OPTIONS + 1, sizeof *container.words);
	if (!container.words)
		die("compose command line");
	memcpy(container.words, first, sizeof first);
	memcpy(container.words + OPTIONS, argv, (size_t)argc * sizeof *argv);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* The child, in its namespaces. Mounts and the root would be made here, or by init. */
static int inside(void *maps)
{
	char(*map)[MAP] = maps;

	if (map) {
		write_file("/proc/self/setgroups", "deny");
		write_file("/proc/self/uid_map", map[0]);
		write_file("/proc/self/gid_map", map[1]);
	}
	/* These, and no others of ours: all else is close-on-exec. */
	fcntl(container.channel[ITS], F_SETFD, 0);
	fcntl(container.ready[ITS], F_SETFD, 0);
	fcntl(container.status[ITS], F_SETFD, 0);
	fexecve(container.program, container.words, environ);
	die("run init");
}

static pid_t start(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	const bool ordinary = geteuid() != 0;
	int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;
	char maps[2][MAP];
	pid_t pid;

	snprintf(maps[0], MAP, "0 %u 1", geteuid());
	snprintf(maps[1], MAP, "0 %u 1", getegid());
	if (ordinary)
		flags |= CLONE_NEWUSER;
	pid = clone(inside, stack + sizeof stack, flags, ordinary ? maps : NULL);
	if (pid < 0)
		die("clone");
	/* Held by us too, their end would never be seen. */
	close(container.channel[ITS]);
	close(container.ready[ITS]);
	close(container.status[ITS]);
	close(container.program);
	return pid;
}

/* Runs CHECK with our stdin, stdout and stderr, and has the container stopped if that fails. */
static void check(int channel, char *line)
{
	char shell[] = "sh", option[] = "-c", *args[] = {shell, option, line, NULL}, data[64];
	const struct initctl_exec exec = {.args = args, .stdio = {0, 1, 2}, .program = -1};
	struct initctl_request request;
	int code = SETUP;

	/* -1: the channel has ended, since the container has. */
	if (initctl_greet(channel) || initctl_exec(channel, &exec, &answer) < 0)
		return;
	if (initctl_is(&answer, "failed"))
		fprintf(stderr, "runtime: check failed in %s\n", initctl_field(&answer, "stage"));
	else if (initctl_wait(channel, &code))
		return;
	fprintf(stderr, "runtime: check exited with %d\n", code);
	initctl_begin(&request, data, sizeof data, "stop");
	if (code && !initctl_call(channel, &request, NULL, 0, &answer))
		fprintf(stderr, "runtime: %s\n", initctl_name(&answer));
}

int main(int argc, char **argv)
{
	char line[256], newline = 0;
	int status;
	FILE *events;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr, "usage: runtime INIT CHECK COMMAND [ARGUMENT...]\n");
		return SETUP;
	}
	container.program = sealed_copy(argv[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, container.channel) ||
		pipe2(container.ready, O_CLOEXEC) || pipe2(container.status, O_CLOEXEC))
		die("make channel");
	compose(argc - 3, argv + 3);
	pid = start();
	if (read(container.ready[OURS], &newline, 1) == 1 && newline == '\n') {
		fprintf(stderr, "runtime: ready\n");
		check(container.channel[OURS], argv[2]);
	}
	/* Held by init to its end. No failure is mistaken for an exit, whatever the code. */
	events = fdopen(container.status[OURS], "r");
	while (events && fgets(line, sizeof line, events))
		fprintf(stderr,
			strncmp(line, "event=failed ", 13) ? "runtime: %s" : "runtime: set-up: %s",
			line);
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
