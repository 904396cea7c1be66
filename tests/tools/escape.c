/*
 * escape: what root inside a container can do. Each attempt is made in a child of its own, and one
 * line tells how it ended: "NAME: allowed", "NAME: refused WHY" or "NAME: absent", where WHY is an
 * errno or a word of `words`, and absent is what this container or kernel does not have. Rows that
 * are no attempt print "NAME: is VALUE".
 *
 * It runs on machines that others use. Files of the kernel are opened, not written; of devices only
 * zero, kmsg, mem and the disk, the last two to read. Calls that would change the kernel have
 * arguments that it refuses after it has asked for the capability, or set what is set already. What
 * is made inside (nodes, mounts) is removed again.
 *
 * Usage: escape MARKER SOCKET KEY PORT MAJOR:MINOR PROCESS MEMORY, which exist outside: a file, an
 * abstract socket, a key, a port of 127.0.0.1, a disk, the first word of a process's command line,
 * and the key of shared memory. Standard input is the caller's terminal.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Numbers that the headers of musl may lack; they are the same on all machines that we build for.
 */
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

/* The exit code of an attempt's child: an errno, or one of these. */
enum { ALLOWED, ABSENT = 200, EMPTY, ZEROES, INSIDE, SET, MAPPED, VAIN, LOST };

enum {
	SECONDS = 10,
	NOBODY = 65534,
	LINE = 512,
	/* <linux/keyctl.h> */
	GET_KEYRING_ID = 0,
	SEARCH = 10,
	OF_SESSION = -3,
	OF_USER = -4,
	/* <linux/bpf.h> */
	MAP_CREATE = 0,
	PROG_LOAD = 5,
};

#define NODE  "escape.node"
#define POINT "/escape.point"
#define SUID  "escape.suid"

static const char *marker, *abstract, *key, *port, *disk, *process, *memory;

static const struct {
	int code;
	char word[16];
} words[] = {
	{EMPTY, "EMPTY"},   /* the file or directory shows nothing */
	{ZEROES, "ZEROES"}, /* addresses are shown as 0 */
	{INSIDE, "INSIDE"}, /* what can be reached belongs to the container */
	{SET, "SET"},       /* the restriction is on */
	{MAPPED, "MAPPED"}, /* it is another user outside */
	{VAIN, "VAIN"},     /* the call succeeds without effect */
	{LOST, "LOST"},     /* the attempt did not end, or was killed */
	{EPERM, "EPERM"},
	{ENOENT, "ENOENT"},
	{ESRCH, "ESRCH"},
	{EIO, "EIO"},
	{ENXIO, "ENXIO"},
	{ENOEXEC, "ENOEXEC"},
	{EBADF, "EBADF"},
	{EACCES, "EACCES"},
	{EBUSY, "EBUSY"},
	{ENODEV, "ENODEV"},
	{ENOTDIR, "ENOTDIR"},
	{EINVAL, "EINVAL"},
	{EROFS, "EROFS"},
	{ENOSYS, "ENOSYS"},
	{ENOSPC, "ENOSPC"},
	{ELOOP, "ELOOP"},
	{EOPNOTSUPP, "EOPNOTSUPP"},
	{ENOTTY, "ENOTTY"},
	{EAFNOSUPPORT, "EAFNOSUPPORT"},
	{ENETUNREACH, "ENETUNREACH"},
	{ECONNREFUSED, "ECONNREFUSED"},
	{ENOKEY, "ENOKEY"},
};

static int outcome(long result)
{
	return result < 0 ? errno : ALLOWED;
}

/* Of a call that the kernel refuses with that error after it has checked the capability. */
static int passed(long result, int error)
{
	return result >= 0 || errno == error ? ALLOWED : errno;
}

static int of_file(long result)
{
	return result < 0 && (errno == ENOENT || errno == ENXIO) ? ABSENT : outcome(result);
}

/* ---- files */

