/*
 * The modules of initctl that stand in for parts of the libc, compared with it: formats, numbers,
 * addresses, dates, the order of arrays.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "initctl/address.h"
#include "initctl/display.h"
#include "initctl/out.h"
#include "initctl/scan.h"
#include "initctl/sort.h"
#include "initctl/units.h"

#define SAME(...)                                                                                  \
	do {                                                                                       \
		char ours[80], theirs[80];                                                         \
		const size_t length = out_format(ours, sizeof ours, __VA_ARGS__);                  \
		CHECK(length == (size_t)snprintf(theirs, sizeof theirs, __VA_ARGS__));             \
		CHECK(!strcmp(ours, theirs));                                                      \
	} while (0)

static void test_format(void)
{
	char text[4];

	SAME("plain");
	SAME("%s|%5s|%-5s|%.2s|%5.2s|%-*s|%.*s", "ab", "ab", "ab", "abcd", "abcd", 4, "x", 2,
		"xyz");
	SAME("%d %d %5d %-5d| %05d %d", 0, -17, -17, -17, 42, -2147483647 - 1);
	SAME("%u %x %o %02x %04o", 4000000000U, 0xbeefU, 0755U, 7U, 022U);
	SAME("%ld %lld %llu %zu %lu", -5L, -9223372036854775807LL - 1, ~0ULL, sizeof text, ~0UL);
	SAME("%c%c%%", 'a', 'b');
	SAME("%03lld:%011llo", 7LL, 0777ULL);
	CHECK(out_format(text, sizeof text, "%s", "abcdef") == 6 && !strcmp(text, "abc"));
	CHECK(out_format(text, 1, "%d", 5) == 1 && !*text);
}

static void test_scan(void)
{
	const char *text = "  12\t345x 0 \n7", *hex = "1fFz";

	CHECK(scan_number(&text) == 12 && scan_number(&text) == 345 && scan_number(&text) == 0);
	CHECK(scan_number(&text) == 0 && *text == '\n');
	CHECK(scan_hex(&hex, 16) == 0x1ff && *hex == 'z');
	hex = "123456789";
	CHECK(scan_hex(&hex, 4) == 0x1234 && *hex == '5');
	text = "aab";
	CHECK(scan_find(text, "ab") == text + 1 && !scan_find(text, "ba") && !scan_find("", "a"));
}

/* Both of ours, there and back, are as the libc's. */
static void check_six(const unsigned char *address)
{
	char ours[ADDRESS_TEXT], theirs[INET6_ADDRSTRLEN];
	unsigned char back[16];

	address_text(address, true, ours);
	CHECK(inet_pton(AF_INET6, ours, back) == 1 && !memcmp(back, address, 16));
	CHECK(inet_ntop(AF_INET6, address, theirs, sizeof theirs));
	CHECK(address_parse(theirs, true, back) && !memcmp(back, address, 16));
	CHECK(address_parse(ours, true, back) && !memcmp(back, address, 16));
}

static void test_addresses(void)
{
	static const char *const sixes[] = {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::8", "::8:9",
		"1:2::", "fe80::1", "::ffff:1.2.3.4", "1:0:0:2:0:0:0:3",
		"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "0:0:0:0:0:0:0:0", "1:2:3:4:5:6:1.2.3.4",
		"::1.2.3.4", "ABCD::"};
	static const char *const bad[] = {"", ":", ":::", "1:::2", "1::2::3", "1:2",
		"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1",
		"1:", "12345::", "g::", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4", "::1%lo", " ::1",
		"1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.256", "::1 "};
	static const char *const bad_four[] = {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1..2.3",
		"01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "a.b.c.d", "1.2.3.", ".1.2.3"};
	unsigned char address[16], theirs[16];
	char text[ADDRESS_TEXT];

	for (unsigned i = 0; i < sizeof sixes / sizeof *sixes; i++) {
		CHECK(inet_pton(AF_INET6, sixes[i], theirs) == 1);
		CHECK(address_parse(sixes[i], true, address) && !memcmp(address, theirs, 16));
		check_six(address);
	}
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!address_parse(bad[i], true, address));
	for (unsigned i = 0; i < sizeof bad_four / sizeof *bad_four; i++)
		CHECK(!address_parse(bad_four[i], false, address));
	CHECK(address_parse("0.255.10.1", false, address) && address[1] == 255);
	address_text(address, false, text);
	CHECK(!strcmp(text, "0.255.10.1"));
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		for (unsigned j = 0; j < 16; j++)
			address[j] = (unsigned char)(rand() % 3 ? 0 : rand());
		check_six(address);
	}
}

