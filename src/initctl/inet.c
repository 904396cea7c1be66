/*
 * inet: see inet.h.
 */
#include "inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "inside.h"
#include "out.h"
#include "output.h"
#include "watchdog.h"

/* Linux gives up a connection that is not answered after about 2^(n+1) seconds. */
enum { SYN_RETRIES = 3 };

static struct initctl_message reply;

unsigned inet_split(const char *word, char copy[INET_WORD], char *parts[INET_PARTS])
{
	unsigned count = 0;
	char *p = copy;

	if (strlen(word) >= INET_WORD)
		return 0;
	text_copy(copy, word);
	while (count < INET_PARTS) {
		char *end = *p == '[' ? strchr(p, ']') : p + strcspn(p, ":[]");
		if (*p == '[' && end) {
			*end++ = 0;
			p++;
		}
		parts[count++] = p;
		if (!end || (*end && *end != ':'))
			return 0;
		if (!*end)
			return count;
		*end = 0;
		p = end + 1;
	}
	return 0;
}

int inet_port(const char *text, unsigned least, unsigned *port)
{
	unsigned long long number;

	if (number_parse(text, 65535, &number) || number < least)
		return -1;
	*port = (unsigned)number;
	return 0;
}

int inet_parse(struct inet_address *address, const char *text, unsigned port)
{
	memset(address, 0, sizeof *address);
	if (address_parse(text, false, (unsigned char *)&address->v4.sin_addr))
		address->any.sa_family = AF_INET;
	else if (address_parse(text, true, (unsigned char *)&address->v6.sin6_addr))
		address->any.sa_family = AF_INET6;
	else
		return -1;
	inet_set_port(address, port);
	return 0;
}

void inet_local(struct inet_host *host, unsigned port)
{
	inet_parse(&host->addresses[0], "127.0.0.1", port);
	inet_parse(&host->addresses[1], "::1", port);
	host->count = 2;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

/* Whether two names of hosts are the same. */
static bool is_same(const char *one, const char *other)
{
	while (*one && lower(*one) == lower(*other)) {
		one++;
		other++;
	}
	return !*one && !*other;
}

/* Whether a line of /etc/hosts, behind its address, has the name. Modifies the line. */
static bool has_name(char *line, const char *name)
{
	char *word;

	while ((word = strsep(&line, " \t\r")))
		if (is_same(word, name))
			return true;
	return false;
}

/* Adds the addresses that a text in the format of hosts(5) has for a name. Modifies the text. */
static void search(struct inet_host *host, char *text, const char *name, unsigned port)
{
	char *line, *address;

	while ((line = strsep(&text, "\n")) && host->count < INET_MOST) {
		line[strcspn(line, "#")] = 0;
		line += strspn(line, " \t");
		address = strsep(&line, " \t");
		if (line && has_name(line, name) &&
			!inet_parse(&host->addresses[host->count], address, port))
			host->count++;
	}
}

/* Reads the container's /etc/hosts; an empty text if there is none. */
static void read_hosts(const struct context *context, char *text, size_t size)
{
	int root = inside_root(context);

	watchdog_begin("read ", "/etc/hosts of the container");
	inside_read(root, "/etc/hosts", text, size);
	watchdog_end();
	close(root);
}

void inet_find(
	const struct context *context, struct inet_host *host, const char *name, unsigned port)
{
	static char text[65536];

	host->count = !inet_parse(&host->addresses[0], name, port);
	if (host->count)
		return;
	if (is_same(name, "localhost")) {
		inet_local(host, port);
		return;
	}
	read_hosts(context, text, sizeof text);
	search(host, text, name, port);
	if (!host->count)
		fail_note("cannot find host ", name, ": it is not in the container's /etc/hosts");
}

socklen_t inet_size(const struct inet_address *address)
{
	return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

/* The port is at the same place in both. */
unsigned inet_port_of(const struct inet_address *address)
{
	return ntohs(address->v4.sin_port);
}

void inet_set_port(struct inet_address *address, unsigned port)
{
	address->v4.sin_port = htons((in_port_t)port);
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
	"the port of both");

void inet_name(const struct inet_address *address, char text[INET_TEXT])
{
	if (address->any.sa_family == AF_INET) {
		address_text((const unsigned char *)&address->v4.sin_addr, false, text);
		return;
	}
	*text = '[';
	address_text((const unsigned char *)&address->v6.sin6_addr, true, text + 1);
	text_join(text + strlen(text), "]", "");
}

void inet_text(const struct inet_address *address, char text[INET_TEXT])
{
	inet_name(address, text);
	out_format(text + strlen(text), sizeof ":65535", ":%u", inet_port_of(address));
}

const char *inet_kind(const struct inet_address *address)
{
	return address->any.sa_family == AF_INET ? "tcp4" : "tcp6";
}

/* An option of a socket that is a number; -1 if it has none, as a file has none. */
static int option_of(int fd, int name)
{
	int value;
	socklen_t length = sizeof value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &length) ? -1 : value;
}

void inet_hurry(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int inet_prepare(int fd, const struct inet_address *address)
{
	const int retries = SYN_RETRIES;

	if (option_of(fd, SO_DOMAIN) != address->any.sa_family ||
		option_of(fd, SO_PROTOCOL) != IPPROTO_TCP) {
		errno = EPROTO;
		return -1;
	}
	inet_hurry(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof retries);
	return sys_fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
}

int inet_open(int connection, const struct inet_address *address, const char *verb)
{
	char text[INET_TEXT];
	const char *field;
	int result = verb_request_open(connection, "socket", inet_kind(address), &reply);

	inet_text(address, text);
	if (!result && !inet_prepare(reply.fds[0], address))
		return reply.fds[0];
	if (result <= 0)
		verb_unanswered("open a socket for ", text);
	field = initctl_field(&reply, "field");
	if (field && !strcmp(field, "socket"))
		fail_note("this init is too old to ", verb, ": it has no 'open socket'");
	exit(output_failed(&reply, text, NULL));
}
