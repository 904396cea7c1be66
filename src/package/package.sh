#!/bin/sh
# Makes packages of what "make install" put below a directory; equal input gives equal bytes.
# usage: MAINTAINER=... STRIP=... package.sh deb FILE.deb DEV-FILE.deb DEBIAN-MACHINE VERSION EPOCH TREE
#        MAINTAINER=... package.sh tarball FILE.tar.gz VERSION EPOCH TREE
# EPOCH is the time of all files, in seconds. TREE is changed.
set -eu
kind=$1 file=$2
shift 2
[ "$kind" = tarball ] || { dev_file=$1 machine=$2 && shift 2; }
version=$1 epoch=$2 tree=$3
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH="$epoch"
umask 022

# documents NAME TREE: copyright and changelog. The programs contain parts of musl, whose licence
# is the same one and asks for its holder to be named.
documents() {
	doc=$2/usr/share/doc/$1
	mkdir -p "$doc"
	{
		cat <<-END
			Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
			Upstream-Name: init
			Comment: The programs are linked with musl, the C library.

			Files: *
			Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
			           2005-2020 Rich Felker, et al. (musl)
			License: Expat

			License: Expat
		END
		sed -n '/^Permission/,$ {s/^$/./; s/^/ /; p}' LICENSE
	} >"$doc/copyright"
	gzip -9n >"$doc/changelog.gz" <<-END
		$1 ($version) unstable; urgency=medium

		  * Version $version; the history of the sources tells what changed.

		 -- $MAINTAINER  $(date -Rd "@$epoch")
	END
	for page in "$2"/usr/share/man/man?/*.[0-9]; do
		[ ! -e "$page" ] || gzip -9n "$page"
	done
}

# The files below a directory, sorted, and the same with modes and times as they are to be packed.
files() {
	(cd "$1" && find usr -type f | sort)
}

settle() {
	find "$1" -type d -exec chmod 755 {} +
	find "$1" -exec touch -hd "@$epoch" {} +
}

# deb NAME SECTION TREE FILE: standard input is the description.
deb() {
	mkdir "$3/DEBIAN"
	(cd "$3" && files . | xargs md5sum) >"$3/DEBIAN/md5sums"
	# As dpkg counts: files in KiB, rounded up, and one for each directory.
	size=$(cd "$3" && { files . | xargs stat -c %s && find usr -type d -printf '1\n'; } |
		awk '{sum += int(($1 + 1023) / 1024)} END {print sum}')
	{
		cat <<-END
			Package: $1
			Source: container-init
			Version: $version
			Architecture: $machine
			Maintainer: $MAINTAINER
			Installed-Size: $size
			Section: $2
			Priority: optional
		END
		cat
	} | sed "/^Source: $1\$/d" >"$3/DEBIAN/control"
	settle "$3"
	dpkg-deb --root-owner-group -Zgzip -z9 --build "$3" "$4" >/dev/null
	echo "$4: $(wc -c <"$4") bytes"
}

if [ "$kind" = tarball ]; then
	documents container-init "$tree"
	settle "$tree"
	# Without directories: those of the system that it is unpacked on stay as they are.
	(cd "$tree" && files . | tar --format=ustar --owner=0 --group=0 --numeric-owner \
		--mtime="@$epoch" --no-recursion -cf - -T -) | gzip -9n >"$file"
	echo "$file: $(wc -c <"$file") bytes"
	exit
fi

# The library's part is moved into a tree of its own.
dev=$tree/dev
(cd "$tree" && find usr/include usr/lib usr/share/man/man3 -type f 2>/dev/null || :) |
	while read -r name; do
		mkdir -p "$dev/${name%/*}"
		mv "$tree/$name" "$dev/$name"
	done
(cd "$tree" && find usr -type d -empty -delete)
"$STRIP" --strip-debug --remove-section=.comment --enable-deterministic-archives "$dev"/usr/lib/*/*.a

documents container-init "$tree"
mkdir -p "$tree/usr/share/lintian/overrides"
echo "container-init: statically-linked-binary" >"$tree/usr/share/lintian/overrides/container-init"
documents libinitctl-dev "$dev"
mv "$dev" "$tree.dev"
trap 'rm -rf "$tree.dev"' EXIT
deb container-init admin "$tree" "$file" <<END
Description: PID 1 for containers, with a control channel
 A static init for the inside of a container: it starts one command, forwards
 signals to it, reaps orphans and ends as the command does. On request it holds
 a socket through which initctl runs commands inside, opens a shell and stops
 the container, without a daemon and with nothing added to the image.
 .
 It does not replace the init of this system.
END
deb libinitctl-dev libdevel "$tree.dev" "$dev_file" <<END
Description: client library for container-init's control channel
 A static library for programs that start containers with container-init, or
 look after them: it runs commands inside, sends signals, opens namespaces and
 stops the container through the socket that init holds.
 .
 This package contains the library, its header, its manual and a file for
 pkg-config.
END
