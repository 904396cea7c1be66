#include "options.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/log.h"
#include "base/number.h"
#include "base/section.h"
#include "base/text.h"
#include "options_table.h"

enum { ENVIRONMENT_WORDS = 128, MOST_VERBOSE = 1 << 20 };

/* The words that are being read. */
struct words {
	char **next;      /* up to a NULL */
	const char *from; /* begins a message about one of them */
	bool ended;       /* by a "--" */
};

_Noreturn static void refuse(const struct words *words, const char *what, const char *word)
{
	fail(words->from, what, "'", word, "'");
}

/*
 * Applies the option that a word names: a letter, or the whole word with its "--". Its value is
 * what stands behind the name in the word, or else the next word. Returns whether it took one.
 */
SECTION_START static bool take(struct options *options, struct words *words,
	const struct option *option, const char *word, const char *value)
{
	char name[OPTION_NAME];
	const bool takes_value = option && options_name(option, name);

	/* The words are those of getopt(3), by which the peers read their options. */
	if (!option)
		refuse(words, *word == '-' ? "unrecognized option " : "invalid option -- ", word);
	if (!takes_value) {
		/* What stands behind a short name is another one. */
		if (value && *word == '-')
			refuse(words, "option takes no argument -- ", word);
		value = NULL;
	} else if (!value) {
		value = *words->next;
		if (!value)
			refuse(words, "option requires an argument -- ", word);
		words->next++;
	}
	if (options_apply(option, options, value))
		fail(words->from, "--", name, ": bad value '", value, "'");
	return takes_value;
}

static void take_long(struct options *options, struct words *words, const char *word)
{
	const char *sign = word + text_until(word, '=');

	take(options, words, options_by_name(word + 2, options->persona->abbreviated), word,
		*sign ? sign + 1 : NULL);
}

/* A word of short names: the value of the last may be the rest of the word. */
SECTION_START static void take_short(struct options *options, struct words *words, const char *word)
{
	for (const char *rest = word + 1; *rest;) {
		const char letter[] = {*rest++, 0};
		if (take(options, words, options_by_letter(*letter), letter, *rest ? rest : NULL))
			return;
	}
}

/* Takes options up to the first word that is not one; "--" is taken too. */
SECTION_START static void take_all(struct options *options, struct words *words)
{
	const char *word;

	while ((word = *words->next) && word[0] == '-' && word[1]) {
		words->next++;
		words->ended = text_is(word, 0, "--");
		if (words->ended)
			return;
		if (word[1] == '-')
			take_long(options, words, word);
		else
			take_short(options, words, word);
	}
}

/*
 * Takes out the "--" of "PROGRAM -- ARGUMENT...", as getopt(3) does where it moves options to
 * the front. Behind a word that looks like an option it is the command's.
 */
static void take_late_end(char **word)
{
	while (*word && (**word != '-' || !(*word)[1]))
		word++;
	if (*word && text_is(*word, 0, "--"))
		environment_remove(word);
}

static bool is_blank(char c)
{
	return c && (unsigned char)c <= ' ';
}

/*
 * Moves a word to *to, without its quotes, and *to behind it. Returns where it ended, at a blank
 * or at the end of the text; NULL where a quote has no end.
 */
static char *take_word(char *from, char **to)
{
	char quote = 0;

	for (; *from && (quote || !is_blank(*from)); from++)
		if (quote ? *from == quote : *from == '\'' || *from == '"')
			quote = (char)(quote ? 0 : *from);
		else {
			if (*from == '\\' && quote != '\'' && from[1])
				from++;
			*(*to)++ = *from;
		}
	return quote ? NULL : from;
}

/*
 * Splits text in place at blanks; '...', "..." and a backslash keep what they
 * hold. Returns -1 where there are too many words or a quote has no end.
 */
static int split(char *text, char **words)
{
	unsigned count = 0;
	char *from = text, *to = text;

	while (*from) {
		if (is_blank(*from)) {
			from++;
			continue;
		}
		if (count == ENVIRONMENT_WORDS)
			return -1;
		words[count++] = to;
		from = take_word(from, &to);
		if (!from)
			return -1;
		/* Past the blank first: the word's NUL may take its place. */
		if (*from)
			from++;
		*to++ = 0;
	}
	words[count] = NULL;
	return 0;
}

/* The variables of other programs that stand for an option, with any value or that one. */
static const struct variable {
	const char *name, *value;
	char option[4];
} variables[] = {
	{"TINI_KILL_PROCESS_GROUP", NULL, "-g"},
	{"DUMB_INIT_SETSID", "0", "-c"},
	{"DUMB_INIT_DEBUG", "1", "-vv"},
	{"CATATONIT_DEBUG", NULL, "-vv"},
};

