#include "persona.h"

#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"

/*
 * In a text %0 is our pid, %1 the pid of the event, %2 its number, %3 its name and %4 the text of
 * its errno. Where a program has none the line is ours.
 */
static const char *const ours = "started %3\0"
				"\0"
				"forwarded %3\0"
				"\0"
				"\0"
				"reaped orphan %1\0"
				"command exited with %2\0"
				"command killed by %3\0"
				"cannot exec %3: %4\0";

static const struct persona personas[] = {
	{
		.program = "init",
		.group = true,
		.more_verbose = 1,
		.setup = 125,
		.absent = 127,
		.denied = 126,
		.other = 126,
		.not_a_directory = true,
		.version = "tini version 0.19.0",
		.texts = "\0\0\0\0\0\0\0\0\0",
	},
	{
		.at_once = true,
		.permutes = true,
		.explains = true,
		.more_verbose = 1,
		.setup = 1,
		.absent = 127,
		.denied = 126,
		.other = 1,
		.version = "tini version 0.19.0",
		.texts = "[INFO  tini (%0)] Spawned child process '%3' with pid '%1'\0"
			 "\0"
			 "\0"
			 "\0"
			 "\0"
			 "[WARN  tini (%0)] Reaped zombie process with pid=%1\0"
			 "\0"
			 "\0"
			 "[FATAL tini (%0)] exec %3 failed: %4\0",
	},
	{
		.group = true,
		.at_once = true,
		.terminates_group = true,
		.session = true,
		.more_verbose = LOG_DEBUG,
		.setup = 1,
		.absent = 2,
		.denied = 2,
		.other = 2,
		.abbreviated = "hvVcr",
		.version = "dumb-init v1.2.5",
		.texts = "[dumb-init] Child spawned with PID %1.\0"
			 "[dumb-init] Received signal %2.\0"
			 "[dumb-init] Forwarded signal %2 to children.\0"
			 "[dumb-init] A child with PID %1 exited with exit status %2.\0"
			 "[dumb-init] A child with PID %1 was terminated by signal %2.\0"
			 "\0"
			 "[dumb-init] Child exited with status %2. Goodbye.\0"
			 "[dumb-init] Child exited with status %2. Goodbye.\0"
			 "[dumb-init] %3: %4\0",
	},
	{
		.at_once = true,
		.permutes = true,
		.pauses_deaf = true,
		.more_verbose = 1,
		.setup = 1,
		.absent = 1,
		.denied = 1,
		.other = 1,
		.abbreviated = "V",
		.version = "tini version 0.2.1_catatonit",
		.texts = "\0\0\0\0\0\0\0\0\0",
	},
};

/* Their names, and whose each is. */
static const char *const names = "init\0tini\0docker-init\0dumb-init\0catatonit\0podman-init\0";
static const unsigned char owners[] = {0, 1, 1, 2, 3, 3};

/*
 * Of packages and releases names go on, as in tini-static-amd64, dumb-init_1.2.5_x86_64 and
 * catatonit.x86_64; another word that begins alike is another program.
 */
static bool has_name(const char *program, const char *name)
{
	const char *rest = text_after(program, name);

	return rest && ((*rest | ' ') < 'a' || (*rest | ' ') > 'z');
}

static const struct persona *self;

const struct persona *persona_assume(const char *program)
{
	const char *name = names;

	/* Where podman before 4.2 has the init of its --init. */
	if (text_is(program, 0, "/dev/init"))
		program = "podman-init";
	program = text_last(program, '/');
	self = personas;
	for (const unsigned char *owner = owners; *name; owner++, name = text_name(name, 1))
		if (has_name(program, name))
			self = &personas[*owner];
	return self;
}

void persona_tell(enum persona_event event, int pid, int number, const char *name)
{
	static const unsigned char levels[] = {
		[PERSONA_STARTED] = LOG_INFO,
		[PERSONA_RECEIVED] = LOG_DEBUG,
		[PERSONA_FORWARDED] = LOG_DEBUG,
		[PERSONA_CHILD_EXITED] = LOG_DEBUG,
		[PERSONA_CHILD_KILLED] = LOG_DEBUG,
		[PERSONA_REAPED] = LOG_WARN,
		[PERSONA_EXITED] = LOG_INFO,
		[PERSONA_KILLED] = LOG_INFO,
		[PERSONA_NOT_EXECUTED] = LOG_ERROR,
	};
	const char *text, *facts[5];
	char digits[3][NUMBER_SIZE];

	/* The usual case, for each orphan and signal. */
	if (!log_enabled(levels[event]))
		return;
	facts[0] = number_text(digits[0], getpid());
	facts[1] = number_text(digits[1], pid);
	facts[2] = number_text(digits[2], number);
	facts[3] = name;
	facts[4] = error_text(number);
	text = text_name(self->texts, event);
	if (*text)
		log_facts(true, text, facts);
	else if (*(text = text_name(ours, event)))
		log_facts(false, text, facts);
}
