#include "base/wire.h"

#include "check.h"

/* What fits to the last byte is written; what does not is not, nor is anything after it. */
static void room(void)
{
	char data[16];
	struct wire_out out;

	for (size_t size = 0; size <= sizeof "status"; size++) {
		memset(data, 'x', sizeof data);
		wire_begin(&out, data, size, "status");
		CHECK(out.full == (size < sizeof "status"));
		CHECK(out.length == (out.full ? 0 : sizeof "status"));
		CHECK(data[size] == 'x');
		wire_add(&out, "");
		CHECK(out.full);
		CHECK(out.length == (size < sizeof "status" ? 0 : sizeof "status"));
		CHECK(data[size] == 'x');
	}
	wire_begin(&out, data, sizeof "a\0key=12", "a");
	wire_add_number(&out, "key", 12);
	CHECK(!out.full && out.length == sizeof "a\0key=12");
	CHECK(!memcmp(data, "a\0key=12", sizeof "a\0key=12"));
	wire_begin(&out, data, sizeof "a\0key=1", "a");
	wire_add_number(&out, "key", 12);
	CHECK(out.full);
}

/* A name with its NUL, and a NUL at the end of all. */
static void decoded(void)
{
	char good[] = "name\0key=1\0key=2\0args\0key=3", bare[] = "name", *at;
	char wrong[][6] = {"\0name", "namex", "\0\0\0\0", "xxxxx"};
	struct wire wire;

	CHECK(!wire_read(&wire, good, sizeof good));
	CHECK(!strcmp(wire.name, "name") && !strcmp(wire.fields, "key=1"));
	CHECK(!strcmp(wire.fields_end, "args") && !strcmp(wire.args, "key=3"));
	CHECK(wire.end == good + sizeof good);
	at = wire.fields;
	CHECK(!strcmp(wire_take(&wire, &at, "key"), "1"));
	CHECK(!strcmp(wire_take(&wire, &at, "key"), "2"));
	CHECK(!wire_take(&wire, &at, "key"));
	CHECK(!wire_field(&wire, "ke") && !wire_field(&wire, "keys") && !wire_field(&wire, ""));
	CHECK(!wire_read(&wire, bare, sizeof bare));
	CHECK(wire.fields == wire.end && wire.args == wire.end);
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK(wire_read(&wire, wrong[i], 5));
	CHECK(wire_read(&wire, wrong[0] + 1, 0));
}

int main(void)
{
	room();
	decoded();
	return check_end();
}
