/*
 * proc: see proc.h.
 */
#include "proc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sys.h"
#include "out.h"

int proc_open(void)
{
	char link[NUMBER_SIZE], digits[NUMBER_SIZE];
	int proc = sys_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	ssize_t length = proc < 0 ? -1 : sys_readlink(proc, "self", link, sizeof link - 1);

	link[length > 0 ? length : 0] = 0;
	if (!strcmp(link, number_text(digits, getpid())))
		return proc;
	if (proc >= 0)
		close(proc);
	return -1;
}

const char *proc_path(int pid, const char *name)
{
	static char path[64];

	out_format(path, sizeof path, "%d/%s", pid, name);
	return path;
}

int proc_each(int directory, void (*visit)(int directory, const char *name))
{
	char buffer[4096] __attribute__((aligned(8)));
	long length;

	while ((length = sys_entries(directory, buffer, sizeof buffer)) > 0)
		for (const char *p = buffer; p < buffer + length;) {
			const struct sys_entry *entry = (const struct sys_entry *)p;
			if (*entry->name >= '0' && *entry->name <= '9')
				visit(directory, entry->name);
			p += entry->length;
		}
	if (directory >= 0)
		sys_close(directory);
	return (int)length;
}

/* ") S 123 ...": what follows the name, which may contain anything; or NULL. */
static const char *after_name(const char *stat)
{
	const char *rest = strrchr(stat, ')');

	return rest && strlen(rest) > 4 ? rest : NULL;
}

char proc_state(const char *stat)
{
	const char *rest = after_name(stat);

	if (rest)
		return rest[2];
	return 0;
}

pid_t proc_parent(const char *stat)
{
	const char *rest = after_name(stat);
	unsigned long long parent;

	return rest && !number_parse_until(rest + 4, ' ', 1U << 30, &parent) ? (pid_t)parent : 0;
}