static void take_environment(struct options *options, char **envp)
{
	static char *list[ENVIRONMENT_WORDS + 1] SECTION_LAST;
	struct words words = {list, "INIT_OPTIONS: ", false};
	unsigned long long level;
	const char *value;
	char *text;

	value = environment_value(envp, "TINI_VERBOSITY");
	/* What is no number is 0, as for tini's atoi(3). */
	if (value)
		options->verbosity = number_parse(value, MOST_VERBOSE, &level) ? 0 : (int)level;
	for (unsigned i = 0; i < sizeof variables / sizeof *variables; i++) {
		value = environment_value(envp, variables[i].name);
		if (value && (!variables[i].value || text_is(value, 0, variables[i].value)))
			take_short(options, &words, variables[i].option);
	}
	text = environment_take(envp, "INIT_OPTIONS");
	if (!text)
		return;
	if (split(text, list))
		fail_note(words.from, "too many words or an unclosed quote", NULL);
	take_all(options, &words);
	if (*words.next)
		refuse(&words, "not an option: ", *words.next);
}

static void check_command(struct options *options, const struct words *words)
{
	if (options->pause && options->persona->pauses_deaf)
		options->command = NULL;
	if (options->pause && options->command)
		refuse(words, "--pause takes no command: ", options->command[0]);
	if (!options->pause && !options->command)
		options_explain(options->persona);
	if (options->cgroup.limits.count && !options->cgroup.path)
		refuse(words, "--limit without --cgroup: ", options->cgroup.limits.list[0]);
}

/* What changes only a namespace of our own asks for one. */
static void imply_namespaces(struct options *options)
{
	struct namespaces *namespaces = &options->namespaces;

	if (namespaces->hostname || namespaces->domainname)
		namespaces->flags |= CLONE_NEWUTS;
	if (mounts_wanted(&options->mounts))
		namespaces->flags |= CLONE_NEWNS;
	if (namespaces->uids.count || namespaces->gids.count)
		namespaces->flags |= CLONE_NEWUSER;
}

/* Whose ids root's are outside is for root to say: those of the host's root are not for others. */
static void check_maps(const struct namespaces *namespaces)
{
	if (namespaces->flags & CLONE_NEWUSER && !namespaces->map_same && !geteuid() &&
		!(namespaces->uids.count && namespaces->gids.count))
		fail_note("cannot map root's ids: see --uid-map, --gid-map and --map-same", NULL,
			NULL);
}

/*
 * A mount namespace with a root of its own makes it a container, which gets what Docker leaves to
 * one. Its root ignores set-user-ID bits, so that no program there has a use for new privileges.
 * As the init of another's container we change nothing that was not asked for.
 */
static void contain(struct options *options)
{
	const bool contained = options->mounts.root && options->namespaces.flags & CLONE_NEWNS;
	struct privileges *privileges = &options->privileges;

	privileges->limits = &options->limits;
	privileges->filtered = options->seccomp >= 0;
	privileges->capabilities = CAPABILITIES_ALL;
	if (contained) {
		options->namespaces.keyring = true;
		privileges->capabilities = capabilities_default;
		privileges->no_new_privileges |= !options->mounts.set_user_id;
	}
	if (options->kept)
		privileges->capabilities = options->kept;
	privileges->capabilities &= ~options->dropped;
}

/* What a persona makes of signals, under the rewrites that were asked for. */
static void adapt_rewrites(struct options *options)
{
	const struct persona *persona = options->persona;
	unsigned char *to = options->rewrite.to;

	for (int i = SIGTSTP; i <= SIGTTOU; i++)
		if (to[i] == i && persona->session && options->group)
			to[i] = SIGSTOP;
		else if (persona->pauses_deaf && options->pause)
			to[i] = to[SIGQUIT] = 0;
}

void options_parse(struct options *options, char **argv, char **envp)
{
	struct words words = {argv + (argv[0] != NULL), "", false};
	const char *program = argv[0] ? argv[0] : "";
	const struct persona *persona = persona_assume(program);

	options->persona = persona;
	options->group = persona->group;
	options->at_once = persona->at_once;
	options->grace = 2000;
	options->kill_after = FOREVER;
	options->control.fd = options->seccomp = -1;
	options->notify.fds[NOTIFY_READY] = options->notify.fds[NOTIFY_STATUS] = -1;
	options->verbosity = LOG_WARN;
	rewrite_none(&options->rewrite);
	log_setup(persona->program ? persona->program : text_last(program, '/'), LOG_ERROR,
		persona->setup);
	take_environment(options, envp);
	take_all(options, &words);
	if (persona->permutes && !words.ended)
		take_late_end(words.next);
	if (*words.next)
		options->command = words.next;
	check_command(options, &words);
	imply_namespaces(options);
	check_maps(&options->namespaces);
	contain(options);
	if (options->notify.service)
		options->notify.socket = environment_take(envp, "NOTIFY_SOCKET");
	adapt_rewrites(options);
	log_set_level(options->verbosity);
}
