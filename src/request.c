#include "request.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "number.h"
#include "signals.h"
#include "sys.h"
#include "text.h"

enum field {
	FIELD_ADDITIONAL_GIDS,
	FIELD_CWD,
	FIELD_ENV,
	FIELD_GRACE,
	FIELD_HEIGHT,
	FIELD_NAMESPACE,
	FIELD_NO_NEW_PRIVILEGES,
	FIELD_PID,
	FIELD_PROGRAM,
	FIELD_RLIMITS,
	FIELD_SESSION,
	FIELD_SIGNAL,
	FIELD_TARGET,
	FIELD_TERMINAL,
	FIELD_UMASK,
	FIELD_USER,
	FIELD_VERSION,
	FIELD_WHAT,
	FIELD_WIDTH,
	FIELDS,
};

#define FIELD(name) (1U << FIELD_##name)

static const char fields[][18] = {
	[FIELD_ADDITIONAL_GIDS] = "additionalGids",
	[FIELD_CWD] = "cwd",
	[FIELD_ENV] = "env",
	[FIELD_GRACE] = "grace",
	[FIELD_HEIGHT] = "height",
	[FIELD_NAMESPACE] = "namespace",
	[FIELD_NO_NEW_PRIVILEGES] = "noNewPrivileges",
	[FIELD_PID] = "pid",
	[FIELD_PROGRAM] = "program",
	[FIELD_RLIMITS] = "rlimits",
	[FIELD_SESSION] = "session",
	[FIELD_SIGNAL] = "signal",
	[FIELD_TARGET] = "target",
	[FIELD_TERMINAL] = "terminal",
	[FIELD_UMASK] = "umask",
	[FIELD_USER] = "user",
	[FIELD_VERSION] = "version",
	[FIELD_WHAT] = "what",
	[FIELD_WIDTH] = "width",
};

/* Those that are lists. */
static const unsigned repeated = FIELD(ADDITIONAL_GIDS) | FIELD(ENV) | FIELD(RLIMITS);

static const struct row {
	char name[9];
	bool args;         /* may and must have arguments */
	unsigned fields;   /* besides version */
	unsigned required; /* of those */
} verbs[] = {
	[VERB_STATUS] = {"status", .fields = 0},
	[VERB_EXEC] = {"exec", .args = true,
		.fields = FIELD(ADDITIONAL_GIDS) | FIELD(CWD) | FIELD(ENV) | FIELD(HEIGHT) |
                          FIELD(NO_NEW_PRIVILEGES) | FIELD(PROGRAM) | FIELD(RLIMITS) |
                          FIELD(TERMINAL) | FIELD(UMASK) | FIELD(USER) | FIELD(WIDTH)},
	[VERB_SIGNAL] = {"signal",
		.fields = FIELD(SIGNAL) | FIELD(TARGET) | FIELD(PID) | FIELD(SESSION),
		.required = FIELD(SIGNAL)},
	[VERB_SESSIONS] = {"sessions", .fields = 0},
	[VERB_HOLD] = {"hold", .fields = 0},
	[VERB_ATTACH] = {"attach", .fields = FIELD(SESSION), .required = FIELD(SESSION)},
	[VERB_WATCH] = {"watch", .fields = 0},
	[VERB_WAIT] = {"wait", .fields = 0},
	[VERB_STOP] = {"stop", .fields = FIELD(GRACE)},
	[VERB_OPEN] = {"open", .fields = FIELD(WHAT) | FIELD(NAMESPACE)},
};

