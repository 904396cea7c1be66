#!/bin/sh
# Puts Debian's kernel for virtual machines into a folder, as "vmlinuz"; installs nothing.
# usage: tests/kernel/fetch.sh FOLDER
set -eu
package=linux-image-cloud-amd64
mkdir -p "$1"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
# The package without a version only depends on the one that contains the kernel.
name=$(apt-cache depends $package | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$name" ] || { echo "fetch: no package $package; apt-get update?" >&2; exit 1; }
(cd "$folder" && apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root download "$name")
dpkg --fsys-tarfile "$folder"/*.deb | tar -x -C "$folder" --wildcards './boot/vmlinuz-*'
mv "$folder"/boot/vmlinuz-* "$1/vmlinuz.new"
mv "$1/vmlinuz.new" "$1/vmlinuz"
echo "fetch: $name"
