#!/bin/sh
# Shows init at work as PID 1 of a namespace like a container's, without an engine.
# Ends non-zero if what it shows is not true. Needs root, or user namespaces.
# usage: tests/demo.sh [init]
set -u
me=$(readlink -f "$0")

# What the processes of the demo do; they run inside the namespace.
case ${1-} in
who)
	for pid in 1 $$; do
		echo "     PID $pid  $(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's|[^ ]*/||g')"
	done
	exit 0
	;;
zombies) # how many there are once all orphans have died
	for n in 0 1 2 3 4 5 6 7 8 9; do
		sh -c 'for n in 0 1 2 3 4 5 6 7 8 9; do sleep 0.01 & done'
	done
	end=$(($(date +%s) + 5))
	while :; do
		# shellcheck disable=SC2046
		set -- "${1-}" "${2-}" $(cat /proc/[0-9]*/stat 2>/dev/null | awk -v me=$$ '
			$4 == 1 && $1 != me {$3 == "Z" ? dead++ : living++}
			END {print dead + 0, living + 0}')
		count=$3
		[ "$4" = 0 ] && { [ "$count" = 0 ] || [ "$2" = keep ]; } && break
		[ "$(date +%s)" -gt $end ] && break
		sleep 0.02
	done
	echo "$count"
	exit 0
	;;
worker) # leaves the session, as a daemon does, and has something to finish
	trap 'echo "     worker  got TERM, needs a second to finish"; sleep 1
		echo "     worker  finished"; exit 0' TERM
	echo ready >"$2"
	while :; do sleep 1 & wait $!; done
	;;
app)
	# Where the shell would remark on each child that a signal ends.
	exec 2>/dev/null
	trap 'echo "     app     got HUP, goes on"; echo hup >"$2"' HUP
	trap 'echo "     app     got TERM, ends with code 7"; exit 7' TERM
	setsid sh "$me" worker "$2" &
	while :; do sleep 1 & wait $!; done
	;;
esac

init=$(readlink -f "${1:-build/init}")
dir=$(mktemp -d)
started=
namespace="unshare -pf --mount-proc --kill-child"
[ "$(id -u)" = 0 ] || namespace="unshare -Urpf --mount-proc --kill-child"
queue=
trap 'kill -9 $started 2>/dev/null; [ -z "$queue" ] || ipcrm -q "$queue"; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "demo: $1" >&2
	exit 1
}

# Waits, at most ten seconds, until a file holds a word.
await() {
	end=$(($(date +%s) + 10))
	until grep -q "$2" "$1" 2>/dev/null; do
		[ "$(date +%s)" -le $end ] || fail "waited in vain for: $2"
		sleep 0.02
	done
}

# The one child of a process: PID 1 as seen from here.
child_of() {
	# By cat, which goes on where a process is gone by now.
	cat /proc/[0-9]*/status 2>/dev/null |
		awk -v parent="$1" '$1 == "Pid:" {pid = $2} $1 == "PPid:" && $2 == parent {print pid}'
}

$namespace true 2>"$dir/why" || fail "no PID namespace to be had here: $(cat "$dir/why")"

echo "1. A namespace of its own: init is PID 1, and its command does not notice."
$namespace "$init" -- sh "$me" who | tee "$dir/out"
grep -q "PID 1  ${init##*/} -- sh demo.sh who" "$dir/out" || fail "init is not PID 1"
grep -q 'PID 2  sh demo.sh who' "$dir/out" || fail "the command is not what was asked for"

echo "2. A hundred orphans die."
with=$($namespace "$init" -- sh "$me" zombies) || fail "init failed"
# shellcheck disable=SC2016
without=$(mkfifo "$dir/fifo" && $namespace sh -c 'sh "$1" zombies keep >"$2" & exec cat "$2"' \
	sh "$me" "$dir/fifo")
echo "     zombies left: $with with init, $without with cat as PID 1"
[ "$with" = 0 ] || fail "zombies were left"
[ "$without" = 100 ] || fail "nothing was shown: without init no zombies either"

echo "3. Signals for PID 1 reach the command; a stop lets others finish."
$namespace "$init" -- sh "$me" app "$dir/state" 2>&1 &
started=$!
await "$dir/state" ready
pid=$(child_of $started)
echo "     kill -HUP init"
kill -HUP "$pid"
await "$dir/state" hup
echo "     kill -TERM init"
before=$(date +%s%N)
kill -TERM "$pid"
wait $started
code=$?
started=
took=$((($(date +%s%N) - before) / 1000000))
echo "     init exited with $code after $took ms"
[ $code = 7 ] || fail "not the command's code"
[ $took -ge 1000 ] || fail "the worker was not waited for"
[ $took -lt 1900 ] || fail "init waited on when nobody was left"
echo "4. Six namespaces that init makes itself, one after another."
# Root's containers get other ids here, an ordinary user is root of his own.
map="--uid-map 0:100000:1000 --gid-map 0:100000:1000" mine=
[ "$(id -u)" = 0 ] || map=--map-root mine=--map-root

# tour NAME OPTIONS INSIDE OUTSIDE: both commands print what is to be seen.
tour() {
	# shellcheck disable=SC2086
	inside=$("$init" $2 -- sh -c "$3") || fail "init $2 failed"
	outside=$(sh -c "$4")
	printf '     %-8s init%s -- %s\n              inside: %s, outside: %s\n' \
		"$1" " ${2# }" "$3" "$inside" "$outside"
	[ "$inside" != "$outside" ] || fail "the same is seen inside and outside"
}

tour UTS "$mine --hostname box" 'uname -n' 'uname -n'
queue=$(ipcmk -Q | grep -o '[0-9]*$')
count='ipcs -q | grep -c 0x || :'
tour IPC "$mine --unshare=ipc" "$count" "$count"
ipcrm -q "$queue"
queue=
count='ls /proc | grep -c "^[0-9]"'
tour PID "$mine --unshare=pid --mount-proc" "$count" "$count"
mkdir "$dir/mount"
tour mount "$mine --tmpfs $dir/mount" "touch $dir/mount/new; ls $dir/mount" "ls $dir/mount; echo nothing"
names='echo $(grep -o "[a-z0-9]*:" /proc/net/dev) $(readlink /proc/self/ns/net)'
tour network "$mine --unshare=net --loopback" "$names" "$names"
mkdir -m 777 "$dir/user"
chmod 711 "$dir"
tour user "$map" "touch $dir/user/mine; id -u" "stat -c %u $dir/user/mine"
echo "All of it is as it should be."