static const struct {
	char name[11];
	unsigned char resource;
} limits[] = {{"AS", RLIMIT_AS}, {"CORE", RLIMIT_CORE}, {"CPU", RLIMIT_CPU}, {"DATA", RLIMIT_DATA},
	{"FSIZE", RLIMIT_FSIZE}, {"LOCKS", RLIMIT_LOCKS}, {"MEMLOCK", RLIMIT_MEMLOCK},
	{"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE}, {"NOFILE", RLIMIT_NOFILE},
	{"NPROC", RLIMIT_NPROC}, {"RSS", RLIMIT_RSS}, {"RTPRIO", RLIMIT_RTPRIO},
	{"RTTIME", RLIMIT_RTTIME}, {"SIGPENDING", RLIMIT_SIGPENDING}, {"STACK", RLIMIT_STACK}};

unsigned request_verbs(const char *list)
{
	unsigned mask = 0;

	for (;; list++) {
		unsigned verb = TEXT_ROW(list, ',', verbs);
		if (verb == VERBS)
			return 0;
		mask |= 1U << verb;
		list += text_until(list, ',');
		if (!*list)
			return mask;
	}
}

/* What stands before the first `end`. */
static int limit_value(const char *text, char end, uint64_t *value)
{
	unsigned long long number = UINT64_MAX;

	if (!text_is(text, end, "unlimited") &&
		(text_until(text, end) >= NUMBER_SIZE ||
			number_parse_until(text, end, UINT64_MAX, &number)))
		return -1;
	*value = number;
	return 0;
}

int request_limit(const char *text, bool apply)
{
	const char *name = text_after(text, "RLIMIT_"), *now, *most;
	struct sys_limit limit;
	unsigned row;

	errno = EINVAL;
	if (!name)
		name = text;
	row = TEXT_ROW(name, ':', limits);
	now = name + text_until(name, ':');
	if (row == sizeof limits / sizeof *limits || !*now++)
		return -1;
	most = now + text_until(now, ':');
	if (!*most++ || limit_value(now, ':', &limit.now) || limit_value(most, 0, &limit.most) ||
		limit.now > limit.most)
		return -1;
	return apply ? sys_limit(limits[row].resource, &limit, NULL) : 0;
}

static int read_bool(const char *value, bool *out)
{
	*out = text_is(value, 0, "true");
	return *out || text_is(value, 0, "false") ? 0 : -1;
}

static int read_umask(const char *value, int *out)
{
	*out = 0;
	if (!*value || text_until(value, 0) > 4)
		return -1;
	for (; *value; value++) {
		if (*value < '0' || *value > '7')
			return -1;
		*out = *out * 8 + *value - '0';
	}
	return *out > 0777 ? -1 : 0;
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

/* Whom a signal is for, by a word. */
static int read_target(const char *value, enum target *target)
{
	if (text_is(value, 0, "all"))
		*target = TARGET_ALL;
	else if (text_is(value, 0, "main"))
		*target = TARGET_MAIN;
	else
		return -1;
	return 0;
}

/* A request's one field. The numbers stay within what they are kept in. */
static int read_field(struct request *request, enum field field, const char *value)
{
	unsigned version;

	errno = EINVAL;
	switch (field) {
	case FIELD_ADDITIONAL_GIDS:
		return user_parse_list(
			value, request->user.groups, USER_GROUPS, &request->user.count);
	case FIELD_CWD:
		request->directory = value;
		return *value == '/' ? 0 : -1;
	case FIELD_ENV:
		return *value != '=' && value[text_until(value, '=')] ? 0 : -1;
	case FIELD_GRACE:
		return number_parse_time(value, &request->grace) || request->grace < 0 ? -1 : 0;
	case FIELD_HEIGHT:
		return read_number(value, 0, 65535, &request->height);
	case FIELD_WIDTH:
		return read_number(value, 0, 65535, &request->width);
	case FIELD_NO_NEW_PRIVILEGES:
		return read_bool(value, &request->no_new_privileges);
	case FIELD_PID:
		request->target = TARGET_PID;
		return read_number(value, 2, 1 << 22, &request->pid);
	case FIELD_PROGRAM:
		request->program = true;
		return text_is(value, 0, "passed") ? 0 : -1;
	case FIELD_RLIMITS:
		return request_limit(value, false);
	case FIELD_SESSION:
		request->target = TARGET_SESSION;
		return read_number(value, 1, 0xffffffffU, &request->session);
	case FIELD_SIGNAL:
		request->signal = signal_number(value);
		return request->signal ? 0 : -1;
	case FIELD_TARGET:
		return read_target(value, &request->target);
	case FIELD_TERMINAL:
		return read_bool(value, &request->terminal);
	case FIELD_UMASK:
		return read_umask(value, &request->mask);
	case FIELD_USER:
		request->as_user = true;
		return user_parse(&request->user, value);
	case FIELD_VERSION:
		if (read_number(value, 0, 0xffff, &version))
			return -1;
		errno = EPROTONOSUPPORT;
		return version >= WIRE_OLDEST && version <= WIRE_VERSION ? 0 : -1;
	case FIELD_NAMESPACE:
		request->name_space = value;
		return 0;
	default:
		request->what = value;
		return 0;
	}
}

static int read_fields(struct request *request, unsigned *seen, const char **bad)
{
	const struct row *row = &verbs[request->verb];

	for (char *p = request->wire.fields; p < request->wire.fields_end; p = wire_next(p)) {
		const char *value = NULL;
		unsigned field = 0;
		while (field < FIELDS && !(value = wire_value(p, fields[field])))
			field++;
		*bad = p;
		errno = EINVAL;
		if (field == FIELDS || !((row->fields | FIELD(VERSION)) & 1U << field)) {
			/* Named by its key alone. */
			p[text_until(p, '=')] = 0;
			return -1;
		}
		*bad = fields[field];
		if ((*seen & ~repeated) & 1U << field)
			return -1;
		*seen |= 1U << field;
		if (read_field(request, (enum field)field, value))
			return -1;
	}
	return 0;
}

/* How many descriptors belong to the request. */
static bool right_count(const struct request *request, unsigned descriptors)
{
	unsigned program = request->program;

	if (request->verb == VERB_HOLD)
		return descriptors <= 1;
	if (request->verb != VERB_EXEC)
		return !descriptors;
	return descriptors == program + (request->terminal ? 0 : 3);
}

int request_read(struct request *request, char *data, size_t length, unsigned descriptors,
	const char **field)
{
	const struct row *row;
	unsigned seen = 0;

	memset(request, 0, sizeof *request);
	request->grace = -1;
	request->mask = -1;
	*field = "message";
	errno = EINVAL;
	if (wire_read(&request->wire, data, length))
		return -1;
	request->verb = (enum verb)TEXT_ROW(data, 0, verbs);
	*field = "request";
	errno = ENOSYS;
	if (request->verb == VERBS)
		return -1;
	row = &verbs[request->verb];
	if (read_fields(request, &seen, field))
		return -1;
	errno = EINVAL;
	*field = "descriptors";
	if (!right_count(request, descriptors))
		return -1;
	*field = "args";
	if (row->args != (request->wire.args < request->wire.end))
		return -1;
	*field = row->required & FIELD(SIGNAL) ? "signal" : "session";
	if ((seen & row->required) != row->required)
		return -1;
	/* At most one says whom, or what. */
	*field = row->fields & FIELD(WHAT) ? "what" : "target";
	seen &= FIELD(TARGET) | FIELD(PID) | FIELD(SESSION) | FIELD(WHAT) | FIELD(NAMESPACE);
	if (seen & (seen - 1))
		return -1;
	*field = "additionalGids";
	if (request->user.count && !request->as_user)
		return -1;
	return 0;
}
