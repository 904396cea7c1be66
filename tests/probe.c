/*
 * probe: the command that the tests run under init, and the wrapper that they start init by.
 *
 * Signals are handled with the raw system calls and masks of 8 bytes: the libc's
 * sigset functions leave out signals that it uses itself, and the tests need all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { SIGNALS = 64, DESCRIPTORS = 256, MASK = 8, BATCH = 1000 };

_Noreturn static void fail(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static int number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 0);

	errno = EINVAL;
	if (!*text || *end)
		fail(text);
	return (int)value;
}

static uint64_t change_mask(int how, uint64_t set)
{
	uint64_t old = 0;

	if (syscall(SYS_rt_sigprocmask, how, &set, &old, MASK))
		fail("rt_sigprocmask");
	return old;
}

/* The kernel's struct sigaction begins with the handler. */
static void set_handler(int signal, void (*handler)(int))
{
	uintptr_t action[16] = {(uintptr_t)handler};

	if (syscall(SYS_rt_sigaction, signal, action, NULL, MASK))
		fail("rt_sigaction");
}

static void (*get_handler(int signal))(int)
{
	uintptr_t action[16] = {0};

	syscall(SYS_rt_sigaction, signal, NULL, action, MASK);
	return (void (*)(int))action[0];
}

static void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	putchar('"');
}

/* What a link below /proc leads to; returns whether it is there. */
static int read_link(char target[512], const char *pid, const char *name)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
	length = readlink(path, target, 511);
	target[length < 0 ? 0 : length] = 0;
	return length >= 0;
}

static void report_descriptors(const char *pid)
{
	char name[16], target[512];
	const char *comma = "";

	printf("\"fds\": {");
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		snprintf(name, sizeof name, "fd/%d", fd);
		if (!read_link(target, pid, name) &&
			(strcmp(pid, "self") || fcntl(fd, F_GETFD) < 0))
			continue;
		printf("%s\"%d\": ", comma, fd);
		print_text(target);
		comma = ", ";
	}
	printf("}, ");
}

static void report_environment(void)
{
	const char *comma = "";

	printf("\"env\": {");
	for (char **variable = environ; *variable; variable++) {
		char *value = strchr(*variable, '=');
		if (!value)
			continue;
		*value = 0;
		printf("%s", comma);
		print_text(*variable);
		printf(": ");
		print_text(value + 1);
		*value = '=';
		comma = ", ";
	}
	printf("}, ");
}

static void report_user(void)
{
	uid_t uid[3];
	gid_t gid[3], groups[256];
	int count = getgroups(256, groups);

	getresuid(&uid[0], &uid[1], &uid[2]);
	getresgid(&gid[0], &gid[1], &gid[2]);
	printf("\"uid\": [%u, %u, %u], ", uid[0], uid[1], uid[2]);
	printf("\"gid\": [%u, %u, %u], \"groups\": [", gid[0], gid[1], gid[2]);
	for (int i = 0; i < count; i++)
		printf("%s%u", i ? ", " : "", groups[i]);
	printf("], ");
}

/* One line of JSON: what a command finds when it starts. */
static int report(char **words)
{
	char directory[4096];
	uint64_t ignored = 0;
	int parent_death = 0;

	for (int signal = 1; signal <= SIGNALS; signal++)
		if (get_handler(signal) == SIG_IGN)
			ignored |= (uint64_t)1 << (signal - 1);
	prctl(PR_GET_PDEATHSIG, &parent_death);
	printf("{\"pid\": %d, \"ppid\": %d, \"pgid\": %d, \"sid\": %d, ", getpid(), getppid(),
		getpgrp(), getsid(0));
	printf("\"blocked\": \"%016llx\", \"ignored\": \"%016llx\", ",
		(unsigned long long)change_mask(SIG_BLOCK, 0), (unsigned long long)ignored);
	report_descriptors("self");
	report_environment();
	report_user();
	printf("\"cwd\": ");
	print_text(getcwd(directory, sizeof directory) ? directory : "");
	printf(", \"no_new_privs\": %d, \"pdeathsig\": %d, \"args\": [",
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), parent_death);
	for (char **word = words; *word; word++) {
		printf("%s", word == words ? "" : ", ");
		print_text(*word);
	}
	printf("]}\n");
	return 0;
}

/*
 * signals [--until SIG]: prints "ready", then a line "number code value" for each signal
 * that arrives, and has no other effect, until SIG has arrived.
 */
static int print_signals(char **words)
{
	int until = words[0] && !strcmp(words[0], "--until") ? number(words[1]) : 0, signal;
	uint64_t all = ~(uint64_t)0;
	siginfo_t info;

	change_mask(SIG_SETMASK, all);
	puts("ready");
	do {
		memset(&info, 0, sizeof info);
		signal = (int)syscall(SYS_rt_sigtimedwait, &all, &info, NULL, MASK);
		if (signal > 0)
			printf("%d %d %ld\n", signal, info.si_code, (long)info.si_value.sival_ptr);
	} while (signal != until);
	return 0;
}

