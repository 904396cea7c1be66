/*
 * Values of cgroups of both versions and of /proc, read from directories of ordinary files that
 * look like them.
 */
#include "initctl/usage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char base[64];

static void put(const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/%s", base, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int make(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", base, name);
	CHECK(!mkdir(path, 0755));
	return open(path, O_RDONLY | O_DIRECTORY);
}

static struct usage_from nothing(void)
{
	struct usage_from from = {.cgroup2 = -1, .proc = -1, .init = 1, .main = 2};

	for (unsigned i = 0; i < CGROUP1_CONTROLLERS; i++)
		from.cgroup1[i] = -1;
	return from;
}

struct expected {
	enum usage_value value;
	uint64_t number;
};

static void check_values(const struct usage *usage, unsigned count, const struct expected *expected)
{
	char key[USAGE_KEY];

	for (unsigned i = 0; i < count; i++) {
		usage_key(expected[i].value, key);
		check_case(usage->values[expected[i].value] == expected[i].number, "value", key,
			__LINE__);
	}
}

#define CHECK_VALUES(usage, list) check_values(usage, sizeof(list) / sizeof *(list), list)

static void version2(struct usage_from *from)
{
	static const struct expected expected[] = {
		{CPU_USAGE, 1234567},
		{CPU_USER, 1000000},
		{CPU_SYSTEM, 234567},
		{CPU_PERIODS, 50},
		{CPU_THROTTLED, 7},
		{CPU_THROTTLED_TIME, 99},
		{CPU_QUOTA, 50000},
		{CPU_PERIOD, 100000},
		{MEMORY, 4096000},
		{MEMORY_PEAK, USAGE_UNKNOWN},
		{MEMORY_HIGH, USAGE_NO_LIMIT},
		{MEMORY_MAX, 8192000},
		{MEMORY_AT_HIGH, 1},
		{MEMORY_AT_MAX, 20},
		{MEMORY_OOM, 3},
		{MEMORY_OOM_KILL, 2},
		{SWAP, 0},
		{SWAP_MAX, 0},
		{IO_READ, 1100},
		{IO_WRITE, 220},
		{PROCESSES, 5},
		{PROCESSES_MAX, 10},
		{PROCESSES_REFUSED, 4},
		{PRESSURE_CPU, 1465},
		{PRESSURE_CPU_FULL, 1},
		{PRESSURE_MEMORY, 10000},
		{PRESSURE_IO, USAGE_UNKNOWN},
		{FROZEN, 1},
	};
	struct usage usage;

	from->cgroup2 = make("v2");
	put("v2/cpu.stat",
		"usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nother_user_usec 5\n"
		"nr_periods 50\nnr_throttled 7\nthrottled_usec 99\n");
	put("v2/cpu.max", "50000 100000\n");
	put("v2/memory.current", "4096000\n");
	put("v2/memory.high", "max\n");
	put("v2/memory.max", "8192000\n");
	put("v2/memory.events", "low 0\nhigh 1\nmax 20\noom 3\noom_kill 2\noom_group_kill 9\n");
	put("v2/memory.swap.current", "0\n");
	put("v2/memory.swap.max", "0\n");
	put("v2/io.stat", "8:0 rbytes=1000 wbytes=200 rios=5 wios=6 dbytes=7 dios=8\n7:1 \n"
			  "8:16 rbytes=100 wbytes=20 rios=5 wios=6 dbytes=7 dios=8\n");
	put("v2/pids.current", "5\n");
	put("v2/pids.max", "10\n");
	put("v2/pids.events", "max 4\n");
	put("v2/cpu.pressure", "some avg10=14.65 avg60=5.28 avg300=4.20 total=4255122942\n"
			       "full avg10=0.01 avg60=0.00 avg300=0.00 total=0\n");
	put("v2/memory.pressure", "some avg10=100.00 avg60=5.28 avg300=4.20 total=1\n");
	put("v2/cgroup.events", "populated 1\nfrozen 1\n");
	usage_read(from, &usage);
	CHECK_VALUES(&usage, expected);
	for (unsigned part = 0; part < USAGE_PARTS; part++)
		CHECK(usage.sources[part] == USAGE_CGROUP2);
	/* No device has been used. */
	put("v2/io.stat", "");
	usage_read(from, &usage);
	CHECK(usage.values[IO_READ] == 0 && usage.values[IO_WRITE] == 0);
	/* A link is not followed, wherever it leads. */
	CHECK(!unlinkat(from->cgroup2, "memory.high", 0));
	CHECK(!symlinkat("memory.max", from->cgroup2, "memory.high"));
	usage_read(from, &usage);
	CHECK(usage.values[MEMORY_HIGH] == USAGE_UNKNOWN);
}

