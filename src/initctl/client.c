#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/text.h"

bool initctl_is(const struct initctl_message *message, const char *name)
{
	return !strcmp(message->wire.name, name);
}

int initctl_receive(int connection, struct initctl_message *message)
{
	ssize_t length;
	int reset = 0;

	/* Where the server left a request of ours unread, its last words follow that news. */
	do
		length = seqpacket_receive(connection, message->data, sizeof message->data,
			message->fds, &message->count, 0);
	while (length < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (length <= 0)
		return (int)length;
	if (!wire_read(&message->wire, message->data, (size_t)length))
		return 1;
	seqpacket_discard(message->fds, message->count);
	message->count = 0;
	errno = EPROTO;
	return -1;
}

int initctl_greet(int connection)
{
	static struct initctl_message greeting;
	int result = initctl_receive(connection, &greeting);

	if (result < 0)
		return -1;
	seqpacket_discard(greeting.fds, greeting.count);
	/* Closed without a word, or with one on having no room. */
	errno = EACCES;
	if (!result)
		return -1;
	if (initctl_is(&greeting, "failed"))
		errno = (int)wire_number(&greeting.wire, "errno", 4095, EPROTO);
	else if (!initctl_is(&greeting, "init"))
		errno = EPROTO;
	else if (wire_number(&greeting.wire, "oldest", 65535, 65535) > WIRE_VERSION ||
		 wire_number(&greeting.wire, "version", 65535, 0) < WIRE_VERSION)
		errno = EPROTONOSUPPORT;
	else
		return 0;
	return -1;
}

/* A path too long for the address is gone to from a descriptor of its directory. */
static int set_address(struct sockaddr_un *address, const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[4096], digits[NUMBER_SIZE], *end;
	int fd;

	address->sun_family = AF_UNIX;
	errno = ENAMETOOLONG;
	if (strlen(path) < sizeof address->sun_path) {
		text_join(address->sun_path, path, "");
		return -1;
	}
	if (!slash || slash - path >= (long)sizeof directory || strlen(slash) > 64)
		return -2;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = 0;
	fd = sys_open(AT_FDCWD, directory, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return -2;
	end = text_join(address->sun_path, "/proc/self/fd/", number_text(digits, fd));
	text_join(end, slash, "");
	return fd;
}

int initctl_connect(const char *path)
{
	struct sockaddr_un address = {0};
	int directory = set_address(&address, path), fd, saved;

	if (directory == -2)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
		(connect(fd, (struct sockaddr *)&address, sizeof address) || initctl_greet(fd))) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	if (directory >= 0) {
		saved = errno;
		close(directory);
		errno = saved;
	}
	return fd;
}

int initctl_send(int connection, const struct wire_out *request, const int *fds, unsigned count)
{
	int result;

	errno = EMSGSIZE;
	if (request->full)
		return -1;
	do
		result = seqpacket_send(connection, request->data, request->length, fds, count, 0);
	while (result && errno == EINTR);
	return result;
}

int initctl_call(int connection, const struct wire_out *request, const int *fds, unsigned count,
	struct initctl_message *answer)
{
	int result = initctl_send(connection, request, fds, count);

	if (result)
		return -1;
	result = initctl_receive(connection, answer);
	if (!result)
		errno = ECONNRESET;
	return result == 1 ? 0 : -1;
}

static void add_list(struct wire_out *out, const char *key, const char *const *list)
{
	for (; list && *list; list++)
		wire_add_field(out, key, *list);
}

static void add_exec(struct wire_out *out, const struct initctl_exec *exec)
{
	if (exec->terminal) {
		wire_add_field(out, "terminal", "true");
		wire_add_number(out, "height", exec->height);
		wire_add_number(out, "width", exec->width);
	}
	if (exec->directory)
		wire_add_field(out, "cwd", exec->directory);
	if (exec->user)
		wire_add_field(out, "user", exec->user);
	if (exec->mask)
		wire_add_field(out, "umask", exec->mask);
	if (exec->no_new_privileges)
		wire_add_field(out, "noNewPrivileges", "true");
	if (exec->program >= 0)
		wire_add_field(out, "program", "passed");
	add_list(out, "rlimits", exec->limits);
	add_list(out, "env", exec->env);
	wire_add(out, "args");
	for (char *const *argument = exec->args; *argument; argument++)
		wire_add(out, *argument);
}

bool initctl_is_master(int fd)
{
	int number = 0;

	return !sys_ioctl(fd, TIOCGPTN, &number);
}

int initctl_exec_begin(int connection, const struct initctl_exec *exec)
{
	static char data[WIRE_SIZE];
	struct wire_out request;
	int fds[WIRE_DESCRIPTORS];
	unsigned count = 0;

	wire_begin(&request, data, sizeof data, "exec");
	add_exec(&request, exec);
	for (; !exec->terminal && count < 3; count++)
		fds[count] = exec->stdio[count];
	if (exec->program >= 0)
		fds[count++] = exec->program;
	return initctl_send(connection, &request, fds, count);
}

int initctl_exec_end(
	int connection, const struct initctl_exec *exec, struct initctl_message *answer)
{
	unsigned wanted = exec->terminal;
	int result = initctl_receive(connection, answer);

	if (!result)
		errno = ECONNRESET;
	if (result != 1)
		return -1;
	/* Whoever sends our terminal's bytes to what is none sends them to the container. */
	if (initctl_is(answer, "started") && answer->count == wanted &&
		(!wanted || initctl_is_master(answer->fds[0])))
		return 0;
	seqpacket_discard(answer->fds, answer->count);
	answer->count = 0;
	if (initctl_is(answer, "failed"))
		return 1;
	errno = EPROTO;
	return -1;
}

int initctl_exec(int connection, const struct initctl_exec *exec, struct initctl_message *answer)
{
	if (initctl_exec_begin(connection, exec))
		return -1;
	return initctl_exec_end(connection, exec, answer);
}

int initctl_code(const struct initctl_message *message)
{
	unsigned long long signal = wire_number(&message->wire, "signal", 127, 0);

	if (!initctl_is(message, "exited"))
		return -1;
	return signal ? 128 + (int)signal : (int)wire_number(&message->wire, "code", 255, 255);
}

int initctl_wait(int connection, int *code)
{
	static struct initctl_message message;
	int result;

	while ((result = initctl_receive(connection, &message)) == 1) {
		seqpacket_discard(message.fds, message.count);
		*code = initctl_code(&message);
		if (*code >= 0)
			return 0;
	}
	if (!result)
		errno = ECONNRESET;
	return -1;
}
