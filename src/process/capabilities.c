#include "capabilities.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "base/sys.h"
#include "base/text.h"

/* In the order of their numbers (<linux/capability.h>); the last is that of Linux 5.9. */
static const char *const names = "CHOWN\0"
				 "DAC_OVERRIDE\0"
				 "DAC_READ_SEARCH\0"
				 "FOWNER\0"
				 "FSETID\0"
				 "KILL\0"
				 "SETGID\0"
				 "SETUID\0"
				 "SETPCAP\0"
				 "LINUX_IMMUTABLE\0"
				 "NET_BIND_SERVICE\0"
				 "NET_BROADCAST\0"
				 "NET_ADMIN\0"
				 "NET_RAW\0"
				 "IPC_LOCK\0"
				 "IPC_OWNER\0"
				 "SYS_MODULE\0"
				 "SYS_RAWIO\0"
				 "SYS_CHROOT\0"
				 "SYS_PTRACE\0"
				 "SYS_PACCT\0"
				 "SYS_ADMIN\0"
				 "SYS_BOOT\0"
				 "SYS_NICE\0"
				 "SYS_RESOURCE\0"
				 "SYS_TIME\0"
				 "SYS_TTY_CONFIG\0"
				 "MKNOD\0"
				 "LEASE\0"
				 "AUDIT_WRITE\0"
				 "AUDIT_CONTROL\0"
				 "SETFCAP\0"
				 "MAC_OVERRIDE\0"
				 "MAC_ADMIN\0"
				 "SYSLOG\0"
				 "WAKE_ALARM\0"
				 "BLOCK_SUSPEND\0"
				 "AUDIT_READ\0"
				 "PERFMON\0"
				 "BPF\0"
				 "CHECKPOINT_RESTORE\0";

/*
 * CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP; NET_BIND_SERVICE, NET_RAW;
 * SYS_CHROOT; MKNOD, AUDIT_WRITE, SETFCAP.
 */
const unsigned long long capabilities_default = 0xa80425fbULL;

static unsigned long long bits_of(const char *name)
{
	const char *bare = text_after(name, "CAP_");
	unsigned number;

	if (text_is(name, ',', "all"))
		return CAPABILITIES_ALL;
	if (text_is(name, ',', "default"))
		return capabilities_default;
	if (bare)
		name = bare;
	number = text_number(names, name, ',');
	return *text_name(names, number) ? 1ULL << number : 0;
}

unsigned long long capabilities_from_list(const char *list)
{
	return text_set(list, bits_of);
}

int capabilities_bound(unsigned long long set)
{
	int had;

	/* EINVAL behind the last that the kernel knows. */
	for (unsigned i = 0; (had = sys_prctl(PR_CAPBSET_READ, i)) >= 0; i++)
		if (had && !(set >> i & 1) && sys_prctl(PR_CAPBSET_DROP, i))
			return -1;
	return errno == EINVAL ? 0 : -1;
}

int capabilities_restrict(unsigned long long set)
{
	/* capget(2): _LINUX_CAPABILITY_VERSION_3, this process. */
	struct {
		uint32_t version;
		int pid;
	} header = {0x20080522, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} sets[2];

	if (syscall(SYS_capget, &header, sets))
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		const uint32_t half = (uint32_t)(set >> 32 * i);
		sets[i].effective &= half;
		sets[i].permitted &= half;
		sets[i].inheritable &= half;
	}
	return (int)syscall(SYS_capset, &header, sets);
}
