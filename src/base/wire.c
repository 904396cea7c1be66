#include "wire.h"

#include <string.h>

#include "number.h"
#include "text.h"

char *wire_next(char *string)
{
	return string + text_until(string, 0) + 1;
}

int wire_read(struct wire *wire, char *data, size_t length)
{
	char *p;

	if (!length || !data[0] || data[length - 1])
		return -1;
	wire->name = data;
	wire->end = data + length;
	wire->fields = p = wire_next(data);
	while (p < wire->end && !text_is(p, 0, "args"))
		p = wire_next(p);
	wire->fields_end = p;
	wire->args = p < wire->end ? wire_next(p) : p;
	return 0;
}

const char *wire_value(const char *field, const char *key)
{
	const char *sign = text_after(field, key);

	return sign && *sign == '=' ? sign + 1 : NULL;
}

const char *wire_take(const struct wire *wire, char **at, const char *key)
{
	const char *value = NULL;

	while (!value && *at < wire->fields_end) {
		value = wire_value(*at, key);
		*at = wire_next(*at);
	}
	return value;
}

const char *wire_field(const struct wire *wire, const char *key)
{
	char *at = wire->fields;

	return wire_take(wire, &at, key);
}

unsigned long long wire_number(const struct wire *wire, const char *key, unsigned long long max,
	unsigned long long otherwise)
{
	const char *value = wire_field(wire, key);
	unsigned long long number;

	return value && !number_parse(value, max, &number) ? number : otherwise;
}

static void append(struct wire_out *out, const char *string, char end)
{
	size_t length = text_until(string, 0);

	if (out->full || out->size - out->length <= length) {
		out->full = true;
		return;
	}
	memcpy(out->data + out->length, string, length);
	out->length += length;
	out->data[out->length++] = end;
}

/* It is written to, through out. */
// NOLINTNEXTLINE(readability-non-const-parameter)
void wire_begin(struct wire_out *out, char *data, size_t size, const char *name)
{
	*out = (struct wire_out){.data = data, .size = size};
	append(out, name, 0);
}

void wire_add(struct wire_out *out, const char *string)
{
	append(out, string, 0);
}

void wire_add_field(struct wire_out *out, const char *key, const char *value)
{
	append(out, key, '=');
	append(out, value, 0);
}

void wire_add_number(struct wire_out *out, const char *key, long long value)
{
	char digits[NUMBER_SIZE];

	wire_add_field(out, key, number_text(digits, value));
}
