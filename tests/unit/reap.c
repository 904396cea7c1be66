#include "process/reap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* How the kernel writes a status: the code above the signal. */
static void codes(void)
{
	for (int code = 0; code < 256; code++)
		CHECK(reap_code(code << 8) == code);
	for (int signal = 1; signal <= 64; signal++) {
		CHECK(reap_code(signal) == 128 + signal);
		CHECK(reap_code(signal | 0x80) == 128 + signal); /* with a core dump */
	}
}

static pid_t child(int code)
{
	pid_t pid = fork();

	if (!pid)
		_exit(code);
	return pid;
}

/* Waits for a death, but does not reap the child. */
static void await(pid_t pid)
{
	siginfo_t info;

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

static void next(void)
{
	struct reaped one = {0};
	pid_t dead[3], living;
	int end[2], seen = 0;

	CHECK(reap_next(&one, false) == REAP_NOBODY_LEFT);
	if (pipe(end))
		exit(2);
	living = fork();
	if (!living) {
		char byte;
		close(end[1]);
		_exit(read(end[0], &byte, 1) == 0 ? 9 : 8);
	}
	CHECK(reap_next(&one, false) == REAP_NOBODY_DEAD);
	for (int i = 0; i < 3; i++)
		dead[i] = child(40 + i);
	for (int i = 0; i < 3; i++)
		await(dead[i]);
	while (reap_next(&one, false) == REAP_ONE)
		for (int i = 0; i < 3; i++)
			if (one.pid == dead[i] && reap_code(one.status) == 40 + i)
				seen++;
	CHECK(seen == 3);
	CHECK(reap_next(&one, true) == REAP_NOBODY_DEAD);
	close(end[0]);
	close(end[1]);
	await(living);
	CHECK(reap_next(&one, false) == REAP_ONE);
	CHECK(one.pid == living && reap_code(one.status) == 9);
	CHECK(reap_next(&one, false) == REAP_NOBODY_LEFT);
}

static void stops(void)
{
	struct reaped one = {0};
	siginfo_t info;
	pid_t pid = fork();

	if (!pid) {
		raise(SIGSTOP);
		_exit(3);
	}
	waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT);
	CHECK(reap_next(&one, false) == REAP_NOBODY_DEAD);
	CHECK(reap_next(&one, true) == REAP_ONE);
	CHECK(one.pid == pid && WIFSTOPPED(one.status));
	kill(pid, SIGCONT);
	await(pid);
	CHECK(reap_next(&one, true) == REAP_ONE);
	CHECK(reap_code(one.status) == 3);
}

static void adopts(void)
{
	struct reaped one = {0};
	pid_t parent;

	CHECK(reap_adopt() == 0);
	parent = fork();
	if (!parent) {
		child(7);
		_exit(6);
	}
	waitpid(parent, NULL, 0);
	/* The orphan is a child of this process now, dead or about to die. */
	while (reap_next(&one, false) == REAP_NOBODY_DEAD)
		usleep(1000);
	CHECK(one.pid > 0 && reap_code(one.status) == 7);
}

int main(void)
{
	codes();
	next();
	stops();
	adopts();
	return check_end();
}
