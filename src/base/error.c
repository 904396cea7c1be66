#include "error.h"

#include <errno.h>
#include <string.h>

/* What the kernel has beyond the errors that musl has a text for. */
static const struct {
	char name[13];
	unsigned char error;
} names[] = {
	{"ECHRNG", ECHRNG},
	{"EL2NSYNC", EL2NSYNC},
	{"EL3HLT", EL3HLT},
	{"EL3RST", EL3RST},
	{"ELNRNG", ELNRNG},
	{"EUNATCH", EUNATCH},
	{"ENOCSI", ENOCSI},
	{"EL2HLT", EL2HLT},
	{"EBADE", EBADE},
	{"EBADR", EBADR},
	{"EXFULL", EXFULL},
	{"ENOANO", ENOANO},
	{"EBADRQC", EBADRQC},
	{"EBADSLT", EBADSLT},
	{"EBFONT", EBFONT},
	{"ENONET", ENONET},
	{"ENOPKG", ENOPKG},
	{"EREMOTE", EREMOTE},
	{"EADV", EADV},
	{"ESRMNT", ESRMNT},
	{"ECOMM", ECOMM},
	{"EDOTDOT", EDOTDOT},
	{"ENOTUNIQ", ENOTUNIQ},
	{"EREMCHG", EREMCHG},
	{"ELIBACC", ELIBACC},
	{"ELIBBAD", ELIBBAD},
	{"ELIBSCN", ELIBSCN},
	{"ELIBMAX", ELIBMAX},
	{"ELIBEXEC", ELIBEXEC},
	{"ERESTART", ERESTART},
	{"ESTRPIPE", ESTRPIPE},
	{"EUSERS", EUSERS},
	{"ETOOMANYREFS", ETOOMANYREFS},
	{"EUCLEAN", EUCLEAN},
	{"ENOTNAM", ENOTNAM},
	{"ENAVAIL", ENAVAIL},
	{"EISNAM", EISNAM},
	{"ERFKILL", ERFKILL},
	{"EHWPOISON", EHWPOISON},
};

const char *error_text(int error)
{
	const char *text = strerror(error);

	/* musl has one text for 0 and for all that it does not know. */
	for (unsigned i = 0; i < sizeof names / sizeof *names && text == strerror(0); i++)
		if (names[i].error == error)
			text = names[i].name;
	return text;
}
