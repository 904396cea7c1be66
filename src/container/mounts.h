/*
 * mounts: what the container sees as its file system: its root, and what is mounted
 * in it. All of it is done by descriptors, and paths of the inside are looked up in
 * the new root alone (openat2(2), RESOLVE_IN_ROOT), so that no symbolic link of an
 * image leads out. Needs Linux 5.12 (mount_setattr(2)); a bare chroot(2) does not.
 */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>

#include "idmap.h"

enum { MOUNTS_EXTRA = 32, MOUNTS_HIDEPID = 1 << 16, MOUNTS_UNMASKED = 1 << 17 };

enum bind_option { BIND_READ_ONLY = 1, BIND_DEVICES = 2, BIND_UNMAPPED = 4, BIND_OPTIONS = 7 };

struct mounts {
	const char *root; /* NULL: as it is */
	bool read_only;   /* the root */
	bool set_user_id; /* set-user-ID programs have their effect */
	unsigned list;    /* a bit for each file system of mounts_parse, and MOUNTS_... */
	unsigned count;   /* of extra */
	/* In the order in which they were asked for. */
	struct mounts_extra {
		const char *text;
		bool is_tmpfs;
		unsigned char options; /* of a bind: enum bind_option */
	} extra[MOUNTS_EXTRA];
};

/*
 * Adds a list of proc, sys, dev, pts, shm, mqueue, tmp, run, or all of these, and
 * hidepid, which is proc with its hidepid=2 (proc(5)), or proc-full, which is proc without masks.
 * 0, or -1.
 */
int mounts_parse(struct mounts *mounts, const char *list);

/*
 * Adds SRC:DST[:OPTION,...], of ro, dev and noidmap, or DST[:SIZE] for a tmpfs; both DST are of the
 * inside. 0, or -1.
 */
int mounts_add(struct mounts *mounts, const char *text, bool is_tmpfs);

/* Whether it takes a mount namespace of our own. */
bool mounts_wanted(const struct mounts *mounts);

/*
 * Opens the root and what is bound, before namespaces are made that could be kept from it. Where we
 * may not yet, as an ordinary user, mounts_build() does. What was opened is in no mount namespace.
 */
void mounts_open(const struct mounts *mounts, bool own_namespace);

/*
 * In what was opened, ids of files count inside of a user namespace, if the owner would be nobody
 * there otherwise: so files of the host's root are those of root inside. Called from outside of it.
 * proc is the directory in /proc of a process in it, and is closed. Ends the process where a file
 * system cannot have that.
 */
void mounts_map(int proc, const struct idmap *uids);

/*
 * Performs the mounts. In a mount namespace of our own, nothing that is mounted from now on
 * shows outside, and the root is pivoted to; otherwise it is chroot(2). With a root no device
 * node has an effect in it, unless it is "/", or in a directory that is bound without ":dev", and
 * no set-user-ID program unless that is asked for. Mount points
 * are made where they are missing. The current directory is the new root. Whatever
 * fails ends the process, and says so.
 */
void mounts_build(const struct mounts *mounts, bool own_namespace);

#endif
