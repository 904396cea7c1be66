#include "request.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/duration.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "process/signals.h"

/* Each as it is called in here, and on the wire. */
#define FIELDS(DO)                                                                                 \
	DO(ADDITIONAL_GIDS, "additionalGids")                                                      \
	DO(CWD, "cwd")                                                                             \
	DO(ENV, "env")                                                                             \
	DO(GRACE, "grace")                                                                         \
	DO(HEIGHT, "height")                                                                       \
	DO(NAMESPACE, "namespace")                                                                 \
	DO(NO_NEW_PRIVILEGES, "noNewPrivileges")                                                   \
	DO(PID, "pid")                                                                             \
	DO(PROGRAM, "program")                                                                     \
	DO(RLIMITS, "rlimits")                                                                     \
	DO(SESSION, "session")                                                                     \
	DO(SIGNAL, "signal")                                                                       \
	DO(TARGET, "target")                                                                       \
	DO(TERMINAL, "terminal")                                                                   \
	DO(UMASK, "umask")                                                                         \
	DO(USER, "user")                                                                           \
	DO(VERSION, "version")                                                                     \
	DO(WHAT, "what")                                                                           \
	DO(WIDTH, "width")
#define NUMBER(id, name) FIELD_##id,
#define NAME(id, name)   name "\0"

enum field { FIELDS(NUMBER) FIELD_COUNT };

/* Behind one another. */
static const char fields[] = FIELDS(NAME);

#define FIELD(id) (1U << FIELD_##id)

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

static const char limits[][11] = {
	[RLIMIT_AS] = "AS",
	[RLIMIT_CORE] = "CORE",
	[RLIMIT_CPU] = "CPU",
	[RLIMIT_DATA] = "DATA",
	[RLIMIT_FSIZE] = "FSIZE",
	[RLIMIT_LOCKS] = "LOCKS",
	[RLIMIT_MEMLOCK] = "MEMLOCK",
	[RLIMIT_MSGQUEUE] = "MSGQUEUE",
	[RLIMIT_NICE] = "NICE",
	[RLIMIT_NOFILE] = "NOFILE",
	[RLIMIT_NPROC] = "NPROC",
	[RLIMIT_RSS] = "RSS",
	[RLIMIT_RTPRIO] = "RTPRIO",
	[RLIMIT_RTTIME] = "RTTIME",
	[RLIMIT_SIGPENDING] = "SIGPENDING",
	[RLIMIT_STACK] = "STACK",
};

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
	return apply ? sys_limit((int)row, &limit, NULL) : 0;
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
		return credentials_parse_list(
			value, request->user.groups, CREDENTIALS_GROUPS, &request->user.count);
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
		return credentials_parse(&request->user, value);
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
		const char *name = fields, *value = NULL;
		unsigned field = 0;
		for (; field < FIELD_COUNT && !(value = wire_value(p, name)); field++)
			name = text_nth(name, 1);
		*bad = p;
		errno = EINVAL;
		if (field == FIELD_COUNT || !((row->fields | FIELD(VERSION)) & 1U << field)) {
			/* Named by its key alone. */
			p[text_until(p, '=')] = 0;
			return -1;
		}
		*bad = name;
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
	request->grace = NOT_SAID;
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
