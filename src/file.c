#include "file.h"

#include "sys.h"
#include "text.h"

int file_write(int directory, const char *path, const char *text)
{
	int fd = sys_open(directory, path, O_WRONLY);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = write(fd, text, text_until(text, 0));
	/* Which leaves errno alone. */
	close(fd);
	return length < 0 ? -1 : 0;
}
