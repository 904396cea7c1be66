#!/bin/sh
# Shows what init does as PID 1 of a PID namespace, without a container engine.
# Exits non-zero if init does not behave as described. Needs root, or user namespaces.
# usage: tests/demo.sh [init]
set -u
me=$(readlink -f "$0")

# The processes of the demo; they run inside the namespace.
case ${1-} in
who)
	for pid in 1 $$; do
		echo "     PID $pid  $(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's|[^ ]*/||g')"
	done
	exit 0
	;;
zombies) # prints how many zombies there are once all orphans have died
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
worker) # runs in a session of its own, as a daemon does, and needs a second to finish
	trap 'echo "     worker  got TERM, needs a second to finish"; sleep 1
		echo "     worker  finished"; exit 0' TERM
	echo ready >"$2"
	while :; do sleep 1 & wait $!; done
	;;
app)
	# The shell would report each child that a signal kills.
	exec 2>/dev/null
	# Not HUP: under nohup that is ignored, and a shell cannot trap it then.
	trap 'echo "     app     got USR1, continues"; echo usr1 >"$2"' USR1
	trap 'echo "     app     got TERM, exits with code 7"; exit 7' TERM
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
		[ "$(date +%s)" -le $end ] || fail "timed out waiting for: $2"
		sleep 0.02
	done
}

# The one child of a process: PID 1 as seen from here.
child_of() {
	# cat skips processes that have ended meanwhile.
	cat /proc/[0-9]*/status 2>/dev/null |
		awk -v parent="$1" '$1 == "Pid:" {pid = $2} $1 == "PPid:" && $2 == parent {print pid}'
}

$namespace true 2>"$dir/why" || fail "cannot make a PID namespace: $(cat "$dir/why")"

echo "1. init is PID 1 of a PID namespace and starts the command as its child."
$namespace "$init" -- sh "$me" who | tee "$dir/out"
grep -q "PID 1  ${init##*/} -- sh demo.sh who" "$dir/out" || fail "init is not PID 1"
grep -q 'PID 2  sh demo.sh who' "$dir/out" || fail "the command is not PID 2"

echo "2. init reaps orphans: a hundred of them die."
with=$($namespace "$init" -- sh "$me" zombies) || fail "init failed"
# shellcheck disable=SC2016
without=$(mkfifo "$dir/fifo" && $namespace sh -c 'sh "$1" zombies keep >"$2" & exec cat "$2"' \
	sh "$me" "$dir/fifo")
echo "     zombies left: $with with init, $without with cat as PID 1"
[ "$with" = 0 ] || fail "init left zombies"
[ "$without" = 100 ] || fail "there are no zombies without init either, so nothing was shown"

echo "3. init forwards signals to the command, and lets other processes finish at the end."
$namespace "$init" -- sh "$me" app "$dir/state" 2>&1 &
started=$!
await "$dir/state" ready
pid=$(child_of $started)
echo "     kill -USR1 init"
kill -USR1 "$pid"
await "$dir/state" usr1
echo "     kill -TERM init"
before=$(date +%s%N)
kill -TERM "$pid"
wait $started
code=$?
started=
took=$((($(date +%s%N) - before) / 1000000))
echo "     init exited with $code after $took ms"
[ $code = 7 ] || fail "init did not exit with the code of the command"
[ $took -ge 1000 ] || fail "init did not wait for the worker"
[ $took -lt 1900 ] || fail "init kept waiting although no process was left"
echo "4. init makes six kinds of namespaces itself, one after another."
# As root, ids are mapped to others; an ordinary user becomes root inside.
map="--uid-map 0:100000:1000 --gid-map 0:100000:1000" mine=
[ "$(id -u)" = 0 ] || map=--map-root mine=--map-root

# tour NAME OPTIONS INSIDE OUTSIDE: both commands print what is to be seen.
tour() {
	# shellcheck disable=SC2086
	inside=$("$init" $2 -- sh -c "$3") || fail "init $2 failed"
	outside=$(sh -c "$4")
	printf '     %-8s init%s -- %s\n              inside: %s, outside: %s\n' \
		"$1" " ${2# }" "$3" "$inside" "$outside"
	[ "$inside" != "$outside" ] || fail "inside and outside show the same"
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
echo "Everything worked."
