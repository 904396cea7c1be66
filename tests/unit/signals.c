#include "process/signals.h"
#include "process/rewrite.h"

#include <signal.h>

#include "check.h"

static void names(void)
{
	static const struct {
		const char *text;
		int signal;
	} cases[] = {
		{"HUP", SIGHUP},
		{"SIGHUP", SIGHUP},
		{"hup", SIGHUP},
		{"sigHup", SIGHUP},
		{"1", 1},
		{"64", 64},
		{"064", 64},
		{"32", 32},
		{"33", 33},
		{"SYS", SIGSYS},
		{"IOT", SIGABRT},
		{"ABRT", SIGABRT},
		{"CLD", SIGCHLD},
		{"CHLD", SIGCHLD},
		{"POLL", SIGIO},
		{"IO", SIGIO},
		{"STKFLT", SIGSTKFLT},
		{"WINCH", SIGWINCH},
		{"VTALRM", SIGVTALRM},
		{"RTMIN", 34},
		{"SIGRTMIN", 34},
		{"rtmin+0", 34},
		{"RTMIN+30", 64},
		{"RTMAX", 64},
		{"RTMAX-0", 64},
		{"RTMAX-30", 34},
		{"SIGRTMAX-1", 63},
		{"0", 0},
		{"65", 0},
		{"-1", 0},
		{"+1", 0},
		{"", 0},
		{"SIG", 0},
		{"SIGSIGHUP", 0},
		{"SIG1", 0},
		{"HU", 0},
		{"HUPP", 0},
		{" HUP", 0},
		{"HUP ", 0},
		{"RTMIN+31", 0},
		{"RTMAX-31", 0},
		{"RTMIN-1", 0},
		{"RTMAX+1", 0},
		{"RTMIN+", 0},
		{"RTMINX", 0},
		{"RT", 0},
		{"99999999999999999999", 0},
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
		check_case(signal_number(cases[i].text) == cases[i].signal, "number", cases[i].text,
			__LINE__);
}

/* Every signal has a text, and most texts lead back to their signal. */
static void texts(void)
{
	char text[SIGNAL_TEXT];

	for (int signal = 1; signal <= SIGNAL_MAX; signal++) {
		memset(text, 'x', sizeof text);
		CHECK(signal_text(signal, text) == text);
		CHECK(memchr(text, 0, sizeof text) && !strncmp(text, "SIG", 3) && text[3]);
		/* The two that the libc uses have no names. */
		if (signal != 32 && signal != 33)
			check_case(signal_number(text) == signal, "there and back", text, __LINE__);
	}
	CHECK(!strcmp(signal_text(SIGTERM, text), "SIGTERM"));
	CHECK(!strcmp(signal_text(32, text), "SIG32"));
	CHECK(!strcmp(signal_text(34, text), "SIGRTMIN+0"));
	CHECK(!strcmp(signal_text(64, text), "SIGRTMIN+30"));
}

static void rewrites(void)
{
	static const struct {
		const char *text;
		int from, to; /* from 0: refused */
	} cases[] = {
		{"15:2", 15, 2},
		{"TERM:INT", 15, 2},
		{"SIGTERM:2", 15, 2},
		{"15:sigint", 15, 2},
		{"TERM:0", 15, 0},
		{"TERM:15", 15, 15},
		{"RTMIN+30:RTMAX-30", 64, 34},
		{"SIGRTMIN+30:1", 64, 1},
		{"USR1:KILL", 10, 9},
		{"USR1:STOP", 10, 19},
		{"1:64", 1, 64},
		{"32:33", 32, 33},
		{"", 0, 0},
		{":", 0, 0},
		{"15", 0, 0},
		{"15:", 0, 0},
		{":2", 0, 0},
		{"0:2", 0, 0},
		{"65:2", 0, 0},
		{"15:65", 0, 0},
		{"15:-0", 0, 0},
		{"15:2:3", 0, 0},
		{"15 :2", 0, 0},
		{"KILL:15", 0, 0},
		{"19:15", 0, 0},
		{"15:NOPE", 0, 0},
		{"AVERYLONGNAMEOFASIGNAL:2", 0, 0},
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rewrite before, after;
		int result;
		rewrite_none(&before);
		rewrite_none(&after);
		result = rewrite_parse(&after, cases[i].text);
		check_case(result == (cases[i].from ? 0 : -1), "result", cases[i].text, __LINE__);
		if (cases[i].from)
			before.to[cases[i].from] = (unsigned char)cases[i].to;
		check_case(!memcmp(&before, &after, sizeof before), "that alone is changed",
			cases[i].text, __LINE__);
	}
}

static void none(void)
{
	struct rewrite rewrite;

	memset(&rewrite, 0xff, sizeof rewrite);
	rewrite_none(&rewrite);
	for (int signal = 1; signal <= SIGNAL_MAX; signal++)
		CHECK(rewrite.to[signal] == signal);
}

int main(void)
{
	names();
	texts();
	rewrites();
	none();
	return check_end();
}
