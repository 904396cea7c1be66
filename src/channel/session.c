#include "session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/section.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/text.h"
#include "container/cgroup.h"
#include "session_child.h"

static struct session table[SESSIONS] SECTION_LAST;
static unsigned last_id;
static unsigned high; /* records that were ever in use are below */

static bool has_leader(enum session_state state)
{
	return state != SESSION_FREE && state != SESSION_LEADERLESS;
}

static void set_name(struct session *session, const char *program)
{
	program = text_last(program, '/');
	for (unsigned i = 0; i < sizeof session->name - 1 && program[i]; i++)
		session->name[i] = program[i];
}

static struct session *free_record(void)
{
	for (struct session *at = table; at < table + SESSIONS; at++)
		if (at->state == SESSION_FREE)
			return at;
	return NULL;
}

struct session *session_start(const struct request *request, const struct privileges *container,
	const int *fds, char **envp)
{
	struct session *session = free_record();
	pid_t parent = getpid(), pid;
	int ends[2];

	if (!session) {
		errno = EAGAIN;
		return NULL;
	}
	if (sys_socketpair(ends))
		return NULL;
	pid = spawn_fork(cgroup_part(CGROUP_OPS), 0, ends[1]);
	if (!pid)
		spawn_fail(
			ends[1], session_child_run(request, container, fds, ends[1], parent, envp));
	sys_close(ends[1]);
	if (pid < 0) {
		sys_close(ends[0]);
		return NULL;
	}
	*session = (struct session){.pid = pid,
		.state = SESSION_STARTING,
		.id = ++last_id,
		.progress = ends[0],
		.master = -1,
		.terminal = request->terminal,
		.started = sys_now(),
		.kill_at = NEVER};
	set_name(session, request->wire.args);
	if (high <= session_index(session))
		high = session_index(session) + 1;
	return session;
}

/* Closes it, unless it is -1, which it is afterwards. */
static void drop(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

void session_drop_master(struct session *session)
{
	drop(&session->master);
}

enum session_news session_read_news(struct session *session, struct spawn_failure *failure)
{
	int fds[WIRE_DESCRIPTORS];
	unsigned passed;
	ssize_t length;

	for (;;) {
		length = seqpacket_receive(
			session->progress, failure, sizeof *failure, fds, &passed, MSG_DONTWAIT);
		if (!passed)
			break;
		session_drop_master(session);
		session->master = fds[0];
		seqpacket_discard(fds + 1, passed - 1);
	}
	if (length >= 0)
		return length == sizeof *failure ? NEWS_FAILED : NEWS_RUNS;
	if (errno == EAGAIN)
		return NEWS_NONE;
	/* The terminal's master did not get through: what is started is of no use. */
	*failure = (struct spawn_failure){.stage = SPAWN_FORK, .error = errno};
	sys_kill(session->pid, SIGKILL);
	return NEWS_FAILED;
}

void session_run(struct session *session)
{
	drop(&session->progress);
	/* It may have been hung up before. */
	if (session->state == SESSION_STARTING)
		session->state = SESSION_ATTACHED;
}

void session_fail(struct session *session)
{
	drop(&session->progress);
	session->state = SESSION_FAILED;
}

void session_hold(struct session *session, int master)
{
	session->master = master;
	session->state = SESSION_HELD;
}

void session_attach(struct session *session)
{
	session->state = SESSION_ATTACHED;
}

void session_hang_up(struct session *session, long long grace)
{
	const long long kill_at = after(sys_now(), grace);

	/* It could not be started, or has been killed already. */
	if (session->state == SESSION_FAILED || session->state == SESSION_KILLED)
		return;
	if (kill_at < session->kill_at)
		session->kill_at = kill_at;
	if (session->state == SESSION_LEADERLESS)
		return;
	/* Before its exec it has all signals blocked, and would not see the HUP. */
	if (session_awaits_news(session))
		sys_kill(session->pid, SIGKILL);
	session_signal(session, SIGHUP);
	session_signal(session, SIGCONT);
	session_drop_master(session);
	session->state = SESSION_ENDING;
}

void session_hang_up_all(long long grace)
{
	for (unsigned i = 0; i < high; i++)
		if (table[i].state != SESSION_FREE)
			session_hang_up(&table[i], grace);
}

void session_died(struct session *session)
{
	drop(&session->progress);
	session_drop_master(session);
	/* Those of a group that was hung up and is not empty still have their grace. */
	if (session->state == SESSION_ENDING && !session_signal(session, 0))
		session->state = SESSION_LEADERLESS;
	else
		session->state = SESSION_FREE;
}

static void expire(struct session *session)
{
	session_signal(session, SIGKILL);
	session->state = session->state == SESSION_LEADERLESS ? SESSION_FREE : SESSION_KILLED;
}

long long session_expire(long long now)
{
	long long next = NEVER;

	for (unsigned i = 0; i < high; i++) {
		struct session *session = &table[i];
		if (session->state != SESSION_ENDING && session->state != SESSION_LEADERLESS)
			continue;
		/* A group that is gone leaves its number to others. */
		if (session->state == SESSION_LEADERLESS && session_signal(session, 0))
			session->state = SESSION_FREE;
		else if (session->kill_at <= now)
			expire(session);
		else if (session->kill_at < next)
			next = session->kill_at;
	}
	return next;
}

struct session *session_at(unsigned index)
{
	return index < high && has_leader(table[index].state) ? &table[index] : NULL;
}

unsigned session_index(const struct session *session)
{
	return (unsigned)(session - table);
}

/* The one with that id or that pid; 0 is neither. */
static struct session *find(unsigned id, pid_t pid)
{
	for (struct session *at = table; at < table + high; at++)
		if (has_leader(at->state) && (at->id == id || at->pid == pid))
			return at;
	return NULL;
}

struct session *session_by_id(unsigned id)
{
	return find(id, 0);
}

struct session *session_by_pid(pid_t pid)
{
	return find(0, pid);
}

unsigned session_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < high; i++)
		count += session_at(i) != NULL;
	return count;
}

const char *session_state_name(const struct session *session)
{
	if (session->state == SESSION_HELD)
		return "held";
	return session->state < SESSION_HELD ? "attached" : "ending";
}

int session_signal(const struct session *session, int signal)
{
	/* Before it has a group it is alone, and has all signals blocked: this one waits. */
	return sys_kill(session_awaits_news(session) ? session->pid : -session->pid, signal);
}
