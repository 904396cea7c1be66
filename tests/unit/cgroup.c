/*
 * Delegation of the cgroup to a child in a user namespace, and its removal. It is tested
 * as root, where cgroup v2 is mounted writable.
 */
#include "container/cgroup.h"
#include "base/file.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { ID = 54321 };

static char path[256];

static bool usable(void)
{
	static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/cgroup.procs", mounts[i]);
		if (access(path, W_OK) || geteuid())
			continue;
		snprintf(path, sizeof path, "%s/init-unit.%d", mounts[i], (int)getpid());
		return true;
	}
	return false;
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static uid_t owner(const char *name)
{
	char file[1024];
	struct stat status;

	snprintf(file, sizeof file, "%s/%s", path, name);
	return stat(file, &status) ? 0 : status.st_uid;
}

static void read_line(char *line, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "r");

	while (file && fgets(line, (int)size, file) && strncmp(line, "0::", 3) != 0)
		;
	if (file)
		fclose(file);
}

/* The child, in the place of PID 1: its root is an unused uid outside. */
static void child(int mapped, int ready)
{
	char line[512], byte;
	pid_t other;

	CHECK(!unshare(CLONE_NEWUSER));
	CHECK(write(ready, "u", 1) == 1 && read(mapped, &byte, 1) == 1);
	CHECK(!setresgid(0, 0, 0) && !setresuid(0, 0, 0));
	cgroup_enter(true);
	read_line(line, sizeof line);
	CHECK(!strcmp(line, "0::/init\n"));
	other = fork();
	if (!other) {
		CHECK(!file_write(cgroup_part(CGROUP_APP), "cgroup.procs", "0"));
		read_line(line, sizeof line);
		_exit(strcmp(line, "0::/app\n") != 0 || check_failures);
	}
	int status = -1;
	CHECK(waitpid(other, &status, 0) == other && !status);
	/* A process that is left in ops, for the removal to kill. */
	other = fork();
	if (!other) {
		file_write(cgroup_part(CGROUP_OPS), "cgroup.procs", "0");
		CHECK(write(ready, "o", 1) == 1);
		pause();
		_exit(0);
	}
	pause();
}

static void delegated(void)
{
	static const char *const names[] = {"", "init", "app", "ops"};
	struct cgroup_setup setup = {.path = path};
	int mapped[2], ready[2];
	char file[512], byte;
	pid_t pid;

	cgroup_make(&setup, -1);
	CHECK(!cgroup_delegate(ID, ID));
	for (unsigned i = 0; i < 4; i++) {
		CHECK(owner(names[i]) == ID);
		snprintf(file, sizeof file, "%s/cgroup.procs", names[i]);
		CHECK(owner(file) == ID);
		snprintf(file, sizeof file, "%s/cgroup.subtree_control", names[i]);
		CHECK(owner(file) == ID);
		snprintf(file, sizeof file, "%s/cgroup.freeze", names[i]);
		CHECK(owner(file) == 0);
	}
	CHECK(!pipe(mapped) && !pipe(ready));
	pid = fork();
	if (!pid) {
		child(mapped[0], ready[1]);
		_exit(1);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	snprintf(file, sizeof file, "/proc/%d/uid_map", (int)pid);
	put(file, "0 54321 1");
	snprintf(file, sizeof file, "/proc/%d/gid_map", (int)pid);
	put(file, "0 54321 1");
	CHECK(write(mapped[1], "m", 1) == 1);
	CHECK(read(ready[0], &byte, 1) == 1 && byte == 'o');
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* As the janitor does, which was never in the cgroup. The process in ops is killed. */
	CHECK(!cgroup_remove(false));
	CHECK(access(path, F_OK));
}

int main(void)
{
	alarm(10);
	/* Without the option there is no cgroup, and every function does nothing. */
	struct cgroup_setup none = {.path = NULL};
	cgroup_make(&none, -1);
	cgroup_enter(true);
	CHECK(!cgroup_delegate(1, 1) && cgroup_part(CGROUP_DIR) < 0);
	CHECK(!cgroup_remove(true));
	if (usable())
		delegated();
	return check_end();
}
