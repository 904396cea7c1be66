#!/bin/sh
# Checks that includes go downwards only: a file may include from its own folder and from those
# further down this list. initctl stands beside it and may include itself and base.
# usage: tests/tools/includes.sh, in the root of the sources
set -u
order="init.c pid1 channel container process base"

# The folders that a file of this folder may include from.
allowed() {
	case $1 in
	initctl) echo "initctl base" ;;
	init.c | pid1 | channel | container | process | base) echo "$1 ${order#*"$1"}" ;;
	esac
}

bad=0
for file in init.c src/*/*.[ch]; do
	folder=${file#src/}
	folder=${folder%%/*}
	may=$(allowed "$folder")
	[ -n "$may" ] || { echo "$file: folder $folder is not in the order of includes" >&2 && bad=1; }
	for header in $(sed -n 's/^[ 	]*#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p' "$file"); do
		case $header in
		*/*) from=${header%%/*} ;;
		*) from=$folder ;;
		esac
		case " $may " in
		*" $from "*) ;;
		*)
			echo "$file: includes \"$header\"; $folder may include from: $may" >&2
			bad=1
			;;
		esac
		[ -e "src/$from/${header##*/}" ] && continue
		echo "$file: includes \"$header\", which does not exist" >&2
		bad=1
	done
done
exit $bad
