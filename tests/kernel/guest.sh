#!/bin/busybox sh
# The first program of the machine: tests cgroups of init on a kernel with all controllers.
# Each line that begins with @ goes to test_kernel.py, as "@scenario key=value".
export PATH=/bin
C=/sys/fs/cgroup
/bin/busybox mount -t proc none /proc
/bin/busybox --install -s /bin
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t cgroup2 none $C
echo "+memory +pids +cpu" >$C/cgroup.subtree_control

await() {
	n=0
	until eval "$1"; do
		n=$((n + 1))
		[ $n -gt 400 ] && echo "@$name missed=$1" && return 1
		usleep 50000
	done
}

# Starts a container of that name, which the following commands use.
box() {
	name=$1
	shift
	export INIT_SOCKET=/run/$name
	/init --control $INIT_SOCKET --cgroup $C/$name "$@" 2>/run/$name.err &
	init=$!
	await "[ -S $INIT_SOCKET ]"
}

tell() {
	echo "@$name $1=$2"
}

stats() {
	for key; do
		tell "$key" "$(initctl stats --raw | sed -n "s/^$key  *//p")"
	done
}

end() {
	initctl kill
	wait $init
	tell code $?
	[ -e $C/$name ]
	tell gone $?
}

# Starts a container, which must fail.
refused() {
	name=$1
	shift
	/init --cgroup $C/$name "$@" 2>/run/$name.err
	tell code $?
	tell said "$(cat /run/$name.err)"
}

usage() {
	INIT_SOCKET=/run/$1 initctl stats --raw | sed -n 's/^cpu.stat.usage_usec  *//p'
}

box memory --limit memory.max=20M --limit memory.swap.max=0 -- sh -c '
	until [ -e /run/one ]; do usleep 20000; done
	dd if=/dev/zero of=/tmp/eight bs=1M count=8 2>/dev/null; >/run/two
	until [ -e /run/three ]; do usleep 20000; done
	dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null
	echo "@memory hog=$?"
	dd if=/dev/zero of=/tmp/fill bs=1M 2>/dev/null
	echo "@memory fill=$?"
	>/run/four
	exec sleep 1000'
initctl status >/dev/null
tell before "$(initctl stats --raw | sed -n 's/^memory.current  *//p')"
>/run/one
await '[ -e /run/two ]'
tell after "$(initctl stats --raw | sed -n 's/^memory.current  *//p')"
>/run/three
await '[ -e /run/four ]'
stats memory.current memory.max memory.events.oom_kill memory.peak
tell outside "$(cat $C/memory/app/memory.current)"
tell json "$(initctl --json stats)"
initctl stats | while read -r line; do echo "@lines ${line%% *}=${line#* }"; done
tell operator "$(initctl exec sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null && echo in')"
initctl limit memory.max=40M
stats memory.max
end
rm /tmp/fill /tmp/eight

box pids --limit pids.max=10 -- sh -c '
	(while :; do sleep 1000 & done) 2>/run/pids.fork
	sleep 1000 &
	>/run/full
	exec sleep 1000'
await '[ -e /run/full ]'
tell fork "$(cat /run/pids.fork)"
stats pids.current pids.max pids.events.max
tell operator "$(initctl exec sh -c 'sleep 0; (sleep 0; echo in)')"
initctl freeze
tell frozen "$(initctl exec sh -c 'sleep 0; (sleep 0; echo in)')"
tell json "$(initctl --json stats)"
initctl thaw
initctl limit pids.max=20
stats pids.max
end

refused none --limit pids.max=0 -- true
refused missing --limit pids.max=9 --limit hugetlb.2MB.max=0 -- true
refused wrong --limit memory.max=much -- true
mkdir $C/busy
sleep 1000 &
echo $! >$C/busy/cgroup.procs
refused busy --limit pids.max=9 -- true
kill $!
wait $!
rmdir $C/busy

