/*
 * out: see out.h.
 */
#include "out.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Where the characters of a format go to: a string, or stdout if it is NULL. */
struct target {
	char *text;
	size_t size, length;
};

static char own[4096];
static struct {
	char *data;
	size_t size, length;
	int error;
} buffer = {.data = own, .size = sizeof own};

void out_use(char *data, size_t size)
{
	buffer.data = data;
	buffer.size = size;
}

static void put(struct target *target, char c)
{
	if (!target->text)
		out_char(c);
	else if (target->length + 1 < target->size)
		target->text[target->length] = c;
	target->length++;
}

static void put_field(
	struct target *target, const char *text, size_t length, long width, char padding, bool left)
{
	const size_t blanks = width > (long)length ? (size_t)width - length : 0;

	for (size_t i = 0; !left && i < blanks; i++)
		put(target, padding);
	while (length--)
		put(target, *text++);
	for (size_t i = 0; left && i < blanks; i++)
		put(target, ' ');
}

/* A width or a precision, which the caller may give as an argument of its own. */
static long take_count(const char **format, va_list *list)
{
	long count = 0;

	if (**format == '*') {
		++*format;
		return va_arg(*list, int);
	}
	for (; **format >= '0' && **format <= '9'; ++*format)
		count = count * 10 + (**format - '0');
	return count;
}

/* Writes the digits before end, and returns where they begin. */
static char *write_digits(char *end, unsigned long long number, unsigned base)
{
	do
		*--end = "0123456789abcdef"[number % base];
	while (number /= base);
	return end;
}

/* The next argument: its size is that of an int, a long (l, z) or a long long (ll). */
static unsigned long long take_number(va_list *list, unsigned longs, bool is_signed)
{
	if (longs == 2)
		return va_arg(*list, unsigned long long);
	if (longs == 1)
		return is_signed ? (unsigned long long)va_arg(*list, long)
		                 : va_arg(*list, unsigned long);
	return is_signed ? (unsigned long long)va_arg(*list, int) : va_arg(*list, unsigned);
}

/* Puts one conversion, whose % was read. Returns what follows it in the format. */
static const char *put_conversion(struct target *target, const char *format, va_list *list)
{
	char digits[24], *end = digits + sizeof digits, *text, c, padding = ' ';
	bool left = false, negative = false;
	long width, most = -1;
	unsigned longs = 0;
	unsigned long long number;
	size_t length;

	for (; *format == '-' || *format == '0'; format++)
		if (*format == '-')
			left = true;
		else
			padding = '0';
	width = take_count(&format, list);
	if (*format == '.') {
		format++;
		most = take_count(&format, list);
	}
	for (; *format == 'l' || *format == 'z'; format++)
		longs++;
	switch (*format) {
	case 's':
		text = va_arg(*list, char *);
		length = most < 0 ? strlen(text) : strnlen(text, (size_t)most);
		break;
	case 'c':
		c = (char)va_arg(*list, int);
		text = &c;
		length = 1;
		break;
	case 'd':
	case 'u':
	case 'x':
	case 'o':
		number = take_number(list, longs, *format == 'd');
		negative = *format == 'd' && (long long)number < 0;
		text = write_digits(end, negative ? -number : number,
			*format == 'x'   ? 16
			: *format == 'o' ? 8
					 : 10);
		if (negative)
			*--text = '-';
		length = (size_t)(end - text);
		break;
	default: /* %% */
		text = (char *)format;
		length = 1;
	}
	put_field(target, text, length, width, padding, left);
	return format + 1;
}

static void put_all(struct target *target, const char *format, va_list *list)
{
	while (*format)
		if (*format == '%')
			format = put_conversion(target, format + 1, list);
		else
			put(target, *format++);
}

size_t out_format_list(char *text, size_t size, const char *format, va_list list)
{
	struct target target = {text, size, 0};
	va_list copy;

	va_copy(copy, list);
	put_all(&target, format, &copy);
	va_end(copy);
	if (size)
		text[target.length < size ? target.length : size - 1] = 0;
	return target.length;
}

size_t out_format(char *text, size_t size, const char *format, ...)
{
	va_list list;
	size_t length;

	va_start(list, format);
	length = out_format_list(text, size, format, list);
	va_end(list);
	return length;
}

void out_print(const char *format, ...)
{
	struct target target = {NULL, 0, 0};
	va_list list;

	va_start(list, format);
	put_all(&target, format, &list);
	va_end(list);
}

/* Writes all, also to a descriptor that does not block. */
static void write_all(const char *data, size_t length)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	while (length && !buffer.error) {
		ssize_t written = write(STDOUT_FILENO, data, length);
		if (written >= 0) {
			data += written;
			length -= (size_t)written;
		} else if (errno == EAGAIN) {
			poll(&out, 1, -1);
		} else if (errno != EINTR) {
			buffer.error = errno;
		}
	}
}

bool out_flush(void)
{
	write_all(buffer.data, buffer.length);
	buffer.length = 0;
	errno = buffer.error;
	return !buffer.error;
}

bool out_has_failed(void)
{
	return buffer.error;
}

void out_char(char c)
{
	if (buffer.length == buffer.size)
		out_flush();
	buffer.data[buffer.length++] = c;
}

void out_bytes(const char *data, size_t length)
{
	if (length > buffer.size - buffer.length)
		out_flush();
	if (length > buffer.size) {
		write_all(data, length);
		return;
	}
	memcpy(buffer.data + buffer.length, data, length);
	buffer.length += length;
}

void out_text(const char *text)
{
	out_bytes(text, strlen(text));
}

void out_line(const char *text)
{
	out_text(text);
	out_char('\n');
}
