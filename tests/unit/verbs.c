#include "channel/verbs.h"

#include <errno.h>
#include <string.h>

#include "check.h"

/* Each row of the table is complete, and can be found by its name. */
static void rows(void)
{
	const struct verb *verb;
	struct request request = {.verb = NULL};
	unsigned index = 0;

	for (; (verb = verbs_at(index)); index++) {
		check_case(verb->run != NULL, "has a function", verb->name, __LINE__);
		check_case(verbs_find(verb->name) == verb, "is found", verb->name, __LINE__);
		check_case(verbs_from_list(verb->name) == 1U << index, "is its bit", verb->name,
			__LINE__);
		request.verb = verb;
		check_case(!verbs_withheld(1U << index, &request), "is in its set", verb->name,
			__LINE__);
		check_case(verbs_withheld(~(1U << index), &request) != NULL, "is in no other",
			verb->name, __LINE__);
		check_case(!verb->required || verb->fields & 1U << verb->required,
			"takes what it requires", verb->name, __LINE__);
	}
	CHECK(index == 10);
	CHECK(!verbs_at(index + 1));
}

static void names(void)
{
	static const char *const wrong[] = {"", "s", "statu", "statuss", "status ", "STATUS",
		"exec,", "exec=", "nine_long", "sessions_"};

	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		check_case(!verbs_find(wrong[i]), "is no verb", wrong[i], __LINE__);
}

static void lists(void)
{
	static const char *const wrong[] = {"", ",", "status,", ",status", "status,,wait",
		"status, wait", "status,none", "statuswait"};
	const unsigned status = verbs_from_list("status"), wait = verbs_from_list("wait");

	CHECK(status && wait && status != wait);
	CHECK(verbs_from_list("status,wait") == (status | wait));
	CHECK(verbs_from_list("wait,status,wait") == (status | wait));
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		check_case(!verbs_from_list(wrong[i]), "is no list", wrong[i], __LINE__);
}

static void fields_withheld(void)
{
	struct request request = {
		.verb = verbs_find("exec"), .given = FIELD_BIT(USER), .privileged = true};

	CHECK(!verbs_withheld(verbs_from_list("exec,user,privileged"), &request));
	CHECK(!strcmp(verbs_withheld(verbs_from_list("exec,privileged"), &request), "user"));
	CHECK(!strcmp(verbs_withheld(verbs_from_list("exec,user"), &request), "privileged"));
	request.given = 0;
	request.privileged = false;
	CHECK(!verbs_withheld(verbs_from_list("exec"), &request));
	CHECK(!strcmp(verbs_withheld(verbs_from_list("user,privileged"), &request), "request"));
}

/* Parses a message: 0, or the errno, with the field in *field. */
static int read_text(struct request *request, const char *text, size_t length, unsigned descriptors,
	const char **field)
{
	static char data[4096];

	memcpy(data, text, length);
	return verbs_read(request, data, length, descriptors, field) ? errno : 0;
}

#define READ(text, descriptors) read_text(&request, (text), sizeof(text), (descriptors), &field)

/* What a message must and must not have, by its verb. */
static void messages(void)
{
	struct request request;
	const char *field = "";

	CHECK(!READ("status", 0) && request.verb == verbs_find("status"));
	CHECK(!READ("status\0version=1", 0));
	CHECK(READ("status\0version=2", 0) == EPROTONOSUPPORT && !strcmp(field, "version"));
	CHECK(READ("status\0grace=1s", 0) == EINVAL && !strcmp(field, "grace"));
	CHECK(READ("status\0none=1s", 0) == EINVAL && !strcmp(field, "none"));
	CHECK(READ("status", 1) == EINVAL && !strcmp(field, "descriptors"));
	CHECK(READ("status\0args\0true", 0) == EINVAL && !strcmp(field, "args"));
	CHECK(READ("none", 0) == ENOSYS && !strcmp(field, "request"));
	CHECK(!READ("stop\0grace=1.5s", 0) && request.grace == 1500);
	CHECK(!READ("hold", 0) && !READ("hold", 1) && READ("hold", 2) == EINVAL);
	CHECK(!READ("exec\0args\0true", 3) && READ("exec\0args\0true", 0) == EINVAL);
	CHECK(!READ("exec\0terminal=true\0args\0true", 0));
	CHECK(READ("exec\0terminal=true\0args\0true", 3) == EINVAL);
	CHECK(!READ("exec\0program=passed\0args\0true", 4));
	CHECK(READ("exec", 3) == EINVAL && !strcmp(field, "args"));
	CHECK(READ("signal", 0) == EINVAL && !strcmp(field, "signal"));
	CHECK(READ("attach", 0) == EINVAL && !strcmp(field, "session"));
	CHECK(READ("signal\0signal=TERM\0pid=2\0session=1", 0) == EINVAL);
	CHECK(!strcmp(field, "target"));
	CHECK(READ("open\0namespace=net\0what=root", 0) == EINVAL && !strcmp(field, "what"));
	CHECK(READ("exec\0cwd=/\0cwd=/\0args\0true", 3) == EINVAL && !strcmp(field, "cwd"));
	CHECK(!READ("exec\0env=A=1\0env=B=2\0args\0true", 3));
	CHECK(READ("exec\0additionalGids=1\0args\0true", 3) == EINVAL);
	CHECK(!strcmp(field, "additionalGids"));
}

int main(void)
{
	rows();
	names();
	lists();
	fields_withheld();
	messages();
	return check_end();
}
