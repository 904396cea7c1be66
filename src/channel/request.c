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

static int read_version(const char *value)
{
	unsigned version;

	if (read_number(value, 0, 0xffff, &version))
		return -1;
	errno = EPROTONOSUPPORT;
	return version >= WIRE_OLDEST && version <= WIRE_VERSION ? 0 : -1;
}

/* Reads what a field is set to. 0, or -1 with errno. */
static int read_value(struct request *request, enum field field, const char *value)
{
	switch (field) {
	case FIELD_ADDITIONAL_GIDS:
		return credentials_parse_list(
			value, request->user.groups, CREDENTIALS_GROUPS, &request->user.count);
	case FIELD_ARGUMENTS:
	case FIELD_PROGRAM:
		return text_is(value, 0, "passed") ? 0 : -1;
	case FIELD_CWD:
		request->directory = value;
		return *value == '/' ? 0 : -1;
	case FIELD_ENV:
		/* The child takes the variables from the message itself. */
		return *value != '=' && value[text_until(value, '=')] ? 0 : -1;
	case FIELD_GRACE:
		return number_parse_time(value, &request->grace) || request->grace == FOREVER ? -1
		                                                                              : 0;
	case FIELD_HEIGHT:
		return read_number(value, 0, 65535, &request->height);
	case FIELD_WIDTH:
		return read_number(value, 0, 65535, &request->width);
	case FIELD_NO_NEW_PRIVILEGES:
		return read_bool(value, &request->no_new_privileges);
	case FIELD_PRIVILEGED:
		return read_bool(value, &request->privileged);
	case FIELD_TERMINAL:
		return read_bool(value, &request->terminal);
	case FIELD_RLIMITS:
		return limits_add(&request->limits, value, ':');
	case FIELD_SIGNAL:
		request->signal = signal_number(value);
		return request->signal ? 0 : -1;
	case FIELD_TARGET:
		return read_target(request, value);
	case FIELD_PID:
		request->target = TARGET_PID;
		return read_number(value, 2, 1 << 22, &request->pid);
	case FIELD_SESSION:
		request->target = TARGET_SESSION;
		return read_number(value, 1, 0xffffffffU, &request->session);
	case FIELD_UMASK:
		return read_umask(request, value);
	case FIELD_USER:
		return credentials_parse(&request->user, value);
	case FIELD_VERSION:
		return read_version(value);
	case FIELD_WHAT:
	case FIELD_NAMESPACE:
	case FIELD_SOCKET:
		/* The verb knows the names of what can be opened. */
		request->name = value;
		return 0;
	case FIELDS:
		break;
	}
	return -1;
}

/* Those that may be given several times. */
static const unsigned lists = FIELD_BIT(ADDITIONAL_GIDS) | FIELD_BIT(ENV) | FIELD_BIT(RLIMITS);

/* Those of which one at most may be given. */
static const unsigned one_of = FIELD_BIT(TARGET) | FIELD_BIT(PID) | FIELD_BIT(SESSION) |
                               FIELD_BIT(WHAT) | FIELD_BIT(NAMESPACE) | FIELD_BIT(SOCKET);

/* In the order of enum field. */
static const char *const names = "additionalGids\0"
				 "arguments\0"
				 "cwd\0"
				 "env\0"
				 "grace\0"
				 "height\0"
				 "noNewPrivileges\0"
				 "privileged\0"
				 "program\0"
				 "rlimits\0"
				 "signal\0"
				 "target\0"
				 "pid\0"
				 "session\0"
				 "terminal\0"
				 "umask\0"
				 "user\0"
				 "version\0"
				 "what\0"
				 "namespace\0"
				 "socket\0"
				 "width\0";

static int read_fields(struct request *request, const char **bad)
{
	const unsigned known = request->verb->fields | FIELD_BIT(VERSION);

	for (char *p = request->wire.fields; p < request->wire.fields_end; p = wire_next(p)) {
		char *sign = p + text_until(p, '=');
		const unsigned field = *sign ? text_number(names, p, '=') : FIELDS;
		errno = EINVAL;
		if (field == FIELDS || !(known & 1U << field)) {
			/* Named by its key alone. */
			*sign = 0;
			*bad = p;
			return -1;
		}
		*bad = text_name(names, field);
		if (request->given & ~lists & 1U << field)
			return -1;
		request->given |= 1U << field;
		if (read_value(request, field, sign + 1))
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
		*field = text_name(names, verb->required);
		return -1;
	}
	several = request->given & one_of;
	if (several & (several - 1)) {
		*field = text_name(names, (unsigned)__builtin_ctz(verb->fields & one_of));
		return -1;
	}
	*field = "additionalGids";
	return request->user.count && !request_has(request, FIELD_USER) ? -1 : 0;
}