/* queue PID SIG VALUE...: sends SIG with each value in turn, as sigqueue(3) does. */
static int queue_signals(char **words)
{
	for (char **value = words + 2; *value; value++) {
		siginfo_t info;
		memset(&info, 0, sizeof info);
		info.si_code = SI_QUEUE;
		info.si_pid = getpid();
		info.si_uid = getuid();
		info.si_value.sival_ptr = (void *)(intptr_t)number(*value);
		if (syscall(SYS_rt_sigqueueinfo, number(words[0]), number(words[1]), &info))
			fail("rt_sigqueueinfo");
	}
	return 0;
}

/* orphans N: leaves N dead orphans to the process that adopts them. */
static int make_orphans(char **words)
{
	for (int left = number(words[0]); left > 0; left -= BATCH) {
		pid_t parent = fork();
		if (parent < 0)
			fail("fork");
		if (!parent) {
			for (int i = 0; i < BATCH && i < left; i++) {
				pid_t child = vfork();
				if (child < 0)
					fail("vfork");
				if (!child)
					_exit(i & 0xff);
			}
			_exit(0);
		}
		waitpid(parent, NULL, 0);
	}
	puts("done");
	return 0;
}

/* daemon COMMAND: starts it as an orphan in a session of its own, and exits. */
static int make_daemon(char **words)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		fail("fork");
	if (child) {
		waitpid(child, &status, 0);
		return WEXITSTATUS(status);
	}
	if (setsid() < 0)
		fail("setsid");
	child = fork();
	if (child)
		_exit(child < 0);
	execvp(words[0], words);
	fail(words[0]);
}

/* wait FILE COMMAND: executes it once the file exists. */
static int wait_for(char **words)
{
	const struct timespec moment = {.tv_nsec = 5000000};

	while (access(words[0], F_OK))
		nanosleep(&moment, NULL);
	execvp(words[1], words + 1);
	fail(words[1]);
}

static void create(const char *folder, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT, 0666);
	if (fd < 0)
		fail(path);
	close(fd);
}

/*
 * sibling FOLDER polite|deaf: creates "ready" there, then waits for "go". If deaf, it
 * ignores TERM; else it then cleans up for 0.3 s, creates "cleaned", and exits with 5.
 */
static int be_sibling(char **words)
{
	const struct timespec moment = {.tv_nsec = 5000000}, work = {.tv_nsec = 300000000};
	const uint64_t term = (uint64_t)1 << (SIGTERM - 1);
	const int deaf = !strcmp(words[1], "deaf");
	char go[4096];

	snprintf(go, sizeof go, "%s/go", words[0]);
	change_mask(SIG_BLOCK, term);
	create(words[0], "ready");
	while (access(go, F_OK))
		if (syscall(SYS_rt_sigtimedwait, &term, NULL, &moment, MASK) > 0 && !deaf) {
			nanosleep(&work, NULL);
			create(words[0], "cleaned");
			return 5;
		}
	return 0;
}

/* <linux/filter.h> and <linux/seccomp.h>, which musl-gcc does not find everywhere. */
struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t value;
};

enum { LOAD = 0x20, JUMP_EQUAL = 0x15, RETURN = 0x06, SET_FILTER = 1 };

static void filter_calls(int error, const unsigned *calls, unsigned count)
{
	const uint32_t allow = 0x7fff0000, refuse = 0x00050000 | (uint32_t)error;
	/* The first word of struct seccomp_data is the number of the call. */
	struct instruction code[64] = {{.code = LOAD}};
	unsigned short n = 1;
	struct {
		unsigned short length;
		struct instruction *code;
	} program;

	for (unsigned i = 0; i < count; i++) {
		code[n++] = (struct instruction){JUMP_EQUAL, 0, 1, calls[i]};
		code[n++] = (struct instruction){RETURN, 0, 0, refuse};
	}
	code[n++] = (struct instruction){RETURN, 0, 0, allow};
	program.length = n;
	program.code = code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SET_FILTER, 0, &program))
		fail("seccomp");
}

/*
 * System calls that a seccomp filter or an older kernel may refuse, and that init does not
 * depend on.
 */
static void refuse_new_calls(int error)
{
	static const unsigned calls[] = {
		SYS_close_range, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pwritev2, SYS_statx};

	filter_calls(error, calls, sizeof calls / sizeof *calls);
}

/* Leaves a child whose death sends no signal. */
static void leave_silent_child(void)
{
	if (!syscall(SYS_clone, 0, NULL, NULL, NULL, NULL))
		_exit(0);
}

