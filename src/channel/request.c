#include "request.h"

#include <errno.h>
#include <string.h>

#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"
#include "process/signals.h"
#include "verbs.h"

static int read_bool(const char *value, bool *out)
{
	*out = text_is(value, 0, "true");
	return *out || text_is(value, 0, "false") ? 0 : -1;
}

/* A number of min..max. 0, or -1 with EINVAL or ERANGE. */
static int read_number(const char *value, unsigned min, unsigned max, unsigned *out)
{
	unsigned long long number = 0;

	if (number_parse(value, max, &number) || number < min)
		return -1;
	*out = (unsigned)number;
	return 0;
}

static int read_additional_gids(struct request *request, const char *value)
{
	return credentials_parse_list(
		value, request->user.groups, CREDENTIALS_GROUPS, &request->user.count);
}

static int read_cwd(struct request *request, const char *value)
{
	request->directory = value;
	return *value == '/' ? 0 : -1;
}

/* The child takes the variables from the message itself. */
static int read_env(struct request *request, const char *value)
{
	(void)request;
	return *value != '=' && value[text_until(value, '=')] ? 0 : -1;
}

static int read_grace(struct request *request, const char *value)
{
	return number_parse_time(value, &request->grace) || request->grace == FOREVER ? -1 : 0;
}

static int read_height(struct request *request, const char *value)
{
	return read_number(value, 0, 65535, &request->height);
}

static int read_width(struct request *request, const char *value)
{
	return read_number(value, 0, 65535, &request->width);
}

static int read_no_new_privileges(struct request *request, const char *value)
{
	return read_bool(value, &request->no_new_privileges);
}

static int read_pid(struct request *request, const char *value)
{
	request->target = TARGET_PID;
	return read_number(value, 2, 1 << 22, &request->pid);
}

static int read_passed(struct request *request, const char *value)
{
	(void)request;
	return text_is(value, 0, "passed") ? 0 : -1;
}

static int read_privileged(struct request *request, const char *value)
{
	return read_bool(value, &request->privileged);
}

static int read_rlimits(struct request *request, const char *value)
{
	return limits_add(&request->limits, value, ':');
}

static int read_session(struct request *request, const char *value)
{
	request->target = TARGET_SESSION;
	return read_number(value, 1, 0xffffffffU, &request->session);
}

static int read_signal(struct request *request, const char *value)
{
	request->signal = signal_number(value);
	return request->signal ? 0 : -1;
}

static int read_target(struct request *request, const char *value)
{
	if (text_is(value, 0, "all"))
		request->target = TARGET_ALL;
	else if (text_is(value, 0, "main"))
		request->target = TARGET_MAIN;
	else
		return -1;
	return 0;
}

static int read_terminal(struct request *request, const char *value)
{
	return read_bool(value, &request->terminal);
}

static int read_umask(struct request *request, const char *value)
{
	request->mask = 0;
	if (!*value || text_until(value, 0) > 4)
		return -1;
	for (; *value; value++) {
		if (*value < '0' || *value > '7')
			return -1;
		request->mask = request->mask * 8 + *value - '0';
	}
	return request->mask > 0777 ? -1 : 0;
}

static int read_user(struct request *request, const char *value)
{
	return credentials_parse(&request->user, value);
}

static int read_version(struct request *request, const char *value)
{
	unsigned version;

	(void)request;
	if (read_number(value, 0, 0xffff, &version))
		return -1;
	errno = EPROTONOSUPPORT;
	return version >= WIRE_OLDEST && version <= WIRE_VERSION ? 0 : -1;
}

/* The verb knows the names of what can be opened. */
static int read_name(struct request *request, const char *value)
{
	request->name = value;
	return 0;
}

/* Those that may be given several times. */
static const unsigned lists = FIELD_BIT(ADDITIONAL_GIDS) | FIELD_BIT(ENV) | FIELD_BIT(RLIMITS);

/* Those of which one at most may be given. */
static const unsigned one_of = FIELD_BIT(TARGET) | FIELD_BIT(PID) | FIELD_BIT(SESSION) |
                               FIELD_BIT(WHAT) | FIELD_BIT(NAMESPACE) | FIELD_BIT(SOCKET);

