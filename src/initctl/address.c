/*
 * address: see address.h.
 */
#include "address.h"

#include <stddef.h>
#include <string.h>

#include "base/number.h"
#include "out.h"
#include "scan.h"

enum { GROUPS = 8 /* of 16 bits in an address of IPv6 */ };

static unsigned group_at(const unsigned char *address, size_t group)
{
	return (unsigned)address[2 * group] << 8 | address[2 * group + 1];
}

/* How many groups are zero from one on. */
static size_t count_zeros(const unsigned char *address, size_t first)
{
	size_t group = first;

	while (group < GROUPS && !group_at(address, group))
		group++;
	return group - first;
}

static void write_four(const unsigned char *address, char *text)
{
	out_format(text, sizeof "255.255.255.255", "%u.%u.%u.%u", address[0], address[1],
		address[2], address[3]);
}

void address_text(const unsigned char *address, bool six, char text[static ADDRESS_TEXT])
{
	size_t longest = 0, from = GROUPS;

	if (!six) {
		write_four(address, text);
		return;
	}
	/* The first one of the longest runs of zeros is left out, if it is longer than one. */
	for (size_t group = 0; group < GROUPS; group++)
		if (count_zeros(address, group) > longest + !longest) {
			longest = count_zeros(address, group);
			from = group;
		}
	*text = 0;
	for (size_t group = 0; group < GROUPS; group++) {
		if (group == from) {
			text += out_format(text, ADDRESS_TEXT, "::");
			group += longest - 1;
			continue;
		}
		if (group && group != from + longest)
			*text++ = ':';
		/* An address of IPv4 in one of IPv6. */
		if (group == 6 && from == 0 && longest == 5 && group_at(address, 5) == 0xffff) {
			write_four(address + 12, text);
			return;
		}
		text += out_format(text, ADDRESS_TEXT, "%x", group_at(address, group));
	}
}

static bool parse_four(const char *text, unsigned char *address)
{
	unsigned long long number;

	for (unsigned i = 0; i < 4; i++) {
		const char end = i < 3 ? '.' : 0;
		const size_t length = strcspn(text, ".");
		if (text[length] != end || (*text == '0' && length > 1) ||
			number_parse_until(text, end, 255, &number))
			return false;
		address[i] = (unsigned char)number;
		text += length + 1;
	}
	return true;
}

/* Takes "::", of which the first colon was taken with the group before, if there is one. */
static bool take_gap(const char **text, size_t used)
{
	if (**text != ':' || (!used && (*text)[1] != ':'))
		return false;
	*text += used ? 1 : 2;
	return true;
}

/* Moves the groups behind a gap to the end. */
static void spread(unsigned char *address, size_t gap, size_t used)
{
	memmove(address + 2 * (gap + GROUPS - used), address + 2 * gap, 2 * (used - gap));
	memset(address + 2 * gap, 0, 2 * (GROUPS - used));
}

/* Reads one group, or an address of IPv4 in place of two. Returns how many it were, 0 for neither.
 */
static size_t parse_group(const char **text, size_t used, unsigned char *address)
{
	const char *word = *text;
	const unsigned long long value = scan_hex(text, 4);

	if (**text == '.' && used + 2 <= GROUPS && parse_four(word, address)) {
		*text = "";
		return 2;
	}
	address[0] = (unsigned char)(value >> 8);
	address[1] = (unsigned char)value;
	return *text != word;
}

bool address_parse(const char *text, bool six, unsigned char *address)
{
	const size_t none = GROUPS + 1;
	size_t used = 0, gap = none, taken = 1;

	if (!six)
		return parse_four(text, address);
	memset(address, 0, sizeof(unsigned char[2 * GROUPS]));
	while (used < GROUPS && taken) {
		if (gap == none && take_gap(&text, used)) {
			gap = used;
			if (!*text)
				break;
			continue;
		}
		taken = parse_group(&text, used, address + 2 * used);
		used += taken;
		if (!*text)
			break;
		if (*text++ != ':' || !*text)
			return false;
	}
	if (*text || !taken || (used == GROUPS) != (gap == none))
		return false;
	if (gap != none)
		spread(address, gap, used);
	return true;
}