/* Leaves a dead child, whose SIGCHLD was sent before: it is left to init to reap it. */
static void leave_dead_child(void)
{
	siginfo_t info;
	pid_t child = fork();

	if (!child)
		_exit(9);
	if (child < 0 || waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT))
		fail("leave dead child");
}

static void limit_files(int count)
{
	struct rlimit limit = {(rlim_t)count, (rlim_t)count};

	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("setrlimit");
}

static void give_null(int fd)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, fd) < 0)
		fail("/dev/null");
	if (null != fd)
		close(null);
}

static void give_socket(int fd)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || dup2(ends[0], fd) < 0)
		fail("socketpair");
	close(ends[0]);
	close(ends[1]);
}

/* with [--OPTION NUMBER]... -- COMMAND: applies the options below and executes COMMAND. */
static int run_with(char **words)
{
	for (; *words && strcmp(*words, "--") != 0; words += 2)
		if (!strcmp(*words, "--ignore"))
			set_handler(number(words[1]), SIG_IGN);
		else if (!strcmp(*words, "--default"))
			set_handler(number(words[1]), SIG_DFL);
		else if (!strcmp(*words, "--block"))
			change_mask(SIG_BLOCK, (uint64_t)1 << (number(words[1]) - 1));
		else if (!strcmp(*words, "--close"))
			close(number(words[1]));
		else if (!strcmp(*words, "--open"))
			give_null(number(words[1]));
		else if (!strcmp(*words, "--socket"))
			give_socket(number(words[1]));
		else if (!strcmp(*words, "--files"))
			limit_files(number(words[1]));
		else if (!strcmp(*words, "--refuse-new-calls"))
			refuse_new_calls(number(words[1]));
		else if (!strcmp(*words, "--refuse-call"))
			filter_calls(EPERM, &(unsigned){(unsigned)number(words[1])}, 1);
		else if (!strcmp(*words, "--silent-child"))
			for (int i = number(words[1]); i > 0; i--)
				leave_silent_child();
		else if (!strcmp(*words, "--dead-child"))
			for (int i = number(words[1]); i > 0; i--)
				leave_dead_child();
		else
			fail(*words);
	if (!*words || !words[1])
		fail("no command");
	execvp(words[1], words + 1);
	fail(words[1]);
}

static int set_session(char **words)
{
	setsid();
	execvp(words[0], words);
	fail(words[0]);
}

/* terminal COMMAND: executes it as leader of a session that owns the terminal of its stdin. */
static int take_terminal(char **words)
{
	setsid();
	if (ioctl(0, TIOCSCTTY, 0))
		fail("TIOCSCTTY");
	execvp(words[0], words);
	fail(words[0]);
}

static int listen_pid(char **words)
{
	char text[16];

	snprintf(text, sizeof text, "%d", getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", "1", 1);
	execvp(words[0], words);
	fail(words[0]);
}

static int exit_with(char **words)
{
	return number(words[0]);
}

/* Dies of that signal, whatever its disposition and the mask were. */
_Noreturn static void die(int signal)
{
	if (signal != SIGKILL && signal != SIGSTOP)
		set_handler(signal, SIG_DFL);
	change_mask(SIG_SETMASK, 0);
	kill(getpid(), signal);
	_exit(98);
}

/* die SIG */
static int die_by(char **words)
{
	die(number(words[0]));
}

/* ---- application: what runs in images does, as tests/dropin/test_images.py compares it ---- */

/* FINISH is from the main process; what came before it is printed first, as its number is lower. */
enum { BARRIER = 45, FINISH = 64 };

static int take_signal(const char *role)
{
	uint64_t all = ~(uint64_t)0;
	siginfo_t info;
	int signal;

	do {
		memset(&info, 0, sizeof info);
		signal = (int)syscall(SYS_rt_sigtimedwait, &all, &info, NULL, MASK);
	} while (signal < 0 || signal == SIGCHLD);
	if (signal != FINISH)
		printf("signal %s %d %d\n", role, signal, info.si_pid);
	return signal;
}

static void introduce(const char *role)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	printf("role %s %d %d %d %d %s\n", role, getpid(), getppid(), getpgrp(), getsid(0), name);
}

/* The child that is to become a helper: a job has a group, a daemon a session, and no parent. */
static void become_helper(const char *role)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	pid_t parent = getpid();

	if (!strcmp(role, "job"))
		setpgid(0, 0);
	if (!strcmp(role, "daemon")) {
		if (fork())
			_exit(0);
		setsid();
		while (getppid() == parent)
			nanosleep(&moment, NULL);
	}
}

