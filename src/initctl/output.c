/*
 * output: see output.h.
 */
#include "output.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "display.h"
#include "exit.h"
#include "json.h"
#include "out.h"
#include "table.h"

void output_json_begin(const struct initctl_message *message)
{
	const char *p = NULL;

	json_begin(initctl_name(message));
	while ((p = initctl_next_field(message, p))) {
		size_t key = strcspn(p, "=");
		json_field(p, key, p[key] ? p + key + 1 : "");
	}
}

void output_json(const struct initctl_message *message)
{
	output_json_begin(message);
	json_end();
}

static void print_fields(const struct initctl_message *message, unsigned width, const char *between)
{
	const char *p = NULL;

	while ((p = initctl_next_field(message, p))) {
		size_t key = strcspn(p, "=");
		display_text(p, key, width);
		out_text(between);
		if (p[key])
			display_text(p + key + 1, SIZE_MAX, 0);
		out_char('\n');
	}
}

void output_fields(const struct initctl_message *message)
{
	print_fields(message, 0, ": ");
}

void output_table(const struct initctl_message *message)
{
	const char *p = NULL;
	size_t width = 0;

	while ((p = initctl_next_field(message, p))) {
		size_t length = strcspn(p, "=");
		width = length > width ? length : width;
	}
	print_fields(message, (unsigned)width, "  ");
}

static const char *field_or_dash(const struct initctl_message *message, const char *key)
{
	const char *value = initctl_field(message, key);

	return value ? value : "-";
}

static const struct table_column session_columns[] = {
	{"SESSION", "session"},
	{"PID", "pid"},
	{"STATE", "state"},
	{"TTY", "terminal"},
	{"UP", "uptime"},
	{"NAME", "name"},
};

void output_sessions(struct table *table)
{
	table_begin(table, "session", session_columns,
		sizeof session_columns / sizeof *session_columns, false);
}

static long long field_number(const struct initctl_message *message, const char *key)
{
	const unsigned long long number = initctl_number(message, key, INT64_MAX, UINT64_MAX);

	return number == UINT64_MAX ? -1 : (long long)number;
}

void output_session(struct table *table, const struct initctl_message *message)
{
	table_number(table, field_number(message, "session"));
	table_number(table, field_number(message, "pid"));
	table_text(table, initctl_field(message, "state"));
	table_bool(table, !strcmp(field_or_dash(message, "terminal"), "true"));
	table_time(table, field_number(message, "uptime"));
	table_text(table, initctl_field(message, "name"));
}

void output_held(const struct initctl_message *message)
{
	char line[80];
	const size_t length =
		out_format(line, sizeof line, "\ndetached, back with: initctl attach %llu\n",
			initctl_number(message, "session", ~0ULL, 0));

	/* If nobody can see it, the session is detached all the same. */
	(void)!write(STDERR_FILENO, line, length);
}

/* The stages of a reply "failed" (see init-control(7)), as the step that init could not do. */
static const struct {
	const char *stage, *step;
} stages[] = {
	{"fork", "start"},
	{"cgroup", "enter the cgroup of"},
	{"arguments", "read arguments of"},
	{"stdio", "set up stdio of"},
	{"session", "start a session for"},
	{"terminal", "open a terminal for"},
	{"rlimits", "set resource limits of"},
	{"parent", "set the parent death signal of"},
	{"capabilities", "drop capabilities of"},
	{"seccomp", "install the seccomp filter of"},
	{"user", "become user"},
	{"privileges", "set privileges of"},
	{"cwd", "change to directory"},
	{"request", "run"},
	{"attach", "attach to session"},
	{"hold", "detach from"},
};

/* The fields of a request that init may refuse: what they are called, and what is expected. */
static const struct {
	const char *field, *name, *expected;
} fields[] = {
	{"user", "user", "a numeric UID[:GID[,GID...]]"},
	{"cwd", "directory", "an absolute path"},
	{"umask", "umask", "an octal number such as 022"},
	{"rlimits", "resource limit", "NAME:SOFT:HARD, as NOFILE:1024:4096"},
	{"env", "variable", "NAME=VALUE"},
	{"arguments", "arguments and variables", "64 KiB at most, as this init is older"},
	{"signal", "signal", "a name, as TERM, or a number"},
	{"pid", "process", "the number of a process other than init"},
	{"target", "target", "main, all, PID or %SESSION"},
	{"session", "session", "a number that 'initctl sessions' lists"},
	{"grace", "grace period", "a time, as 500ms, 2s or 1m"},
};

/* Explains a malformed value. Returns false if the error is another one, or the field has no row.
 */
static bool explain_field(const char *field, const char *value, int error)
{
	if (error != EINVAL && error != ERANGE)
		return false;
	for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
		if (!strcmp(fields[i].field, field)) {
			warn("cannot use ", fields[i].name, value ? " '" : "", value ? value : "",
				value ? "'" : "", ": expected ", fields[i].expected);
			return true;
		}
	return false;
}

int output_failed(const struct initctl_message *message, const char *object, const char *value)
{
	const char *stage = field_or_dash(message, "stage"),
		   *reason = field_or_dash(message, "message");
	const char *bad = initctl_field(message, "field"), *step = stage;
	int error = (int)initctl_number(message, "errno", 4095, EPROTO);
	const char *hint = bad && error == EPERM ? " (see --control-verbs of init)" : "";

	if (bad && explain_field(bad, value, error))
		return EXIT_INITCTL;
	if (bad && !strcmp(bad, "request")) {
		warn("cannot complete the request for ", object, ": ", reason, hint);
		return EXIT_INITCTL;
	}
	for (unsigned i = 0; i < sizeof stages / sizeof *stages; i++)
		if (!strcmp(stages[i].stage, stage))
			step = stages[i].step;
	warn("cannot ", step, " ", object, ": ", bad ? bad : "", bad ? ": " : "", reason, hint);
	if (strcmp(stage, "exec") != 0)
		return EXIT_INITCTL;
	return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
