/*
 * sockets: see sockets.h. The formats are in proc_net_tcp.txt of the kernel's documentation, and
 * in unix_seq_show() of net/unix/af_unix.c.
 */
#include "sockets.h"

#include <arpa/inet.h>
#include <string.h>

#include "address.h"
#include "out.h"
#include "scan.h"

enum {
	/* States, as include/net/tcp_states.h numbers them; UDP uses two of them. */
	ESTABLISHED = 1,
	SYN_SENT = 2,
	UNCONNECTED = 7,
	LISTEN = 10,
	CLOSING = 11
};

/* <linux/net.h>: of a socket of AF_UNIX that listens. */
static const unsigned long accepts = 1UL << 16;

static const struct {
	const char *file, *netid;
} kinds[SOCKET_KINDS] = {
	[SOCKET_UNIX] = {"net/unix", "u_str"},
	[SOCKET_UDP] = {"net/udp", "udp"},
	[SOCKET_UDP6] = {"net/udp6", "udp"},
	[SOCKET_TCP] = {"net/tcp", "tcp"},
	[SOCKET_TCP6] = {"net/tcp6", "tcp"},
};

static const char states[][11] = {"UNKNOWN", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1",
	"FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING",
	"SYN-RECV"};

const char *sockets_file(enum socket_kind kind)
{
	return kinds[kind].file;
}

const char *sockets_netid(const struct socket_row *row)
{
	if (row->kind == SOCKET_UNIX && row->type != 1)
		return row->type == 2 ? "u_dgr" : "u_seq";
	return kinds[row->kind].netid;
}

const char *sockets_state(const struct socket_row *row)
{
	return states[row->state < sizeof states / sizeof *states ? row->state : 0];
}

bool sockets_listens(const struct socket_row *row)
{
	return row->state == LISTEN || row->state == UNCONNECTED;
}

/* Whether an address of IPv6 stands for those of IPv4 as well: ::, and ::ffff:0:0/96. */
static bool is_both(const struct socket_end *end)
{
	static const unsigned char any[16], mapped[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(end->address, any, sizeof any) ||
	       !memcmp(end->address, mapped, sizeof mapped);
}

void sockets_address(const struct socket_row *row, int end, bool brackets, char *text, size_t size)
{
	static const unsigned char any[16];
	const unsigned char *address = row->ends[end].address;
	const bool six = row->kind == SOCKET_TCP6 || row->kind == SOCKET_UDP6;
	char digits[ADDRESS_TEXT];

	address_text(address, six, digits);
	/* A peer can have IPv4 where our end can. */
	if (six && brackets && !memcmp(address, any, sizeof any) && is_both(&row->ends[0]))
		out_format(text, size, "*");
	else
		out_format(text, size, six && brackets ? "[%s]" : "%s", digits);
}

/* Goes past a blank or a colon, where there is one. */
static void skip(const char **text)
{
	*text += **text != 0;
}

/* The hexadecimal number behind some words and blanks. */
static unsigned long long take(const char **text, unsigned words)
{
	while (words--)
		scan_number(text);
	*text += strspn(*text, " ");
	return scan_hex(text, 16);
}

/* "0100007F:0050": words of 32 bits in the order of this machine, and the port. */
static void take_end(const char **text, size_t size, struct socket_end *end)
{
	*text += strspn(*text, " ");
	for (size_t at = 0; at < size; at += sizeof(uint32_t)) {
		const uint32_t word = (uint32_t)scan_hex(text, 8);
		memcpy(end->address + at, &word, sizeof word);
	}
	skip(text);
	end->port = (uint16_t)scan_hex(text, 4);
}

/* "  0: LOCAL PEER STATE SEND:RECEIVE TIMER:WHEN RETRANSMITS UID TIMEOUT INODE ..." */
static bool parse_inet(const char *line, struct socket_row *row)
{
	const size_t size = row->kind == SOCKET_TCP6 || row->kind == SOCKET_UDP6 ? 16 : 4;

	scan_number(&line);
	take_end(&line, size, &row->ends[0]);
	take_end(&line, size, &row->ends[1]);
	row->state = (unsigned char)take(&line, 0);
	row->send = take(&line, 0);
	skip(&line);
	row->receive = take(&line, 0);
	for (unsigned words = 0; words < 5; words++)
		row->inode = scan_number(&line);
	return true;
}

/* "POINTER: REFERENCES PROTOCOL FLAGS TYPE STATE INODE[ PATH]" */
static bool parse_unix(const char *line, struct socket_row *row)
{
	/* SS_UNCONNECTED, SS_CONNECTING, SS_CONNECTED, SS_DISCONNECTING of <linux/net.h> */
	static const unsigned char by_state[] = {0, UNCONNECTED, SYN_SENT, ESTABLISHED, CLOSING};
	const bool listens = take(&line, 3) & accepts;
	unsigned long long state;

	row->type = (unsigned char)take(&line, 0);
	state = take(&line, 0);
	row->inode = scan_number(&line);
	skip(&line);
	row->path = line;
	if (state >= sizeof by_state)
		return false;
	row->state = listens ? LISTEN : by_state[state];
	return true;
}

/* The place of another row. */
static struct socket_row *add_row(struct sockets *list)
{
	memory_reserve(&list->memory, (list->count + 1) * sizeof *list->rows);
	list->rows = list->memory.data;
	return &list->rows[list->count];
}

/*
 * Whether a line of the file for AF_UNIX goes on with the path of the line before it, as it does
 * where the path has a newline in it: a row begins with a pointer and a colon.
 */
static bool is_rest(const char *line)
{
	const size_t digits = strspn(line, "0123456789abcdef");

	return digits < 8 || line[digits] != ':';
}

void sockets_parse(struct sockets *list, enum socket_kind kind, char *text)
{
	char *line = strchr(text, '\n');

	while (line && *++line) {
		char *end = strchr(line, '\n');
		struct socket_row *row = add_row(list);

		if (end)
			*end = 0;
		if (kind == SOCKET_UNIX && is_rest(line)) {
			line[-1] = '\n';
			line = end;
			continue;
		}
		*row = (struct socket_row){.kind = kind,
			.path = "",
			.first_holder = SOCKET_NONE,
			.last_holder = SOCKET_NONE};
		list->count += kind == SOCKET_UNIX ? parse_unix(line, row) : parse_inet(line, row);
		line = end;
	}
}