static void test_dates(void)
{
	for (long long seconds = -30000000000LL; seconds < 60000000000LL; seconds += 12345678) {
		const time_t time = (time_t)seconds;
		struct tm tm;
		struct units_date date;
		gmtime_r(&time, &tm);
		units_date(&date, seconds);
		CHECK(date.year == tm.tm_year + 1900LL && date.month == (unsigned)tm.tm_mon + 1 &&
			date.day == (unsigned)tm.tm_mday);
	}
}

static void check_time(long long milliseconds, const char *expected)
{
	char text[UNITS_SIZE];

	units_time(text, milliseconds);
	CHECK(!strcmp(text, expected));
}

static void check_size(unsigned long long bytes, const char *expected)
{
	char text[UNITS_SIZE];

	units_size(text, bytes);
	CHECK(!strcmp(text, expected));
}

static void test_units(void)
{
	check_time(0, "0.0s");
	check_time(59999, "59.9s");
	check_time(60000, "1m 0s");
	check_time(7500000, "2h 5m");
	check_time(100 * 3600000LL, "4d 4h");
	check_size(0, "0B");
	check_size(1023, "1023B");
	check_size(1024, "1.0K");
	check_size(1536, "1.5K");
	check_size(1048575, "1.0M");
	check_size(20 << 20, "20M");
	check_size(~0ULL, "16E");
}

static int compare(const void *one, const void *other, const void *sign)
{
	const int a = *(const int *)one, b = *(const int *)other;

	return ((a > b) - (a < b)) * *(const int *)sign;
}

static void test_sort(void)
{
	int numbers[200];

	for (unsigned count = 0; count < 200; count++)
		for (int sign = -1; sign <= 1; sign += 2) {
			for (unsigned i = 0; i < count; i++)
				numbers[i] = rand() % 50;
			sort_array(numbers, count, sizeof *numbers, compare, &sign);
			for (unsigned i = 1; i < count; i++)
				CHECK(compare(&numbers[i - 1], &numbers[i], &sign) <= 0);
		}
}

static void check_display(const char *text, const char *expected, unsigned columns)
{
	char shown[80];

	CHECK(display_into(shown, sizeof shown, text, strlen(text)) == columns);
	CHECK(!strcmp(shown, expected));
	CHECK(display_columns(text) == columns);
}

static void test_display(void)
{
	check_display("plain", "plain", 5);
	check_display("a\nb\x1b[0m", "a\\nb\\x1b[0m", 11);
	check_display("\xc3\xa9", "\xc3\xa9", 1);
	check_display("\xc2\x9b", "\\x9b", 4);
	check_display("\xff\xc3", "\\xff\\xc3", 8);
	check_display("\xe2\x80\xae", "\\u202e", 6);
	check_display("\xe4\xb8\xad", "\xe4\xb8\xad", 2);
	check_display("e\xcc\x81", "e\xcc\x81", 1);
	check_display("\xed\xa0\x80", "\\xed\\xa0\\x80", 12);
}

int main(void)
{
	test_format();
	test_scan();
	test_addresses();
	test_dates();
	test_units();
	test_sort();
	test_display();
	return check_end();
}