static int write_file(const char *path)
{
	return of_file(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

/* The first of two that exists: which one depends on the kernel's configuration. */
static int write_sys(const char *path)
{
	const int code = write_file(path);

	return code == ABSENT ? write_file("/sys/kernel/mm/transparent_hugepage/enabled") : code;
}

static int write_cgroup(const char *name)
{
	static const char *const trees[] = {"", "/unified", "/memory", "/systemd"};
	int code = ABSENT;
	char path[LINE];

	for (unsigned i = 0; i < sizeof trees / sizeof *trees && code == ABSENT; i++) {
		snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", trees[i], name);
		code = write_file(path);
	}
	return code;
}

static int read_file(const char *path)
{
	const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char byte;
	ssize_t got;

	if (file < 0)
		return of_file(file);
	got = read(file, &byte, 1);
	return got ? outcome(got) : EMPTY;
}

static int list_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int entries = 0;

	if (!folder)
		return of_file(-1);
	while ((entry = readdir(folder)))
		entries += *entry->d_name != '.';
	return entries ? ALLOWED : EMPTY;
}

static int read_addresses(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long long address;

	if (!file)
		return of_file(-1);
	while (fscanf(file, "%llx %*[^\n]", &address) == 1)
		if (address)
			return ALLOWED;
	return ZEROES;
}

/* ---- devices */

static dev_t device_of(const char *text)
{
	unsigned major = 0, minor = 0;

	sscanf(text, "%u:%u", &major, &minor);
	return makedev(major, minor);
}

/* Where a file can be made, on which mount it may be allowed what another forbids. */
static const char *const folders[] = {"", "/dev", "/dev/shm", "/tmp", "/run"};

/* Tries the same in each folder; tells of the first where none allows it. */
static int try_folders(const char *name, int (*make)(const char *path))
{
	int code = ALLOWED, next;
	char path[LINE];

	for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%s/%s", folders[i], name);
		next = make(path);
		unlink(path);
		if (next == ALLOWED)
			return ALLOWED;
		code = i ? code : next;
	}
	return code;
}

static mode_t node_type;
static dev_t node_device;
static int node_access = O_RDONLY;

static int make_node(const char *path)
{
	return outcome(mknod(path, node_type | 0600, node_device));
}

static int open_node(const char *path)
{
	const int code = make_node(path);

	return code ? code : of_file(open(path, node_access | O_NONBLOCK | O_CLOEXEC));
}

static int make_character(const char *device)
{
	node_type = S_IFCHR;
	node_device = device_of(device);
	return try_folders(NODE, make_node);
}

static int open_character(const char *device)
{
	node_type = S_IFCHR;
	node_device = device_of(device);
	return try_folders(NODE, open_node);
}

/* What is written there comes from the kernel, to those who read its log. */
static int open_log(const char *device)
{
	node_access = O_WRONLY;
	return open_character(device);
}

static int open_disk(const char *unused)
{
	(void)unused;
	node_type = S_IFBLK;
	node_device = device_of(disk);
	return node_device ? try_folders(NODE, open_node) : ABSENT;
}

/* One that is a disk or not of a kind that each container has. None is opened: some devices act. */
static int find_device(const char *path)
{
	static const unsigned char usual[][2] = {
		{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 1}, {5, 2}};
	DIR *folder = opendir(path);
	const struct dirent *entry;
	struct stat status;

	if (!folder)
		return of_file(-1);
	while ((entry = readdir(folder))) {
		if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
			continue;
		bool found = S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode);
		for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++)
			if (S_ISCHR(status.st_mode) &&
				status.st_rdev == makedev(usual[i][0], usual[i][1]))
				found = false;
		/* Consoles may be pseudo-terminals. */
		if (found && !(S_ISCHR(status.st_mode) && major(status.st_rdev) == 136))
			return outcome(faccessat(dirfd(folder), entry->d_name, R_OK, 0));
	}
	return INSIDE;
}

/* ---- mounts */

static int mount_type(const char *type)
{
	const int code = outcome(mount("none", POINT, type, 0, NULL));

	if (code == ALLOWED)
		umount2(POINT, MNT_DETACH);
	return code;
}

static int wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : LOST;
}

