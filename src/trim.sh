#!/bin/sh
# Cuts off a program what no kernel loads: the table of sections, their names, and the
# compilers' idents, which the linker's -s leaves. usage: src/trim.sh PROGRAM...
# Does nothing where a tool for it is missing, or where nothing is to be cut.
set -eu
export LC_ALL=C
command -v readelf >/dev/null && command -v od >/dev/null && command -v dd >/dev/null || exit 0

# zero FROM COUNT: bytes of the header; as many zeros are a number of any byte order.
zero() {
	dd if=/dev/zero of="$program" bs=1 seek="$1" count="$2" conv=notrunc 2>/dev/null
}

for program; do
	end=0
	# Type, place in the file, two addresses, length in the file, and more.
	for segment in $(readelf -lW "$program" | awk '$1 == "LOAD" { print $2 "+" $5 }'); do
		[ $(($segment)) -le $end ] || end=$(($segment))
	done
	[ $end != 0 ] || continue
	# elf(5): e_shoff; then e_shentsize, e_shnum and e_shstrndx.
	if [ "$(od -An -j4 -N1 -tu1 "$program" | tr -d ' ')" = 2 ]; then
		zero 40 8
		zero 58 6
	else
		zero 32 4
		zero 46 6
	fi
	dd if=/dev/null of="$program" bs=1 seek=$end 2>/dev/null
done
