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

static unsigned group_at(const unsigned char *address, unsigned group)
{
	return (unsigned)address[2 * group] << 8 | address[2 * group + 1];
}

/* How many groups are zero from one on. */
static unsigned count_zeros(const unsigned char *address, unsigned first)
{
	unsigned group = first;

	while (group < GROUPS && !group_at(address, group))
		group++;
	return group - first;
}

void address_text(const unsigned char *address, bool six, char text[static ADDRESS_TEXT])
{
	unsigned longest = 0, from = GROUPS;

	if (!six) {
		out_format(text, ADDRESS_TEXT, "%u.%u.%u.%u", address[0], address[1], address[2],
			address[3]);
		return;
	}
	/* The first one of the longest runs of zeros is left out, if it is longer than one. */
	for (unsigned group = 0; group < GROUPS; group++)
		if (count_zeros(address, group) > longest + !longest) {
			longest = count_zeros(address, group);
			from = group;
		}
	*text = 0;
	for (unsigned group = 0; group < GROUPS; group++) {
		if (group == from) {
			text += out_format(text, ADDRESS_TEXT, "::");
			group += longest - 1;
			continue;
		}
		if (group && group != from + longest)
			*text++ = ':';
		/* An address of IPv4 in one of IPv6. */
		if (group == 6 && from == 0 && longest == 5 && group_at(address, 5) == 0xffff) {
			address_text(address + 12, false, text);
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

bool address_parse(const char *text, bool six, unsigned char *address)
{
	unsigned used = 0, gap = GROUPS + 1;

	if (!six)
		return parse_four(text, address);
	memset(address, 0, 2 * GROUPS);
	if (text[0] == ':' && text[1] != ':')
		return false;
	while (used < GROUPS) {
		const char *word = text;
		unsigned long long value;
		if (*text == ':' && gap > GROUPS && (text[1] == ':' || used)) {
			gap = used;
			/* The first of both was taken with the group before. */
			text += used ? 1 : 2;
			if (!*text)
				break;
			continue;
		}
		value = scan_hex(&text, 4);
		if (*text == '.' && used <= 6 && parse_four(word, address + 2 * used)) {
			used += 2;
			text = "";
			break;
		}
		if (text == word)
			return false;
		address[2 * used] = (unsigned char)(value >> 8);
		address[2 * used++ + 1] = (unsigned char)value;
		if (!*text)
			break;
		if (*text++ != ':' || !*text)
			return false;
	}
	if (*text || (used < GROUPS && gap > GROUPS) || (used == GROUPS && gap < GROUPS))
		return false;
	if (gap <= GROUPS) {
		memmove(address + 2 * (gap + GROUPS - used), address + 2 * gap, 2 * (used - gap));
		memset(address + 2 * gap, 0, 2 * (GROUPS - used));
	}
	return true;
}