static void version1(struct usage_from *from)
{
	static const struct expected expected[] = {
		{CPU_USAGE, 2000000},
		{CPU_USER, 1500000},
		{CPU_SYSTEM, 500000},
		{CPU_PERIODS, 30},
		{CPU_THROTTLED, 2},
		{CPU_THROTTLED_TIME, 5000},
		{CPU_QUOTA, USAGE_NO_LIMIT},
		{CPU_PERIOD, 100000},
		{MEMORY, 111},
		{MEMORY_PEAK, 222},
		{MEMORY_HIGH, USAGE_UNKNOWN},
		{MEMORY_MAX, USAGE_NO_LIMIT},
		{MEMORY_AT_MAX, 3},
		{MEMORY_OOM, USAGE_UNKNOWN},
		{MEMORY_OOM_KILL, 1},
		{SWAP, 12},
		{SWAP_MAX, USAGE_UNKNOWN},
		{IO_READ, 11},
		{IO_WRITE, 22},
		{PROCESSES, 6},
		{PROCESSES_MAX, USAGE_NO_LIMIT},
		{PROCESSES_REFUSED, 0},
	};
	struct usage usage;

	from->cgroup1[CGROUP1_CPUACCT] = make("cpuacct");
	from->cgroup1[CGROUP1_CPU] = make("cpu");
	from->cgroup1[CGROUP1_MEMORY] = make("memory");
	from->cgroup1[CGROUP1_BLKIO] = make("blkio");
	from->cgroup1[CGROUP1_PIDS] = make("pids");
	put("cpuacct/cpuacct.usage", "2000000999\n");
	put("cpuacct/cpuacct.usage_user", "1500000000\n");
	put("cpuacct/cpuacct.usage_sys", "500000000\n");
	put("cpu/cpu.stat", "nr_periods 30\nnr_throttled 2\nthrottled_time 5000000\n");
	put("cpu/cpu.cfs_quota_us", "-1\n");
	put("cpu/cpu.cfs_period_us", "100000\n");
	put("memory/memory.usage_in_bytes", "111\n");
	put("memory/memory.max_usage_in_bytes", "222\n");
	put("memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("memory/memory.failcnt", "3\n");
	put("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	put("memory/memory.stat", "cache 5\nswap 4\ntotal_cache 6\ntotal_swap 12\n");
	put("blkio/blkio.throttle.io_service_bytes_recursive",
		"8:0 Read 10\n8:0 Write 20\n8:0 Sync 1\n8:0 Total 30\n8:16 Read 1\n8:16 Write 2\n"
		"8:16 Total 3\nTotal 33\n");
	put("pids/pids.current", "6\n");
	put("pids/pids.max", "max\n");
	put("pids/pids.events", "max 0\n");
	usage_read(from, &usage);
	CHECK_VALUES(&usage, expected);
	CHECK(usage.sources[USAGE_CPU] == USAGE_CGROUP1);
	CHECK(usage.sources[USAGE_PRESSURE] == USAGE_NOWHERE);
	put("blkio/blkio.throttle.io_service_bytes_recursive", "Total 0\n");
	usage_read(from, &usage);
	CHECK(usage.values[IO_READ] == 0 && usage.values[IO_WRITE] == 0);
}

/* A part that version 2 does not have, as beside version 1, is taken whole from version 1. */
static void both(const struct usage_from *from)
{
	struct usage usage;

	CHECK(!unlinkat(from->cgroup2, "memory.current", 0));
	usage_read(from, &usage);
	CHECK(usage.sources[USAGE_CPU] == USAGE_CGROUP2 && usage.values[CPU_USAGE] == 1234567);
	CHECK(usage.sources[USAGE_MEMORY] == USAGE_CGROUP1 && usage.values[MEMORY] == 111);
	CHECK(usage.values[MEMORY_HIGH] == USAGE_UNKNOWN &&
		usage.values[MEMORY_MAX] == USAGE_NO_LIMIT);
}

static void put_process(const char *pid, const char *name, unsigned parent, unsigned time)
{
	char path[64], text[256];

	snprintf(path, sizeof path, "proc/%s", pid);
	close(make(path));
	snprintf(path, sizeof path, "proc/%s/stat", pid);
	snprintf(text, sizeof text,
		"%s (%s) S %u 1 1 0 -1 4194304 9 9 9 9 %u 2 3 4 20 0 1 0 77 1000 50 "
		"18446744073709551615 1",
		pid, name, parent, time);
	put(path, text);
	snprintf(path, sizeof path, "proc/%s/status", pid);
	put(path, "Name:\tx\nUid:\t0\t0\t0\t0\nVmRSS:\t     200 kB\n");
}

static void processes(void)
{
	static const struct expected all[] = {
		{CPU_USER, 10000 * (1 + 10 + 100 + 1000 + 4 * 3)},
		{CPU_SYSTEM, 10000 * 4 * (2 + 4)},
		{PROCESSES, 4},
		{IO_READ, 4096},
		{IO_WRITE, 8192},
		{MEMORY_MAX, USAGE_UNKNOWN},
	};
	struct usage_from from = nothing();
	struct usage usage;

	if (sysconf(_SC_CLK_TCK) != 100)
		return;
	from.proc = make("proc");
	usage_read(&from, &usage);
	CHECK(usage.values[PROCESSES] == 0);
	close(make("proc/sys"));
	put_process("1", "init", 0, 1);
	put_process("40", ") R 1 1 \n(", 1, 10);
	put_process("7", "x", 40, 1000);
	put_process("9", "", 1, 100);
	put("proc/1/io", "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: "
			 "8192\ncancelled_write_bytes: 5\n");
	put("proc/9/io", "");
	usage_read(&from, &usage);
	CHECK_VALUES(&usage, all);
	CHECK(usage.values[MEMORY] == 4 * 200 * 1024);
	CHECK(usage.sources[USAGE_MEMORY] == USAGE_PROC && !usage.sources[USAGE_QUOTA]);
}

static void keys(void)
{
	static const struct {
		enum usage_value value;
		const char *key;
	} expected[] = {
		{CPU_USAGE, "cpu.stat.usage_usec"},
		{CPU_QUOTA, "cpu.max"},
		{CPU_PERIOD, "cpu.max.period"},
		{MEMORY, "memory.current"},
		{IO_READ, "io.stat.rbytes"},
		{PRESSURE_IO_FULL, "io.pressure.full.avg10"},
	};
	char key[USAGE_KEY];

	for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
		usage_key(expected[i].value, key);
		check_case(!strcmp(key, expected[i].key), "key", key, __LINE__);
	}
}

int main(void)
{
	struct usage_from from = nothing();
	char command[128];

	snprintf(base, sizeof base, "/tmp/init-unit.XXXXXX");
	if (!mkdtemp(base))
		return 1;
	version2(&from);
	from.cgroup2 = -1;
	version1(&from);
	from.cgroup2 = open(strcat(strcpy(command, base), "/v2"), O_RDONLY | O_DIRECTORY);
	both(&from);
	processes();
	keys();
	snprintf(command, sizeof command, "rm -r %s", base);
	CHECK(!system(command));
	return check_end();
}
