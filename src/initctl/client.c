/*
 * client: the functions of libinitctl.a, declared in initctl.h. Nothing else of initctl may be
 * used here; of src/base only the files that the Makefile puts into the library.
 */
#include "initctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/wire.h"

_Static_assert(
	(int)INITCTL_MESSAGE_SIZE == (int)WIRE_SIZE, "the header states the size of a message");
_Static_assert((int)INITCTL_DESCRIPTORS == (int)WIRE_DESCRIPTORS,
	"the header states how many descriptors");

const char *initctl_name(const struct initctl_message *message)
{
	return message->data;
}

bool initctl_is(const struct initctl_message *message, const char *name)
{
	return !strcmp(message->data, name);
}

const char *initctl_next_field(const struct initctl_message *message, const char *field)
{
	const char *next = field ? field : message->data;

	next += strlen(next) + 1;
	return next < message->data + message->length && strcmp(next, "args") != 0 ? next : NULL;
}

const char *initctl_field(const struct initctl_message *message, const char *key)
{
	const char *field = NULL, *value;

	while ((field = initctl_next_field(message, field)))
		if ((value = wire_value(field, key)))
			return value;
	return NULL;
}

unsigned long long initctl_number(const struct initctl_message *message, const char *key,
	unsigned long long max, unsigned long long otherwise)
{
	const char *value = initctl_field(message, key);
	unsigned long long number;

	return value && !number_parse(value, max, &number) ? number : otherwise;
}

void initctl_discard(struct initctl_message *message)
{
	seqpacket_discard(message->fds, message->count);
	message->count = 0;
}

/* The codec's struct wire_out is not part of the public header, so it is converted. */
static struct wire_out to_wire(const struct initctl_request *request)
{
	return (struct wire_out){request->data, request->size, request->length, request->full};
}

static void from_wire(struct initctl_request *request, const struct wire_out *out)
{
	request->length = out->length;
	request->full = out->full;
}

void initctl_begin(struct initctl_request *request, char *buffer, size_t size, const char *name)
{
	struct wire_out out;

	wire_begin(&out, buffer, size, name);
	request->data = buffer;
	request->size = size;
	from_wire(request, &out);
}

void initctl_add(struct initctl_request *request, const char *key, const char *value)
{
	struct wire_out out = to_wire(request);

	wire_add_field(&out, key, value);
	from_wire(request, &out);
}

void initctl_add_number(struct initctl_request *request, const char *key, long long value)
{
	struct wire_out out = to_wire(request);

	wire_add_number(&out, key, value);
	from_wire(request, &out);
}

int initctl_set_timeout(int connection, unsigned milliseconds)
{
	const struct timeval time = {
		milliseconds / 1000, (suseconds_t)(milliseconds % 1000 * 1000)};

	if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time))
		return -1;
	return setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/* On a socket that blocks, EAGAIN means that the time has expired (socket(7)). */
static void name_timeout(int connection)
{
	if (errno == EAGAIN)
		errno = sys_fcntl(connection, F_GETFL, 0) & O_NONBLOCK ? EAGAIN : ETIMEDOUT;
}