static const struct {
	const char *name;
	int (*read)(struct request *request, const char *value); /* 0, or -1 with errno */
} fields[] = {
	[FIELD_ADDITIONAL_GIDS] = {"additionalGids", read_additional_gids},
	[FIELD_ARGUMENTS] = {"arguments", read_passed},
	[FIELD_CWD] = {"cwd", read_cwd},
	[FIELD_ENV] = {"env", read_env},
	[FIELD_GRACE] = {"grace", read_grace},
	[FIELD_HEIGHT] = {"height", read_height},
	[FIELD_NO_NEW_PRIVILEGES] = {"noNewPrivileges", read_no_new_privileges},
	[FIELD_PRIVILEGED] = {"privileged", read_privileged},
	[FIELD_PROGRAM] = {"program", read_passed},
	[FIELD_RLIMITS] = {"rlimits", read_rlimits},
	[FIELD_SIGNAL] = {"signal", read_signal},
	[FIELD_TARGET] = {"target", read_target},
	[FIELD_PID] = {"pid", read_pid},
	[FIELD_SESSION] = {"session", read_session},
	[FIELD_TERMINAL] = {"terminal", read_terminal},
	[FIELD_UMASK] = {"umask", read_umask},
	[FIELD_USER] = {"user", read_user},
	[FIELD_VERSION] = {"version", read_version},
	[FIELD_WHAT] = {"what", read_name},
	[FIELD_NAMESPACE] = {"namespace", read_name},
	[FIELD_SOCKET] = {"socket", read_name},
	[FIELD_WIDTH] = {"width", read_width},
};

_Static_assert(sizeof fields / sizeof *fields == FIELDS, "a row for every field");

/* The field that a string of a message sets, and in *value what to; or FIELDS. */
static unsigned find_field(const char *string, const char **value)
{
	unsigned field = 0;

	while (field < FIELDS && !(*value = wire_value(string, fields[field].name)))
		field++;
	return field;
}

/* The name of the first field of a set that is not empty. */
static const char *first_name(unsigned set)
{
	return fields[__builtin_ctz(set)].name;
}

static int read_fields(struct request *request, const char **bad)
{
	const unsigned known = request->verb->fields | FIELD_BIT(VERSION);

	for (char *p = request->wire.fields; p < request->wire.fields_end; p = wire_next(p)) {
		const char *value;
		const unsigned field = find_field(p, &value);
		errno = EINVAL;
		if (field == FIELDS || !(known & 1U << field)) {
			/* Named by its key alone. */
			p[text_until(p, '=')] = 0;
			*bad = p;
			return -1;
		}
		*bad = fields[field].name;
		if (request->given & ~lists & 1U << field)
			return -1;
		request->given |= 1U << field;
		if (fields[field].read(request, value))
			return -1;
	}
	return 0;
}

static bool is_right_count(const struct request *request, unsigned descriptors)
{
	const unsigned most = request->verb->descriptors;

	return (most == REQUEST_MASTER && !descriptors) ||
	       descriptors == (request->terminal ? 0 : most) + request_has(request, FIELD_PROGRAM) +
	                              request_has(request, FIELD_ARGUMENTS);
}

int request_read(struct request *request, unsigned descriptors, const char **field)
{
	const struct verb *verb = request->verb;
	unsigned several;

	request->grace = NOT_SAID;
	request->mask = -1;
	if (read_fields(request, field))
		return -1;
	errno = EINVAL;
	*field = "descriptors";
	if (!is_right_count(request, descriptors))
		return -1;
	*field = "args";
	if ((verb->descriptors == REQUEST_STDIO) != (request->wire.args < request->wire.end))
		return -1;
	if (verb->required && !request_has(request, verb->required)) {
		*field = fields[verb->required].name;
		return -1;
	}
	several = request->given & one_of;
	if (several & (several - 1)) {
		*field = first_name(verb->fields & one_of);
		return -1;
	}
	*field = "additionalGids";
	return request->user.count && !request_has(request, FIELD_USER) ? -1 : 0;
}
