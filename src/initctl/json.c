/*
 * json: see json.h.
 */
#include "json.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "display.h"

static void print_string(const char *text, size_t length)
{
	const char *end = text + length;

	putchar('"');
	while (text < end) {
		size_t size = display_character_size(text);
		if (!size || text + size > end) {
			fputs("\\ufffd", stdout);
			size = 1;
		} else if (*text == '"' || *text == '\\') {
			printf("\\%c", *text);
		} else if (size < 3 && display_is_control(text)) {
			/* The code point of a C1 character is its second byte. */
			printf("\\u%04x", (unsigned char)text[size - 1]);
		} else {
			fwrite(text, 1, size, stdout);
		}
		text += size;
	}
	putchar('"');
}

/* No member precedes the next one, and no item the next of a list. */
static bool first_member, first_item;

static void print_key(const char *key, size_t length)
{
	if (!first_member)
		putchar(',');
	first_member = false;
	print_string(key, length);
	putchar(':');
}

void json_begin(const char *name)
{
	fputs("{\"message\":", stdout);
	print_string(name, strlen(name));
}

void json_text(const char *key, const char *text)
{
	print_key(key, strlen(key));
	if (text)
		print_string(text, strlen(text));
	else
		fputs("null", stdout);
}

void json_number(const char *key, long long number)
{
	print_key(key, strlen(key));
	if (number < 0)
		fputs("null", stdout);
	else
		printf("%lld", number);
}

void json_bool(const char *key, bool value)
{
	print_key(key, strlen(key));
	fputs(value ? "true" : "false", stdout);
}

void json_list(const char *key)
{
	print_key(key, strlen(key));
	putchar('[');
	first_item = true;
}

void json_item(void)
{
	fputs(first_item ? "{" : "},{", stdout);
	first_item = false;
	first_member = true;
}

void json_list_end(void)
{
	fputs(first_item ? "]" : "}]", stdout);
	first_member = false;
}

void json_end(void)
{
	puts("}");
	fflush(stdout);
}

/* Fields that are always strings: the name of a command, for one, may look like a number. */
static bool is_string(const char *key, size_t length)
{
	static const char texts[][8] = {"name", "release", "state", "type", "stage"};

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strlen(texts[i]) == length && !strncmp(texts[i], key, length))
			return true;
	return false;
}

/* A number as in the kernel's pressure files: 0.00 */
static bool is_fraction(const char *value)
{
	const size_t whole = strspn(value, "0123456789");
	const char *part = value + whole;

	if (!whole || (*value == '0' && whole > 1) || *part++ != '.')
		return false;
	return *part && !part[strspn(part, "0123456789")];
}

/* Numbers above 2^53 stay strings: a reader that takes them for a double would round them. */
void json_field(const char *key, size_t length, const char *value)
{
	unsigned long long number;

	print_key(key, length);
	if (!is_string(key, length) &&
		(!strcmp(value, "true") || !strcmp(value, "false") || is_fraction(value) ||
			(!number_parse(value, 1ULL << 53, &number) &&
				(*value != '0' || !value[1]))))
		fputs(value, stdout);
	else
		print_string(value, strlen(value));
}