/* Starts a process that prints signals until FINISH, and returns its pid. */
static pid_t start_helper(const char *role)
{
	int ends[2];
	pid_t child, helper = 0;

	if (pipe(ends))
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		close(ends[0]);
		become_helper(role);
		introduce(role);
		helper = getpid();
		if (write(ends[1], &helper, sizeof helper) != sizeof helper)
			fail("write");
		close(ends[1]);
		while (take_signal(role) != FINISH)
			;
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &helper, sizeof helper) != sizeof helper)
		fail(role);
	close(ends[0]);
	if (helper != child)
		waitpid(child, NULL, 0);
	return helper;
}

/* What can be seen of init, which is the parent: its name, directory and descriptors. */
static void report_init(void)
{
	char pid[16], path[64], text[512] = "";
	FILE *file;

	snprintf(pid, sizeof pid, "%d", getppid());
	snprintf(path, sizeof path, "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file) {
		text[fread(text, 1, sizeof text - 1, file)] = 0;
		fclose(file);
	}
	text[strcspn(text, "\n")] = 0;
	printf("init {\"name\": ");
	print_text(text);
	printf(", ");
	report_descriptors(pid);
	printf("\"cwd\": ");
	read_link(text, pid, "cwd");
	print_text(text);
	printf("}\n");
}

/* Cleans up, ends the helpers, and waits until they are gone, one of them as an orphan of init. */
static void clean_up(const pid_t *helpers, int count)
{
	const struct timespec work = {.tv_nsec = 50000000}, moment = {.tv_nsec = 1000000};

	nanosleep(&work, NULL);
	for (int i = 0; i < count; i++)
		kill(helpers[i], FINISH);
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (int i = 0; i < count; i++)
		while (!kill(helpers[i], 0))
			nanosleep(&moment, NULL);
}

/*
 * application WORD...: reports how it was started, starts three helpers, prints "ready" and all
 * signals, at the first one from BARRIER on what can be seen of init, and ends as the variable
 * APPLICATION says: "stop SIG CODE" when that signal comes, after a clean-up; "exit CODE" or "die
 * SIG" at once, leaving the helpers.
 */
static int be_application(char **words)
{
	static const char *const roles[] = {"worker", "job", "daemon"};
	const char *plan = getenv("APPLICATION");
	int first = 0, code = 0, signal, seen = 0;
	pid_t helpers[3];
	char end[8] = "";

	if (!plan || sscanf(plan, "%7s %d %d", end, &first, &code) < 2)
		fail("APPLICATION");
	report(words);
	introduce("main");
	change_mask(SIG_SETMASK, ~(uint64_t)0);
	for (int i = 0; i < 3; i++)
		helpers[i] = start_helper(roles[i]);
	puts("ready");
	if (!strcmp(end, "exit"))
		return first;
	if (!strcmp(end, "die"))
		die(first);
	while ((signal = take_signal("main")) != first)
		if (signal >= BARRIER && !seen++)
			report_init();
	clean_up(helpers, 3);
	return code;
}

/* Whether PID 1 is in read(2); only known on x86_64, and false elsewhere. */
static int reads(void)
{
	char text[64] = "";
	int fd = open("/proc/1/syscall", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, text, sizeof text - 1) < 0)
			text[0] = 0;
		close(fd);
	}
	return text[0] == '0' && text[1] == ' ';
}

/*
 * flicker TIMES: sends PID 1 a CONT, and a moment later a STOP, at which the kernel discards
 * the CONT. Ends early if PID 1 blocks in a read, from which another signal would wake it.
 */
static int flicker(char **words)
{
	const struct timespec moment = {.tv_nsec = 100000};

	for (int left = number(words[0]); left > 0; left--) {
		kill(1, SIGCONT);
		for (volatile int spin = rand() % 40000; spin > 0; spin--)
			;
		kill(1, SIGSTOP);
		nanosleep(&moment, NULL);
		if (reads() && !nanosleep(&moment, NULL) && reads())
			break;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		char name[12];
		int words;
		int (*run)(char **words);
	} commands[] = {
		{"report", 0, report},
		{"signals", 0, print_signals},
		{"queue", 3, queue_signals},
		{"orphans", 1, make_orphans},
		{"daemon", 1, make_daemon},
		{"wait", 2, wait_for},
		{"sibling", 2, be_sibling},
		{"with", 2, run_with},
		{"session", 1, set_session},
		{"listen-pid", 1, listen_pid},
		{"exit", 1, exit_with},
		{"die", 1, die_by},
		{"flicker", 1, flicker},
		{"application", 1, be_application},
		{"terminal", 1, take_terminal},
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 >= commands[i].words) {
			int code = commands[i].run(argv + 2);
			return fflush(stdout) ? 97 : code;
		}
	errno = EINVAL;
	fail(argc > 1 ? argv[1] : "no command");
}