int initctl_receive(int connection, struct initctl_message *message)
{
	struct wire wire;
	ssize_t length;
	int reset = 0;

	/* After a request that the server left unread, ECONNRESET precedes its last reply. */
	do
		length = seqpacket_receive(connection, message->data, sizeof message->data,
			message->fds, &message->count, 0);
	while (length < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (length < 0)
		name_timeout(connection);
	if (length <= 0)
		return (int)length;
	message->length = (size_t)length;
	if (!wire_read(&wire, message->data, message->length))
		return 1;
	initctl_discard(message);
	errno = EPROTO;
	return -1;
}

int initctl_greet(int connection)
{
	struct initctl_message greeting;
	int result = initctl_receive(connection, &greeting);

	if (result < 0)
		return -1;
	initctl_discard(&greeting);
	/* A user who is refused gets no message; a server without room says "failed". */
	errno = EACCES;
	if (!result)
		return -1;
	if (initctl_is(&greeting, "failed"))
		errno = (int)initctl_number(&greeting, "errno", 4095, EPROTO);
	else if (!initctl_is(&greeting, "init"))
		errno = EPROTO;
	else if (initctl_number(&greeting, "oldest", 65535, 65535) > WIRE_VERSION ||
		 initctl_number(&greeting, "version", 65535, 0) < WIRE_VERSION)
		errno = EPROTONOSUPPORT;
	else
		return 0;
	return -1;
}

int initctl_connect(const char *path)
{
	return initctl_connect_within(path, 0);
}

static int connect_to(int fd, const char *path)
{
	if (!seqpacket_connect(fd, path))
		return initctl_greet(fd);
	name_timeout(fd);
	return -1;
}

int initctl_connect_within(const char *path, unsigned milliseconds)
{
	const int fd = sys_blocking_socket(AF_UNIX, SOCK_SEQPACKET);

	if (fd >= 0 &&
		((milliseconds && initctl_set_timeout(fd, milliseconds)) || connect_to(fd, path))) {
		/* Which does not fail, and leaves errno as it is. */
		close(fd);
		return -1;
	}
	return fd;
}

int initctl_send(
	int connection, const struct initctl_request *request, const int *fds, unsigned count)
{
	int result;

	if (count > INITCTL_DESCRIPTORS) {
		errno = EINVAL;
		return -1;
	}
	errno = EMSGSIZE;
	if (request->full)
		return -1;
	do
		result = seqpacket_send(connection, request->data, request->length, fds, count, 0);
	while (result && errno == EINTR);
	if (result)
		name_timeout(connection);
	return result;
}

int initctl_call(int connection, const struct initctl_request *request, const int *fds,
	unsigned count, struct initctl_message *reply)
{
	int result = initctl_send(connection, request, fds, count);

	if (result)
		return -1;
	result = initctl_receive(connection, reply);
	if (!result)
		errno = ECONNRESET;
	return result == 1 ? 0 : -1;
}

static void add_list(struct wire_out *out, const char *key, const char *const *list)
{
	for (; list && *list; list++)
		wire_add_field(out, key, *list);
}

static void add_arguments(struct wire_out *out, const struct initctl_exec *exec)
{
	add_list(out, "env", exec->env);
	wire_add(out, "args");
	for (char *const *argument = exec->args; *argument; argument++)
		wire_add(out, *argument);
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
	if (exec->privileged)
		wire_add_field(out, "privileged", "true");
	if (exec->no_new_privileges)
		wire_add_field(out, "noNewPrivileges", "true");
	if (exec->program >= 0)
		wire_add_field(out, "program", "passed");
	add_list(out, "rlimits", exec->limits);
}

/*
 * Arguments and variables that are too large for a message go in a sealed memfd, composed as a
 * message is. Returns its descriptor, which is close-on-exec and the caller's, or -1 with errno.
 */
static int pass_arguments(const struct initctl_exec *exec)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	size_t size = sizeof "exec" + sizeof "args";
	struct wire_out out;
	char *data;
	int fd = memfd_create("arguments", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	for (const char *const *variable = exec->env; variable && *variable; variable++)
		size += sizeof "env" + strlen(*variable) + 1;
	for (char *const *argument = exec->args; *argument; argument++)
		size += strlen(*argument) + 1;
	if (fd < 0)
		return -1;
	if (!ftruncate(fd, (off_t)size) &&
		(data = mmap(NULL, size, PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED) {
		wire_begin(&out, data, size, "exec");
		add_arguments(&out, exec);
		munmap(data, size);
		if (!sys_fcntl(fd, F_ADD_SEALS, seals))
			return fd;
	}
	close(fd);
	return -1;
}

bool initctl_is_master(int fd)
{
	int number = 0;

	return !sys_ioctl(fd, TIOCGPTN, &number);
}

int initctl_exec_begin(
	int connection, const struct initctl_exec *exec, struct initctl_message *buffer)
{
	struct initctl_request request;
	struct wire_out out;
	int fds[WIRE_DESCRIPTORS], passed = -1, result;
	unsigned count = 0;
	size_t fields;

	initctl_begin(&request, buffer->data, sizeof buffer->data, "exec");
	out = to_wire(&request);
	add_exec(&out, exec);
	fields = out.full ? 0 : out.length;
	add_arguments(&out, exec);
	if (out.full && fields) {
		passed = pass_arguments(exec);
		if (passed < 0)
			return -1;
		/* The first argument is the name of the session. */
		out.length = fields;
		out.full = false;
		wire_add_field(&out, "arguments", "passed");
		wire_add(&out, "args");
		wire_add(&out, exec->args[0]);
	}
	from_wire(&request, &out);
	for (; !exec->terminal && count < 3; count++)
		fds[count] = exec->stdio[count];
	if (exec->program >= 0)
		fds[count++] = exec->program;
	if (passed >= 0)
		fds[count++] = passed;
	result = initctl_send(connection, &request, fds, count);
	if (passed >= 0)
		close(passed);
	return result;
}

int initctl_exec_end(int connection, const struct initctl_exec *exec, struct initctl_message *reply)
{
	unsigned wanted = exec->terminal;
	int result = initctl_receive(connection, reply);

	if (!result)
		errno = ECONNRESET;
	if (result != 1)
		return -1;
	/*
	 * A child inside the container sends the master. The operator's input must not be written
	 * to another file that it may have sent instead.
	 */
	if (initctl_is(reply, "started") && reply->count == wanted &&
		(!wanted || initctl_is_master(reply->fds[0])))
		return 0;
	initctl_discard(reply);
	if (initctl_is(reply, "failed"))
		return 1;
	errno = EPROTO;
	return -1;
}

int initctl_exec(int connection, const struct initctl_exec *exec, struct initctl_message *reply)
{
	if (initctl_exec_begin(connection, exec, reply))
		return -1;
	return initctl_exec_end(connection, exec, reply);
}

int initctl_code(const struct initctl_message *message)
{
	unsigned long long signal = initctl_number(message, "signal", 127, 0);

	if (!initctl_is(message, "exited"))
		return -1;
	return signal ? 128 + (int)signal : (int)initctl_number(message, "code", 255, 255);
}

int initctl_wait(int connection, int *code)
{
	struct initctl_message message;
	int result;

	while ((result = initctl_receive(connection, &message)) == 1) {
		initctl_discard(&message);
		*code = initctl_code(&message);
		if (*code >= 0)
			return 0;
	}
	if (!result)
		errno = ECONNRESET;
	return -1;
}