/* In a user namespace of its own, with all other namespaces that a mount could need. */
static int try_in_user(int (*attempt)(const char *word), const char *word)
{
	pid_t child;
	int map;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		    CLONE_NEWCGROUP))
		return errno;
	map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (map < 0 || write(map, "0 0 1", 5) != 5)
		return errno;
	child = fork();
	if (!child)
		_exit(attempt(word));
	return wait_for(child);
}

static int mount_in_user(const char *type)
{
	return try_in_user(mount_type, type);
}

/* A file of a file system that is mounted for it. */
static int write_mounted(const char *type, const char *options, const char *name)
{
	char path[LINE];
	int code;

	if (mount("none", POINT, type, 0, options))
		return errno;
	snprintf(path, sizeof path, "%s/%s", POINT, name);
	code = write_file(path);
	umount2(POINT, MNT_DETACH);
	return code;
}

/* Of the cgroup that the container is in, which is the host's. */
static int write_mounted_cgroup(const char *name)
{
	return write_mounted("cgroup2", NULL, name);
}

static int write_cgroup_in_user(const char *name)
{
	return try_in_user(write_mounted_cgroup, name);
}

/* A hierarchy of version 1 that exists: the same options show it again. */
static int mount_cgroup1(const char *agent)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[LINE], options[LINE] = "";

	if (!file)
		return errno;
	while (!*options && fgets(line, sizeof line, file))
		if (sscanf(line, "%*u:%511[^:=\n]:", options) != 1 || strchr(line, '='))
			*options = 0;
	return *options ? write_mounted("cgroup", options, agent) : ABSENT;
}

static int open_file_system(const char *type)
{
	return outcome(syscall(SYS_fsopen, type, 0));
}

/* Takes the first mount below a directory away, such as the mask of a file. */
static int unmount_below(const char *path)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[LINE], point[LINE];

	if (!file)
		return errno;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "%*s %*s %*s %*s %511s", point) == 1 &&
			!strncmp(point, path, strlen(path)))
			return outcome(umount2(point, MNT_DETACH));
	return ABSENT;
}

/* Flags of this one mount, never of the file system. */
static int clear_flags(const char *path)
{
	return outcome(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL));
}

/* A directory of a file system of the kernel, whose number linux/magic.h has. */
static int make_writable(const char *path, long type)
{
	struct statfs status;
	struct statvfs now;
	int code;

	if (statfs(path, &status))
		return of_file(-1);
	if ((long)status.f_type != type)
		return ABSENT;
	code = clear_flags(path);
	if (statvfs(path, &now))
		return errno;
	return now.f_flag & ST_RDONLY ? code : ALLOWED;
}

static int make_proc_writable(const char *path)
{
	return make_writable(path, 0x9fa0);
}

static int make_sys_writable(const char *path)
{
	return make_writable(path, 0x62656572);
}

static int lacks_flag(const char *path, unsigned long flag)
{
	struct statvfs status;

	if (statvfs(path, &status))
		return errno;
	return status.f_flag & flag ? SET : ALLOWED;
}

static int lacks_nosuid(const char *path)
{
	return lacks_flag(path, ST_NOSUID);
}

static int lacks_nodev(const char *path)
{
	return lacks_flag(path, ST_NODEV);
}

/* ---- ways out of the root directory */

static unsigned mount_of(int file)
{
	char path[LINE], line[LINE];
	unsigned mount = 0;
	FILE *info;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", file);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof line, info) && sscanf(line, "mnt_id: %u", &mount) != 1)
		;
	if (info)
		fclose(info);
	return mount;
}

/* Whether a file lies on a mount that cannot be reached from our root directory. */
static bool is_outside(int file)
{
	const unsigned mount = mount_of(file);
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[LINE];
	bool found = !mount || !mounts;

	while (mounts && !found && fgets(line, sizeof line, mounts))
		found = (unsigned)strtoul(line, NULL, 10) == mount;
	if (mounts)
		fclose(mounts);
	return !found;
}

