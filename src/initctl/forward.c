/*
 * forward: the verb that listens outside and forwards what connects to a port of the container.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "inet.h"
#include "json.h"
#include "out.h"
#include "tunnel.h"
#include "verbs.h"

enum {
	FORWARDS = TUNNEL_LISTENERS / 2, /* words, at most; each has one of both families */
	BACKLOG = 4096, /* connections that wait to be accepted; the kernel may allow less */
	PORT_TRIES = 16 /* to find a port that is free in both families */
};

/* What a word asks for. */
struct forward {
	struct inet_host from, to;
	bool optional; /* nobody asked for the second address to listen on: there may be no IPv6 */
};

static struct forward forwards[FORWARDS];
static struct tunnel_listener listeners[TUNNEL_LISTENERS];
static unsigned listener_count;

/* Where to listen: a numeric address or "localhost"; NULL: the latter. Returns 0, or -1. */
static int parse_from(struct forward *forward, const char *address, unsigned port)
{
	struct inet_host *from = &forward->from;

	from->count = address && !inet_parse(&from->addresses[0], address, port);
	if (from->count)
		return 0;
	forward->optional = true;
	inet_local(from, port);
	return address && strcmp(address, "localhost") != 0 ? -1 : 0;
}

/*
 * Parses [ADDR:]PORT[:HOST]:PORT; also PORT for PORT:PORT, and :PORT for 0:PORT, as kubectl does.
 * Of three parts the first is a port if it is a number. Finds the host's addresses in the
 * container.
 */
static void parse(const struct context *context, struct forward *forward, const char *word)
{
	char copy[INET_WORD], *parts[INET_PARTS], **part = parts;
	unsigned count = inet_split(word, copy, parts), from = 0, to;
	const char *address = NULL, *host = NULL;
	const bool any_port = count == 2 && !*parts[0];

	if (count == 4 || (count == 3 && inet_port(parts[0], 0, &from)))
		address = *part++;
	if (part + 2 < parts + count)
		host = part[1];
	if (!count || (host && !*host) || (!any_port && inet_port(*part, count == 1, &from)) ||
		inet_port(parts[count - 1], 1, &to) || parse_from(forward, address, from))
		fail_usage("expected [ADDR:]PORT[:HOST]:PORT, not", word);
	if (host)
		inet_find(context, &forward->to, host, to);
	else
		inet_local(&forward->to, to);
}

static int listen_on(const struct inet_address *address)
{
	const int on = 1;
	int fd = sys_socket(address->any.sa_family, SOCK_STREAM), saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (!sys_bind(fd, &address->any, inet_size(address)) && !sys_listen(fd, BACKLOG))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/*
 * Listens on the addresses of a forward. A port 0 becomes one that is free on all of them. Returns
 * which address could not be listened on, with errno, or as many as there are.
 */
static unsigned try_listen(struct forward *forward, int fds[INET_MOST])
{
	struct inet_address *addresses = forward->from.addresses;
	socklen_t size = sizeof *addresses;
	unsigned i;

	for (i = 0; i < forward->from.count; i++) {
		fds[i] = listen_on(&addresses[i]);
		if (fds[i] < 0 && i && forward->optional &&
			(errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
			forward->from.count = i;
		if (fds[i] < 0)
			break;
		if (!inet_port_of(&addresses[i]))
			sys_getsockname(fds[i], &addresses[i].any, &size);
		if (i + 1 < forward->from.count)
			inet_set_port(&addresses[i + 1], inet_port_of(&addresses[i]));
	}
	return i;
}

static void listen_all(struct forward *forward)
{
	struct inet_host *from = &forward->from;
	const bool any_port = !inet_port_of(&from->addresses[0]);
	int fds[INET_MOST];
	char text[INET_TEXT];
	unsigned done;

	for (int tries = 1; (done = try_listen(forward, fds)) < from->count; tries++) {
		inet_text(&from->addresses[done], text);
		if (!done || !any_port || errno != EADDRINUSE || tries == PORT_TRIES)
			fail_cannot("listen on ", text);
		close(fds[0]);
		inet_set_port(&from->addresses[0], 0);
	}
	for (unsigned i = 0; i < done; i++)
		listeners[listener_count++] =
			(struct tunnel_listener){.fd = fds[i], .target = &forward->to};
}

/* Says which address is forwarded where, as kubectl does. */
static void print(const struct inet_address *from, const struct inet_address *to, bool json)
{
	char text[INET_TEXT], target[INET_TEXT];

	if (json) {
		inet_name(from, text);
		inet_name(to, target);
		json_begin("forward");
		json_text("address", text);
		json_number("port", inet_port_of(from));
		json_text("host", target);
		json_number("hostPort", inet_port_of(to));
		json_end();
	} else {
		inet_text(from, text);
		inet_text(to, target);
		out_print("Forwarding from %s -> %s\n", text, target);
	}
}

int verb_forward(const struct context *context, char **arguments)
{
	unsigned count = 0;
	int connection;

	argument_take(&(char **){arguments}, "port");
	for (; arguments[count]; count++) {
		if (count == FORWARDS)
			fail_usage("too many arguments:", arguments[count]);
		parse(context, &forwards[count], arguments[count]);
	}
	/* An init that passes no sockets says so before anything is there to connect to. */
	connection = verb_connect(context);
	close(inet_open(connection, &forwards[0].to.addresses[0], "forward"));
	for (unsigned i = 0; i < count; i++)
		listen_all(&forwards[i]);
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < forwards[i].from.count; j++)
			print(&forwards[i].from.addresses[j], &forwards[i].to.addresses[0],
				context->json);
	verb_printed();
	return tunnel_run(context, connection, listeners, listener_count);
}
