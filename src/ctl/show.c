#include "show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../log.h"
#include "../number.h"

static void json_string(const char *text, size_t length)
{
	putchar('"');
	for (; length--; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void json_value(const char *value)
{
	unsigned long long number;

	if (!strcmp(value, "true") || !strcmp(value, "false") ||
		(!number_parse(value, 1ULL << 53, &number) && (*value != '0' || !value[1])))
		fputs(value, stdout);
	else
		json_string(value, strlen(value));
}

void show_json(const struct initctl_message *message)
{
	const struct wire *wire = &message->wire;

	fputs("{\"message\":", stdout);
	json_string(wire->name, strlen(wire->name));
	for (char *p = wire->fields; p < wire->fields_end; p = wire_next(p)) {
		size_t key = strcspn(p, "=");
		putchar(',');
		json_string(p, key);
		putchar(':');
		json_value(p[key] ? p + key + 1 : "");
	}
	puts("}");
	fflush(stdout);
}

/* What comes from inside must not drive the operator's terminal. */
static void put_plain(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

void show_fields(const struct initctl_message *message)
{
	const struct wire *wire = &message->wire;

	for (char *p = wire->fields; p < wire->fields_end; p = wire_next(p)) {
		size_t key = strcspn(p, "=");
		printf("%.*s: ", (int)key, p);
		put_plain(p[key] ? p + key + 1 : "");
		putchar('\n');
	}
}

static const char *field(const struct initctl_message *message, const char *key)
{
	const char *value = wire_field(&message->wire, key);

	return value ? value : "-";
}

void show_session(const struct initctl_message *message, bool header)
{
	unsigned long long up = wire_number(&message->wire, "uptime", ~0ULL, 0) / 1000;

	if (header)
		printf("%7s %7s %-8s %-3s %9s %s\n", "SESSION", "PID", "STATE", "TTY", "UP",
			"NAME");
	printf("%7s %7s %-8s %-3s %3llu:%02llu:%02llu ", field(message, "session"),
		field(message, "pid"), field(message, "state"),
		strcmp(field(message, "terminal"), "true") ? "-" : "yes", up / 3600, up / 60 % 60,
		up % 60);
	put_plain(field(message, "name"));
	putchar('\n');
}

void show_event(const struct initctl_message *message)
{
	const struct wire *wire = &message->wire;

	for (char *p = wire->fields; p < wire->fields_end; p = wire_next(p)) {
		const char *type = wire_value(p, "type");
		if (p != wire->fields)
			putchar(' ');
		put_plain(type ? type : p);
	}
	putchar('\n');
	fflush(stdout);
}

int show_failed(const struct initctl_message *message, const char *object)
{
	const char *stage = field(message, "stage"), *bad = wire_field(&message->wire, "field");
	int error = (int)wire_number(&message->wire, "errno", 4095, EPROTO);

	log_write(LOG_ERROR, 0, stage, " ", bad ? bad : object, ": ", field(message, "message"),
		(char *)0);
	if (strcmp(stage, "exec") != 0)
		return 125;
	return error == ENOENT || error == ENOTDIR ? 127 : 126;
}
