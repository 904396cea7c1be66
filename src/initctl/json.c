/*
 * json: see json.h.
 */
#include "json.h"

#include <string.h>

#include "base/number.h"
#include "display.h"
#include "out.h"

static void print_string(const char *text, size_t length)
{
	const char *end = text + length;

	out_char('"');
	while (text < end) {
		size_t size = display_character_size(text);
		if (!size || text + size > end) {
			out_text("\\ufffd");
			size = 1;
		} else if (*text == '"' || *text == '\\') {
			out_print("\\%c", *text);
		} else if (size < 3 && display_is_control(text)) {
			/* The code point of a C1 character is its second byte. */
			out_print("\\u%04x", (unsigned char)text[size - 1]);
		} else {
			out_bytes(text, size);
		}
		text += size;
	}
	out_char('"');
}

/* No member precedes the next one, and no item the next of a list. */
static bool first_member, first_item;

static void print_key(const char *key, size_t length)
{
	if (!first_member)
		out_char(',');
	first_member = false;
	print_string(key, length);
	out_char(':');
}

static const char *container;

void json_container(const char *name)
{
	container = name;
}

void json_begin(const char *name)
{
	out_char('{');
	if (container) {
		out_text("\"container\":");
		print_string(container, strlen(container));
		out_char(',');
	}
	out_text("\"message\":");
	print_string(name, strlen(name));
}

void json_text(const char *key, const char *text)
{
	print_key(key, strlen(key));
	if (text)
		print_string(text, strlen(text));
	else
		out_text("null");
}

void json_number(const char *key, long long number)
{
	print_key(key, strlen(key));
	if (number < 0)
		out_text("null");
	else
		out_print("%lld", number);
}

void json_fraction(const char *key, const char *digits)
{
	print_key(key, strlen(key));
	out_text(digits);
}

void json_bool(const char *key, bool value)
{
	print_key(key, strlen(key));
	out_text(value ? "true" : "false");
}

void json_list(const char *key)
{
	print_key(key, strlen(key));
	out_char('[');
	first_item = true;
}

void json_item(void)
{
	out_text(first_item ? "{" : "},{");
	first_item = false;
	first_member = true;
}

void json_list_end(void)
{
	out_text(first_item ? "]" : "}]");
	first_member = false;
}

void json_end(void)
{
	out_line("}");
	out_flush();
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
		out_text(value);
	else
		print_string(value, strlen(value));
}