static int follow(int folder, const char *name)
{
	const int file = openat(folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code;

	/* Not a directory, or ended in between. */
	if (file < 0)
		return errno == ENOTDIR || errno == ENOENT || errno == ESRCH ? INSIDE : errno;
	code = is_outside(file) ? ALLOWED : INSIDE;
	close(file);
	return code;
}

/* Follows links of all processes: /proc/PID/root, or all of the directory /proc/PID/fd. */
static int leave_by(const char *link)
{
	const bool is_folder = !strcmp(link, "fd");
	DIR *proc = opendir("/proc");
	const struct dirent *entry, *one;
	int code = INSIDE, next;
	char path[LINE];

	if (!proc)
		return errno;
	while (code != ALLOWED && (entry = readdir(proc))) {
		if (*entry->d_name < '0' || *entry->d_name > '9')
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/%s", entry->d_name, link);
		if (!is_folder) {
			next = follow(AT_FDCWD, path);
			code = next == INSIDE ? code : next;
			continue;
		}
		DIR *folder = opendir(path);
		if (!folder && errno != ENOENT)
			code = errno;
		while (folder && code != ALLOWED && (one = readdir(folder))) {
			next = *one->d_name == '.' ? INSIDE : follow(dirfd(folder), one->d_name);
			code = next == INSIDE ? code : next;
		}
		if (folder)
			closedir(folder);
	}
	return code;
}

/* A root directory below the working directory, which can then go up without end. */
static int leave_chroot(const char *folder)
{
	if (chroot(folder))
		return errno;
	for (int i = 0; i < 64; i++)
		if (chdir(".."))
			return errno;
	if (chroot("."))
		return errno;
	return access(marker, F_OK) ? INSIDE : ALLOWED;
}

/* The root directory of ext4 and others has inode 2. A stale handle has passed the check. */
static int open_handle(const char *path)
{
	static const unsigned inode[2] = {2, 0};
	union {
		struct file_handle head;
		char bytes[sizeof(struct file_handle) + sizeof inode];
	} handle = {{.handle_bytes = sizeof inode, .handle_type = 1}};
	const int mount = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mount < 0)
		return errno;
	memcpy(handle.bytes + offsetof(struct file_handle, f_handle), inode, sizeof inode);
	return passed(open_by_handle_at(mount, &handle.head, O_PATH | O_CLOEXEC), ESTALE);
}

/* ---- other processes */

static int trace(const char *unused)
{
	(void)unused;
	return outcome(ptrace(PTRACE_SEIZE, 1, NULL, NULL));
}

static int write_memory(const char *path)
{
	return outcome(open(path, O_RDWR | O_CLOEXEC));
}

/* Sets the mode that it has. */
static int change_program(const char *path)
{
	const int program = open(path, O_PATH | O_CLOEXEC);
	struct stat status;

	if (program < 0 || fstat(program, &status))
		return errno;
	if (!is_outside(program))
		return INSIDE;
	return outcome(chmod(path, status.st_mode & 07777));
}

static int take_descriptor(const char *unused)
{
	const long first = syscall(SYS_pidfd_open, 1, 0);

	(void)unused;
	return first < 0 ? errno : passed(syscall(SYS_pidfd_getfd, first, 0, 0), EBADF);
}

static int enter(const char *path)
{
	const int space = open(path, O_RDONLY | O_CLOEXEC);

	return outcome(space < 0 ? -1 : setns(space, 0));
}

static int see_process(const char *unused)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	char path[LINE], line[LINE];

	(void)unused;
	if (!proc)
		return errno;
	while ((entry = readdir(proc))) {
		snprintf(path, sizeof path, "/proc/%.20s/cmdline", entry->d_name);
		FILE *file = fopen(path, "re");
		if (!file)
			continue;
		memset(line, 0, sizeof line);
		if (fread(line, 1, sizeof line - 1, file) && !strcmp(line, process))
			return ALLOWED;
		fclose(file);
	}
	return INSIDE;
}

static int see_environment(const char *name)
{
	return getenv(name) ? ALLOWED : INSIDE;
}

/* With the sysctl dev.tty.legacy_tiocsti, a key that the caller's shell reads afterwards. */
static int type_key(const char *text)
{
	return outcome(ioctl(0, TIOCSTI, text));
}

