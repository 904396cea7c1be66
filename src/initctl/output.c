/*
 * output: see output.h.
 */
#include "output.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "exit.h"

/* Returns the bytes in the UTF-8 character at text, which a NUL ends; 0 if it is not valid. */
static size_t character_size(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned long code = p[0];
	size_t length = code < 0x80 ? 1 : code < 0xc2 ? 0 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;

	code &= length > 1 ? 0x7fU >> length : 0x7f;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	/* Refuse overlong forms, surrogates, and what is beyond the last code point. */
	if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10ffff)) ||
		(code >= 0xd800 && code < 0xe000))
		return 0;
	return length;
}

/* Whether a terminal may take it for a command: C0, DEL and, encoded in two bytes, C1. */
static bool is_control(const char *text)
{
	unsigned char c = (unsigned char)*text;

	return c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0);
}

/* JSON has to be valid UTF-8, which text from inside the container need not be. */
static void json_string(const char *text, size_t length)
{
	const char *end = text + length;

	putchar('"');
	while (text < end) {
		size_t size = character_size(text);
		if (!size || text + size > end) {
			fputs("\\ufffd", stdout);
			size = 1;
		} else if (*text == '"' || *text == '\\') {
			printf("\\%c", *text);
		} else if (is_control(text)) {
			printf("\\u%04x", (unsigned char)text[size - 1]);
		} else {
			fwrite(text, 1, size, stdout);
		}
		text += size;
	}
	putchar('"');
}

/* Fields that are always strings in JSON: the name of a command, for one, may look like a number.
 */
static bool is_string(const char *key, size_t length)
{
	static const char texts[][8] = {"name", "release", "state", "type", "stage"};

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strlen(texts[i]) == length && !strncmp(texts[i], key, length))
			return true;
	return false;
}

/* A number as in the kernel's pressure files: 0.00 */
static bool is_fraction(const char *value)
{
	const size_t whole = strspn(value, "0123456789");
	const char *part = value + whole;

	if (!whole || (*value == '0' && whole > 1) || *part++ != '.')
		return false;
	return *part && !part[strspn(part, "0123456789")];
}

/* Numbers above 2^53 stay strings: a reader that takes them for a double would round them. */
static void json_value(const char *value, bool string)
{
	unsigned long long number;

	if (!string && (!strcmp(value, "true") || !strcmp(value, "false") || is_fraction(value) ||
			       (!number_parse(value, 1ULL << 53, &number) &&
				       (*value != '0' || !value[1]))))
		fputs(value, stdout);
	else
		json_string(value, strlen(value));
}

void output_json(const struct initctl_message *message)
{
	const char *name = initctl_name(message), *p = NULL;

	fputs("{\"message\":", stdout);
	json_string(name, strlen(name));
	while ((p = initctl_next_field(message, p))) {
		size_t key = strcspn(p, "=");
		putchar(',');
		json_string(p, key);
		putchar(':');
		json_value(p[key] ? p + key + 1 : "", is_string(p, key));
	}
	puts("}");
	fflush(stdout);
}

/*
 * Prints at most length bytes of text, padded to width characters. Control characters are shown
 * as '?': text from inside the container must not control the operator's terminal.
 */
static void print_text(const char *text, size_t length, int width)
{
	for (const char *start = text; *text && (size_t)(text - start) < length; width--) {
		size_t size = character_size(text);
		if (size && !is_control(text))
			fwrite(text, 1, size, stdout);
		else
			putchar('?');
		text += size ? size : 1;
	}
	while (width-- > 0)
		putchar(' ');
}

static void print_fields(const struct initctl_message *message, int width, const char *between)
{
	const char *p = NULL;

	while ((p = initctl_next_field(message, p))) {
		size_t key = strcspn(p, "=");
		print_text(p, key, width);
		fputs(between, stdout);
		if (p[key])
			print_text(p + key + 1, SIZE_MAX, 0);
		putchar('\n');
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
	print_fields(message, (int)width, "  ");
}

static const char *field_or_dash(const struct initctl_message *message, const char *key)
{
	const char *value = initctl_field(message, key);

	return value ? value : "-";
}

void output_session(const struct initctl_message *message, bool header)
{
	unsigned long long up = initctl_number(message, "uptime", ~0ULL, 0) / 1000;

	if (header)
		puts("SESSION  PID      STATE    TTY        UP NAME");
	print_text(field_or_dash(message, "session"), SIZE_MAX, 9);
	print_text(field_or_dash(message, "pid"), SIZE_MAX, 9);
	print_text(field_or_dash(message, "state"), SIZE_MAX, 9);
	printf("%-3s %3llu:%02llu:%02llu ",
		strcmp(field_or_dash(message, "terminal"), "true") ? "-" : "yes", up / 3600,
		up / 60 % 60, up % 60);
	print_text(field_or_dash(message, "name"), SIZE_MAX, 0);
	putchar('\n');
}

void output_held(const struct initctl_message *message)
{
	fprintf(stderr, "\ndetached, back with: initctl attach %llu\n",
		initctl_number(message, "session", ~0ULL, 0));
}

void output_event(const struct initctl_message *message)
{
	const char *p = NULL;

	while ((p = initctl_next_field(message, p))) {
		const char *type = strncmp(p, "type=", 5) ? NULL : p + 5;
		if (p != initctl_next_field(message, NULL))
			putchar(' ');
		print_text(type ? type : p, SIZE_MAX, 0);
	}
	putchar('\n');
	fflush(stdout);
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
