#include "credentials.h"

#include <unistd.h>

#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"

int credentials_parse_id(const char **text, char end, unsigned *id)
{
	const unsigned long long last = 0xfffffffeU; /* -1 means "leave it" to the kernel */
	unsigned long long number;
	size_t length = text_until(*text, end);

	if (length > 11 || number_parse_until(*text, end, last, &number))
		return -1;
	*id = (unsigned)number;
	*text += length;
	if (!**text)
		return 0;
	++*text;
	return **text ? 0 : -1;
}

int credentials_parse_list(const char *text, unsigned *list, unsigned room, unsigned *count)
{
	do
		if (*count == room || credentials_parse_id(&text, ',', &list[(*count)++]))
			return -1;
	while (*text);
	return 0;
}

int credentials_parse(struct credentials *user, const char *text)
{
	if (credentials_parse_id(&text, ':', &user->uid))
		return -1;
	user->gid = user->uid;
	if (*text && credentials_parse_id(&text, ',', &user->gid))
		return -1;
	return *text ? credentials_parse_list(text, user->groups, CREDENTIALS_GROUPS, &user->count)
	             : 0;
}

/*
 * By system call: a libc's setuid() also tells threads, which is more than a child
 * that shares its parent's memory may do.
 */
int credentials_take_ids(uid_t uid, gid_t gid)
{
	return syscall(SYS_IDS(setresgid), gid, gid, gid) ||
	                       syscall(SYS_IDS(setresuid), uid, uid, uid)
	               ? -1
	               : 0;
}

int credentials_become(const struct credentials *user)
{
	if (syscall(SYS_IDS(setgroups), (size_t)user->count, user->groups))
		return -1;
	return credentials_take_ids(user->uid, user->gid);
}