static int find_memory(const char *unused)
{
	(void)unused;
	return outcome(shmget((key_t)atoi(memory), 0, 0));
}

static int find_descriptor(const char *unused)
{
	(void)unused;
	for (int file = 3; file < 1024; file++)
		if (fcntl(file, F_GETFD) >= 0)
			return ALLOWED;
	return INSIDE;
}

/* ---- the kernel */

static int load_module(const char *text)
{
	const int file = memfd_create("module", MFD_CLOEXEC);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		return errno;
	return passed(syscall(SYS_finit_module, file, "", 0), ENOEXEC);
}

static int read_log(const char *unused)
{
	char text[16];

	(void)unused;
	return outcome(syscall(SYS_syslog, 3, text, sizeof text));
}

/* With magic numbers that are none (kernel/reboot.c). In a PID namespace it would end that. */
static int restart(const char *unused)
{
	(void)unused;
	return passed(syscall(SYS_reboot, 0, 0, 0, NULL), EINVAL);
}

/* With flags and a number of segments that are invalid (kernel/kexec.c). */
static int load_kernel(const char *unused)
{
	(void)unused;
	return passed(syscall(SYS_kexec_load, 0UL, 1000UL, NULL, 0x4000UL), EINVAL);
}

/* To a tick of no length (kernel/time/timekeeping.c). */
static int change_clock(const char *unused)
{
	struct timex change = {.modes = ADJ_TICK, .tick = 0};

	(void)unused;
	return passed(adjtimex(&change), EINVAL);
}

static int add_swap(const char *path)
{
	return passed(swapon(path, 0), ENOENT);
}

static int count_processes(const char *path)
{
	return passed(syscall(SYS_acct, path), ENOENT);
}

/* Of a user of whom no file system has heard. */
static int read_quota(const char *path)
{
	const int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t quota[16];

	return passed(
		syscall(SYS_quotactl_fd, root, QCMD(Q_GETQUOTA, USRQUOTA), 4000000, quota), ESRCH);
}

static int use_ports(const char *unused)
{
	(void)unused;
#ifdef SYS_iopl
	return outcome(syscall(SYS_iopl, 3));
#else
	return ABSENT;
#endif
}

static int make_map(const char *unused)
{
	unsigned map[32] = {2, 4, 4, 1};

	(void)unused;
	return outcome(syscall(SYS_bpf, MAP_CREATE, map, sizeof map));
}

static int load_program(const char *unused)
{
	/* r0 = 0; exit */
	static const unsigned char code[16] __attribute__((aligned(8))) = {0xb7, [8] = 0x95};
	struct {
		unsigned type, count;
		uint64_t code, license, rest[12];
	} program = {1, 2, (uintptr_t)code, (uintptr_t) "GPL", {0}};

	(void)unused;
	return outcome(syscall(SYS_bpf, PROG_LOAD, &program, sizeof program));
}

/* A clock of software, of a process or of a processor. */
static int count_events(pid_t pid, int processor)
{
	struct {
		unsigned type, size;
		uint64_t config, period, sample, format, flags, rest[2];
	} event = {.type = 1, .size = 64, .flags = 1 | 1 << 5 | 1 << 6};

	return outcome(syscall(SYS_perf_event_open, &event, pid, processor, -1, 0UL));
}

static int count_own_events(const char *unused)
{
	(void)unused;
	return count_events(0, -1);
}

static int count_all_events(const char *unused)
{
	(void)unused;
	return count_events(-1, 0);
}

