/*
 * progress: see progress.h.
 */
#include "progress.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "out.h"
#include "terminal.h"
#include "units.h"

enum { EVERY = 250 /* milliseconds */ };

static struct {
	bool begun;
	volatile bool shown;
	long long total, done, start, next; /* bytes, and times of sys_now() */
} self;

bool progress_wanted(void)
{
	return terminal_is_open(2);
}

void progress_begin(long long total)
{
	self.begun = true;
	self.total = total;
	self.start = sys_now();
	self.next = self.start + EVERY;
}

static void show(long long now)
{
	const long long rate = self.done * 1000 / (now - self.start);
	char line[128], done[UNITS_SIZE], total[UNITS_SIZE] = "", speed[UNITS_SIZE];
	char left[UNITS_SIZE] = "";
	const bool known = self.total > self.done && rate > 0;
	size_t length;

	units_size(done, (unsigned long long)self.done);
	units_size(speed, (unsigned long long)rate);
	if (self.total)
		units_size(total, (unsigned long long)self.total);
	if (known)
		units_time(left, (self.total - self.done) / rate * 1000);
	length = out_format(line, sizeof line, "\r%s%s%s, %s/s%s%s%s\033[K", done,
		self.total ? " of " : "", total, speed, known ? ", " : "", left,
		known ? " left" : "");
	self.shown = true;
	log_put(2, line, length);
}

void progress_add(long long bytes)
{
	long long now;

	if (!self.begun)
		return;
	self.done += bytes;
	now = sys_now();
	if (now < self.next)
		return;
	self.next = now + EVERY;
	show(now);
}

void progress_erase(void)
{
	static const char erase[] = "\r\033[K";
	const int error = errno;

	if (self.shown)
		log_put(2, erase, sizeof erase - 1);
	self.shown = false;
	errno = error;
}
