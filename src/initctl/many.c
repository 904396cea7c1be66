/*
 * many: see many.h.
 */
#include "many.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/text.h"
#include "display.h"
#include "exit.h"
#include "handler.h"
#include "json.h"
#include "lines.h"
#include "out.h"

enum { PIPES = 2 };

/* A child, and its stdout and stderr. */
struct job {
	pid_t pid;
	struct lines pipes[PIPES];
};

static struct {
	const struct context *context;
	int (*verb)(const struct context *context, char **arguments);
	char **arguments;
	struct job *jobs; /* those that run, in order of name */
	size_t running, most;
	struct pollfd *polls;
	int signals;   /* of signalfd(2) */
	sigset_t mask; /* with which we were started */
	int code;      /* the largest exit code so far */
} self;

/* The verbs that run on several, and on how many at once; 0: all, as they do not end. */
static const struct {
	const char name[8];
	size_t jobs;
} allowed[] = {{"status", 64}, {"ps", 64}, {"stats", 64}, {"exec", 64}, {"signal", 64},
	{"stop", 64}, {"watch", 0}, {"cp", 64}};

static const unsigned char awaited[] = {SIGCHLD, SIGINT, SIGTERM, SIGQUIT, SIGHUP, 0};
/* The last that came of those that are passed on, or 0: not passed on yet; ever. */
static int caught, interrupted;

/* Notes what has come. Returns whether this process has ever been interrupted. */
static bool take_signals(void)
{
	struct signalfd_siginfo info;

	while (read(self.signals, &info, sizeof info) == sizeof info)
		if (info.ssi_signo != SIGCHLD)
			caught = interrupted = (int)info.ssi_signo;
	return interrupted;
}

/* Whether the last word is a path inside, and none of the others is, or is our stdin. */
static bool copies_inwards(char **words)
{
	bool outside = true;

	for (; *words && words[1]; words++)
		outside &= **words != ':' && strcmp(*words, "-") != 0;
	return outside && *words && **words == ':';
}

size_t many_jobs(const char *verb, char **arguments)
{
	const unsigned row = TEXT_ROW(verb, 0, allowed);

	if (row == sizeof allowed / sizeof *allowed)
		fail_usage("not a verb for several containers:", verb);
	if (!strcmp(verb, "cp") && !copies_inwards(arguments))
		fail_note("cannot copy from several containers, only SRC... :PATH, "
			  "see 'initctl help cp'",
			NULL, NULL);
	return allowed[row].jobs;
}

_Noreturn static void run_child(
	pid_t parent, const struct context *context, const char *name, int out, int err)
{
	static char buffer[1 << 16];
	int null = sys_open(AT_FDCWD, "/dev/null", O_RDONLY);

	/* In a group of its own it gets a terminal's signals from the parent alone, and once. */
	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || sys_setpgid(0))
		_exit(EXIT_INITCTL);
	sigprocmask(SIG_SETMASK, &self.mask, NULL);
	json_container(name);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(EXIT_INITCTL);
	file_close_range(3, ~0U, FILE_CLOSE_NOW);
	/* What is printed without a flush fits into the pipe, and stays together. */
	out_use(buffer, sizeof buffer);
	exit(self.verb(context, self.arguments));
}

/* Starts a child for a socket. -1 with errno if there is no room for it, or its descriptors. */
static int start_job(size_t row)
{
	const struct target *socket = &self.context->targets.rows[row];
	struct context own = *self.context;
	struct job *job = &self.jobs[self.running];
	const pid_t parent = getpid();
	int ends[2 * PIPES];
	size_t count = 0;

	own.socket = socket->path;
	*job = (struct job){.pid = -1};
	while (count < sizeof ends / sizeof *ends && !sys_pipe(ends + count))
		count += 2;
	if (count == sizeof ends / sizeof *ends)
		job->pid = sys_fork(0);
	if (!job->pid)
		run_child(parent, &own, socket->name, ends[1], ends[3]);
	if (job->pid < 0) {
		/* Which leaves errno as it is. */
		seqpacket_discard(ends, (unsigned)count);
		return -1;
	}
	for (size_t i = 0; i < PIPES; i++) {
		close(ends[2 * i + 1]);
		sys_fcntl(ends[2 * i], F_SETFL, O_NONBLOCK);
		job->pipes[i] = (struct lines){.from = ends[2 * i],
			.to = (int)i + 1,
			.name = socket->name,
			.colour = (unsigned)row};
	}
	self.running++;
	return 0;
}