static int handle_faults(const char *unused)
{
	(void)unused;
	return outcome(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int make_ring(const char *unused)
{
	unsigned parameters[30] = {0};

	(void)unused;
	return outcome(syscall(SYS_io_uring_setup, 1, parameters));
}

static int use_keys(const char *unused)
{
	(void)unused;
	return outcome(syscall(SYS_keyctl, GET_KEYRING_ID, OF_SESSION, 0));
}

static int find_key(int ring)
{
	return outcome(syscall(SYS_keyctl, SEARCH, ring, "user", key, 0));
}

static int find_key_of_session(const char *unused)
{
	(void)unused;
	return find_key(OF_SESSION);
}

static int find_key_of_user(const char *unused)
{
	(void)unused;
	return find_key(OF_USER);
}

static int new_user(const char *unused)
{
	(void)unused;
	return outcome(unshare(CLONE_NEWUSER));
}

static int new_mounts(const char *unused)
{
	(void)unused;
	return outcome(unshare(CLONE_NEWNS));
}

/* ---- network */

static int open_socket(int family, int type, int protocol)
{
	return outcome(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int open_raw(const char *unused)
{
	(void)unused;
	return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int open_packet(const char *unused)
{
	(void)unused;
	return open_socket(AF_PACKET, SOCK_RAW, 0);
}

/* Sets the flags that it has. */
static int change_interface(const char *name)
{
	const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq interface = {0};

	strcpy(interface.ifr_name, name);
	if (any < 0 || ioctl(any, SIOCGIFFLAGS, &interface))
		return errno;
	return outcome(ioctl(any, SIOCSIFFLAGS, &interface));
}

static int connect_abstract(const char *unused)
{
	const int any = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t length = strlen(abstract);

	(void)unused;
	if (length > sizeof address.sun_path - 1)
		return LOST;
	memcpy(address.sun_path + 1, abstract, length);
	return outcome(connect(any, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)));
}

static int connect_port(const char *unused)
{
	const int any = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	(void)unused;
	return outcome(connect(any, (const struct sockaddr *)&address, sizeof address));
}

/* ---- the process's own rights */

static int change_name(const char *unused)
{
	char name[LINE];

	(void)unused;
	if (gethostname(name, sizeof name))
		return errno;
	return outcome(sethostname(name, strlen(name)));
}

static int run_in_real_time(const char *unused)
{
	struct sched_param parameter = {.sched_priority = 1};

	(void)unused;
	/* The libc of musl has no sched_setscheduler(). */
	return outcome(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter));
}

static int raise_priority(const char *unused)
{
	(void)unused;
	return outcome(setpriority(PRIO_PROCESS, 0, -1));
}

static int raise_limit(const char *unused)
{
	(void)unused;
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}))
		return errno;
	return outcome(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 1}));
}

static int spare_from_oom(const char *path)
{
	const int file = open(path, O_WRONLY | O_CLOEXEC);

	return outcome(file < 0 ? -1 : write(file, "-1", 2));
}

static int copy_self(const char *path)
{
	const int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buffer[4096];
	ssize_t got;

	if (from < 0 || to < 0)
		return errno;
	while ((got = read(from, buffer, sizeof buffer)) > 0)
		if (write(to, buffer, (size_t)got) != got)
			return errno;
	close(to);
	return outcome(got);
}

/* A copy of this program that takes on the rights of its owner, run by another user. */
static int run_suid(const char *path)
{
	const int code = copy_self(path);
	pid_t child;

	if (code || chmod(path, 04755))
		return code ? code : errno;
	child = fork();
	if (!child) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(errno);
		execl(path, path, "euid", NULL);
		_exit(errno);
	}
	return wait_for(child);
}

static int try_suid(const char *name)
{
	return try_folders(name, run_suid);
}

/* CAP_CHOWN alone, effective, as version 2 of struct vfs_cap_data. */
static int give_capability(const char *path)
{
	static const unsigned char data[20] = {1, 0, 0, 2, 1};
	const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	int code;

	if (file < 0)
		return errno;
	code = outcome(fsetxattr(file, "security.capability", data, sizeof data, 0));
	unlink(path);
	return code;
}

static int be_host_root(const char *unused)
{
	FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside;

	(void)unused;
	while (file && fscanf(file, "%u %u %*u", &inside, &outside) == 2)
		if (!inside)
			return outside ? MAPPED : ALLOWED;
	return file ? MAPPED : errno;
}

static int lacks_no_new_privs(const char *unused)
{
	(void)unused;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) ? SET : ALLOWED;
}