# A cgroup in which an init that was killed has left controllers enabled.
box stale --limit pids.max=9 -- sleep 1000
initctl status >/dev/null
kill -9 $init
wait $init
tell on "$(cat $C/stale/cgroup.subtree_control)"
await '! grep -q . $C/stale/app/cgroup.procs'
/init --cgroup $C/stale --limit pids.max=8 -- sh -c \
	'cat /proc/self/cgroup /sys/fs/cgroup/stale/app/pids.max' | while read -r line; do
	tell line "$line"
done
tell left "$(find $C/stale -type d | wc -l)"
rmdir $C/stale

# With --cgroup naming the cgroup that init was started in, which must not change.
name=own
mkdir $C/own
sh -c 'echo $$ >/sys/fs/cgroup/own/cgroup.procs
	exec /init --cgroup /sys/fs/cgroup/own --limit pids.max=9 -- cat /sys/fs/cgroup/own/app/pids.max' |
	while read -r line; do tell max "$line"; done
tell left "$(find $C/own -type d | wc -l)"
tell on "$(cat $C/own/cgroup.subtree_control)"
rmdir $C/own

box quota --limit "cpu.max=20000 100000" -- sh -c 'while :; do :; done'
initctl status >/dev/null
was=$(usage quota) began=$(cut -d' ' -f1 /proc/uptime)
sleep 4
tell usage "$was $(usage quota)"
tell uptime "$began $(cut -d' ' -f1 /proc/uptime)"
stats cpu.stat.nr_throttled cpu.max
initctl --json stats --follow >/run/follow &
await '[ "$(wc -l </run/follow)" -ge 3 ]'
kill $!
tell json "$(sed -n 3p /run/follow)"
end

box light --limit cpu.weight=100 -- sh -c 'while :; do :; done'
light=$init
box heavy --limit cpu.weight=400 -- sh -c 'while :; do :; done'
heavy=$init
initctl status >/dev/null
name=weight
tell begin "$(usage light) $(usage heavy)"
sleep 8
tell end "$(usage light) $(usage heavy)"
tell weights "$(cat $C/light/cpu.weight) $(cat $C/heavy/cpu.weight) $(cat $C/light/app/cpu.weight)"
INIT_SOCKET=/run/light initctl limit cpu.weight=400
tell begin2 "$(usage light) $(usage heavy)"
sleep 6
tell end2 "$(usage light) $(usage heavy)"
init=$heavy name=heavy
end
export INIT_SOCKET=/run/light
init=$light name=light
end

# The end of input of a terminal, in canonical and in raw mode.
mkdir -p /dev/pts
mount -t devpts -o ptmxmode=666 none /dev/pts
box eof -- sleep 1000
initctl status >/dev/null
tell lines "$(printf 'one\ntwo' | initctl exec -t -- sh -c 'stty -echo; cat; cat; read x; echo end' |
	tr '\r\n' '  ')"
tell raw "$(initctl exec -t -- sh -c 'sleep .5; stty raw -echo; od -An -tx1 -N2' </dev/null; echo $?)"
tell later "$(initctl exec -t -- sh -c 'sleep 2; echo later' </dev/null | tr -d '\r')"
end
umount /dev/pts

# The root is a rootfs, which cannot be pivoted: as it is, and another below it.
name=rootfs
tell same "$(/init --unshare=all --map-same --chroot / --mount=proc,tmp -- sh -c 'echo in $$; cat /proc/mounts' \
	2>&1 | tr '\n' ' ')"
mkdir -p /below/bin
cp /bin/busybox /below/bin/sh
tell below "$(/init --unshare=all --map-same --chroot /below -- sh -c 'echo in $$ /*' 2>&1)"
rm -r /below

echo "@all left=$(find $C -mindepth 1 -type d | wc -l)"
name=last
exec /init --control /run/last --cgroup $C/last --limit memory.max=50M -- sh -c '
	export INIT_SOCKET=/run/last
	echo "@last init=$(cat /sys/fs/cgroup/last/init/cgroup.procs)"
	echo "@last me=$(tail -n 1 /proc/self/cgroup)"
	echo "@last operator=$(initctl exec tail -n 1 /proc/self/cgroup)"
	echo "@last done=yes"'