static void add_code(int status)
{
	const int code = WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);

	self.code = code > self.code ? code : self.code;
}

static void reap_jobs(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < self.running; i++) {
			if (self.jobs[i].pid != pid)
				continue;
			add_code(status);
			for (unsigned pipe = 0; pipe < PIPES; pipe++)
				lines_end(&self.jobs[i].pipes[pipe]);
			/* The others stay in order, in which their output is printed. */
			memmove(&self.jobs[i], &self.jobs[i + 1],
				(--self.running - i) * sizeof *self.jobs);
			break;
		}
}

/* Passes on what came to those that run; it may come again. */
static void pass_signal(void)
{
	take_signals();
	for (size_t i = 0; caught && i < self.running; i++)
		kill(self.jobs[i].pid, caught);
	caught = 0;
}

static void wait_for_jobs(void)
{
	const nfds_t count = self.running * PIPES;

	for (nfds_t i = 0; i < count; i++)
		self.polls[i] = (struct pollfd){
			.fd = self.jobs[i / PIPES].pipes[i % PIPES].from, .events = POLLIN};
	self.polls[count] = (struct pollfd){.fd = self.signals, .events = POLLIN};
	if (poll(self.polls, count + 1, -1) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (self.polls[i].revents)
			lines_read(&self.jobs[i / PIPES].pipes[i % PIPES]);
}

/*
 * Runs the verb up to where it would connect, in a child, and ends the program if it does not get
 * there: what is wrong with the arguments is said once, and nobody is asked.
 */
static void rehearse(void)
{
	struct context own = *self.context;
	const pid_t pid = sys_fork(0);
	int status = 0;

	own.rehearsal = true;
	if (!pid)
		exit(self.verb(&own, self.arguments));
	if (pid < 0)
		fail_cannot("start a process", NULL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		exit_like(status);
}

/* Each job takes two descriptors, and two more while it is started. */
static void set_up(const struct context *context, size_t most)
{
	struct memory jobs = {0}, polls = {0};
	struct sys_limit files;
	unsigned width = 0;

	memory_reserve(&jobs, most * sizeof *self.jobs);
	memory_reserve(&polls, (most * PIPES + 1) * sizeof *self.polls);
	self.most = most;
	self.jobs = jobs.data;
	self.polls = polls.data;
	if (!sys_limit(RLIMIT_NOFILE, NULL, &files)) {
		files.now = files.most;
		sys_limit(RLIMIT_NOFILE, &files, NULL);
	}
	for (size_t i = 0; i < context->targets.count; i++) {
		const unsigned columns = display_columns(context->targets.rows[i].name);
		width = columns > width ? columns : width;
	}
	self.signals = handler_open(awaited, &self.mask);
	if (self.signals < 0)
		fail_cannot("receive signals", NULL);
	lines_setup(width, context->json, self.signals, take_signals);
}

int many_run(const struct context *context,
	int (*verb)(const struct context *context, char **arguments), char **arguments, size_t most)
{
	const size_t count = context->targets.count;
	size_t next = 0;

	if (!count)
		fail_note("no control socket found: ", context->targets.several, NULL);
	self.context = context;
	self.verb = verb;
	self.arguments = arguments;
	/* Where it is ignored, nobody could be waited for. */
	handler_set(SIGCHLD, SIG_DFL);
	rehearse();
	set_up(context, most && most < count ? most : count);
	while (self.running || (next < count && !interrupted)) {
		while (self.running < self.most && next < count && !interrupted) {
			if (!start_job(next))
				next++;
			else if (self.running)
				break;
			else
				fail_cannot("start a process", NULL);
		}
		wait_for_jobs();
		pass_signal();
		reap_jobs();
	}
	if (next < count)
		add_code(interrupted);
	return self.code;
}