static int lacks_seccomp(const char *unused)
{
	(void)unused;
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) ? SET : ALLOWED;
}

/* ---- the list */

static const struct attempt {
	const char *name;
	int (*make)(const char *argument);
	const char *argument;
} attempts[] = {
	{"be the host's root outside", be_host_root, ""},
	{"run without no_new_privs", lacks_no_new_privs, ""},
	{"run without a seccomp filter", lacks_seccomp, ""},
	{"have a root without nosuid", lacks_nosuid, "/"},
	{"have a root without nodev", lacks_nodev, "/"},
	{"gain rights by a setuid program", try_suid, SUID},
	{"give a file a capability", give_capability, "/" NODE},
	{"raise a hard limit", raise_limit, ""},
	{"raise the priority", raise_priority, ""},
	{"run in real time", run_in_real_time, ""},
	{"lower oom_score_adj", spare_from_oom, "/proc/self/oom_score_adj"},
	{"read the caller's environment", see_environment, "ESCAPE_SECRET"},
	{"use a descriptor of the caller", find_descriptor, ""},
	{"type into the caller's terminal", type_key, "x"},

	{"make a device node", make_character, "1:1"},
	{"open a node of /dev/zero", open_character, "1:5"},
	{"open a node of /dev/kmsg", open_log, "1:11"},
	{"open a node of /dev/mem", open_character, "1:1"},
	{"open a node of a disk", open_disk, ""},
	{"find a device of the host in /dev", find_device, "/dev"},

	{"mount tmpfs", mount_type, "tmpfs"},
	{"mount proc", mount_type, "proc"},
	{"mount sysfs", mount_type, "sysfs"},
	{"mount cgroup2", mount_type, "cgroup2"},
	{"mount cgroup v1", mount_cgroup1, "cgroup.procs"},
	{"open release_agent of cgroup v1", mount_cgroup1, "release_agent"},
	{"mount debugfs", mount_type, "debugfs"},
	{"open a file system by fsopen", open_file_system, "tmpfs"},
	{"make a mount namespace", new_mounts, ""},
	{"make a user namespace", new_user, ""},
	{"mount tmpfs in a user namespace", mount_in_user, "tmpfs"},
	{"mount proc in a user namespace", mount_in_user, "proc"},
	{"mount sysfs in a user namespace", mount_in_user, "sysfs"},

	{"write /proc/sysrq-trigger", write_file, "/proc/sysrq-trigger"},
	{"write /proc/irq", write_file, "/proc/irq/default_smp_affinity"},
	{"write sysctl kernel.core_pattern", write_file, "/proc/sys/kernel/core_pattern"},
	{"write sysctl kernel.modprobe", write_file, "/proc/sys/kernel/modprobe"},
	{"write sysctl kernel.hostname", write_file, "/proc/sys/kernel/hostname"},
	{"write sysctl vm.overcommit_memory", write_file, "/proc/sys/vm/overcommit_memory"},
	{"write sysctl fs.file-max", write_file, "/proc/sys/fs/file-max"},
	{"write sysctl net.ipv4.ip_forward", write_file, "/proc/sys/net/ipv4/ip_forward"},
	{"write a file of /sys", write_sys, "/sys/kernel/uevent_helper"},
	{"write cgroup.procs", write_cgroup, "cgroup.procs"},
	{"write cgroup.procs in a user namespace", write_cgroup_in_user, "cgroup.procs"},

	{"read /proc/kcore", read_file, "/proc/kcore"},
	{"read /proc/keys", read_file, "/proc/keys"},
	{"read /proc/timer_list", read_file, "/proc/timer_list"},
	{"read /proc/sched_debug", read_file, "/proc/sched_debug"},
	{"list /proc/acpi", list_folder, "/proc/acpi"},
	{"list /proc/scsi", list_folder, "/proc/scsi"},
	{"list /sys/firmware", list_folder, "/sys/firmware"},
	{"read addresses in /proc/kallsyms", read_addresses, "/proc/kallsyms"},
	{"read the kernel's log", read_log, ""},

	{"load a module", load_module, "this is no module"},
	{"call reboot(2)", restart, ""},
	{"load another kernel", load_kernel, ""},
	{"set the clock", change_clock, ""},
	{"add swap", add_swap, "/escape.missing"},
	{"account for processes", count_processes, "/escape.missing"},
	{"read quotas of others", read_quota, "/"},
	{"use I/O ports", use_ports, ""},
	{"make a map of BPF", make_map, ""},
	{"load a program of BPF", load_program, ""},
	{"count events of its own", count_own_events, ""},
	{"count events of a processor", count_all_events, ""},
	{"handle page faults of the kernel", handle_faults, ""},
	{"make a ring of io_uring", make_ring, ""},
	{"use keyrings", use_keys, ""},
	{"find a key of the caller's session", find_key_of_session, ""},
	{"find a key of the host's root", find_key_of_user, ""},

	{"leave the root by chroot", leave_chroot, POINT},
	{"leave the root by a file handle", open_handle, "/"},
	{"leave by /proc/PID/root", leave_by, "root"},
	{"leave by /proc/PID/cwd", leave_by, "cwd"},
	{"leave by /proc/PID/fd", leave_by, "fd"},
	{"see a process of the host", see_process, ""},
	{"find shared memory of the host", find_memory, ""},
	{"trace PID 1", trace, ""},
	{"write the memory of PID 1", write_memory, "/proc/1/mem"},
	{"take a descriptor of PID 1", take_descriptor, ""},
	{"change the mode of PID 1's program", change_program, "/proc/1/exe"},
	{"enter the mounts of PID 1", enter, "/proc/1/ns/mnt"},

	{"connect to an abstract socket", connect_abstract, ""},
	{"connect to the host's 127.0.0.1", connect_port, ""},
	{"open a raw socket", open_raw, ""},
	{"open a packet socket", open_packet, ""},
	{"change an interface", change_interface, "lo"},
	{"set the host name", change_name, ""},

	/* These may take away what protects the files above, and come last. */
	{"make /proc/sys writable", make_proc_writable, "/proc/sys"},
	{"make /sys writable", make_sys_writable, "/sys"},
	{"unmount a mask in /proc", unmount_below, "/proc/"},
	{"clear the flags of the root", clear_flags, "/"},
};

