#!/bin/sh
# Makes a package of what "make install" put below a folder; equal input gives equal bytes.
# usage: MAINTAINER=... package.sh FILE.deb|FILE.tar.gz DEBIAN-MACHINE VERSION EPOCH TREE
# EPOCH is the time of all files, in seconds.
set -eu
file=$1 machine=$2 version=$3 epoch=$4 tree=$5
name=container-init
doc=$tree/usr/share/doc/$name
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH="$epoch"
umask 022

# The programs hold parts of musl, whose licence is the same and wants its holder named.
mkdir -p "$doc"
{
	cat <<END
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
install -m 644 src/PROTOCOL.md "$doc"
cat <<END | gzip -9n >"$doc/changelog.gz"
$name ($version) unstable; urgency=medium

  * Version $version; what changed is told by the history of the sources.

 -- $MAINTAINER  $(date -Rd "@$epoch")
END
[ "${file%.deb}" = "$file" ] || {
	mkdir -p "$tree/usr/share/lintian/overrides"
	echo "$name: statically-linked-binary" >"$tree/usr/share/lintian/overrides/$name"
}
gzip -9n "$tree"/usr/share/man/man?/*.[0-9]
files=$(cd "$tree" && find usr -type f | sort)

if [ "${file%.deb}" != "$file" ]; then
	mkdir "$tree/DEBIAN"
	(cd "$tree" && md5sum $files) >"$tree/DEBIAN/md5sums"
	# As dpkg counts: files in KiB, rounded up, and one for each folder.
	size=$(cd "$tree" && { stat -c %s $files && find usr -type d -printf '1\n'; } |
		awk '{sum += int(($1 + 1023) / 1024)} END {print sum}')
	cat >"$tree/DEBIAN/control" <<END
Package: $name
Version: $version
Architecture: $machine
Maintainer: $MAINTAINER
Installed-Size: $size
Section: admin
Priority: optional
Description: PID 1 for containers, with a control channel
 A static init for the inside of a container: it starts one command, forwards
 signals to it, reaps orphans and ends as the command does. On request it holds
 a socket through which initctl runs commands inside, opens a shell and stops
 the container, without a daemon and with nothing added to the image.
 .
 It does not replace the init of this system.
END
fi
find "$tree" -type d -exec chmod 755 {} +
find "$tree" -exec touch -hd "@$epoch" {} +

if [ "${file%.deb}" != "$file" ]; then
	dpkg-deb --root-owner-group -Zgzip -z9 --build "$tree" "$file" >/dev/null
else
	# No folders: who unpacks it in / keeps those that are there as they are.
	(cd "$tree" && tar --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$epoch" \
		--no-recursion -cf - $files) | gzip -9n >"$file"
fi
echo "$file: $(wc -c <"$file") bytes"