static void print(const char *name, int code)
{
	if (code == ALLOWED || code == ABSENT) {
		printf("%s: %s\n", name, code == ALLOWED ? "allowed" : "absent");
		return;
	}
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].code == code) {
			printf("%s: refused %s\n", name, words[i].word);
			return;
		}
	printf("%s: refused %d\n", name, code);
}

static void print_capabilities(void)
{
	static const char *const sets[] = {"CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"};
	char line[LINE];

	for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
		FILE *file = fopen("/proc/self/status", "re");
		while (file && fgets(line, sizeof line, file))
			if (!strncmp(line, sets[i], 6))
				printf("%s: is %llx\n", sets[i], strtoull(line + 8, NULL, 16));
		if (file)
			fclose(file);
	}
}

int main(int count, char *arguments[])
{
	if (count == 2 && !strcmp(arguments[1], "euid"))
		return geteuid() ? VAIN : ALLOWED;
	if (count != 8) {
		fprintf(stderr,
			"usage: escape MARKER SOCKET KEY PORT MAJOR:MINOR PROCESS MEMORY\n");
		return 2;
	}
	marker = arguments[1];
	abstract = arguments[2];
	key = arguments[3];
	port = arguments[4];
	disk = arguments[5];
	process = arguments[6];
	memory = arguments[7];
	if (getuid() || (mkdir(POINT, 0755) && errno != EEXIST)) {
		fprintf(stderr, "escape: needs root and a root directory that it may change\n");
		return 1;
	}
	print_capabilities();
	for (unsigned i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		fflush(stdout);
		pid_t child = fork();
		if (!child) {
			alarm(SECONDS);
			_exit(attempts[i].make(attempts[i].argument));
		}
		print(attempts[i].name, wait_for(child));
	}
	rmdir(POINT);
	return 0;
}
