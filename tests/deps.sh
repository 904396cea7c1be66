#!/bin/sh
# Installs the packages that are missing to build, test and lint init, without asking questions.
# usage: tests/deps.sh [build] [test] [lint] [docker] [engines] [kernel] [package] [cross]
# (default: the first three)
# If nothing is missing, it changes nothing and needs no network.
set -u

# Set: packages for apt: packages for apk: command that succeeds if they are not needed.
table() {
	cat <<'END'
build:gcc libc6-dev:gcc musl-dev:have gcc && [ -e /usr/include/stdlib.h ]
build:musl-tools::have musl-gcc || have apk
build:util-linux:util-linux:have ipcmk && unshare --help | grep -q kill-child && have setpriv
test:python3 python3-pytest:python3 py3-pytest:pytest python3 || pytest /usr/bin/python3
test:python3-pytest-xdist:py3-pytest-xdist:xdist python3 || xdist /usr/bin/python3
test:libc6-dev libgcc-12-dev:libgcc:have apk || [ -e "$(gcc -print-file-name=libasan.so)" ]
test:mount:util-linux-misc:have mount
test:iproute2:iproute2:have ip && ip -V | grep -q iproute2
test:uidmap:shadow-uidmap:have newuidmap
test:bsdutils:util-linux-misc:have script
test:procps:procps-ng:have ps
test:strace:strace:have strace
test:less:less:have less
test:tmux:tmux:have tmux
test:vim vim-tiny:vim:have vim && { have vim.tiny || have apk; }
test:busybox-static:busybox-static:[ -x /bin/busybox ] || [ -x /bin/busybox.static ]
test:valgrind libc6-dbg:valgrind:have valgrind && { have apk || ls /usr/lib/debug/.build-id; }
test:tini:tini:have tini
test:dumb-init:dumb-init:have dumb-init
test:catatonit:catatonit:have catatonit
lint:clang-format:clang-extra-tools:have clang-format
lint:clang-tidy:clang-extra-tools:have clang-tidy
lint:clang:clang:have clang
lint:cppcheck:cppcheck:have cppcheck
lint:mandoc:mandoc:have mandoc
docker:mount:util-linux-misc:have mount
docker:docker.io:docker-engine docker-cli:have dockerd && have docker
docker:iptables:iptables:have iptables
docker:mmdebstrap:debootstrap:have mmdebstrap || have apk
engines:util-linux:util-linux:have nsenter
engines:busybox-static:busybox-static:[ -x /bin/busybox ] || [ -x /bin/busybox.static ]
engines:runc:runc:have runc
engines:crun:crun:have crun
engines:podman:podman:have podman
engines:lxc:lxc:have lxc-start
engines:systemd-container::have systemd-nspawn || have apk
engines:iproute2:iproute2:have ip
engines:python3-yaml:py3-yaml:yaml python3 || yaml /usr/bin/python3
engines:bubblewrap:bubblewrap:have bwrap
engines:gunicorn:-:[ -x /usr/bin/gunicorn ]
engines:nginx-light:-:[ -x /usr/sbin/nginx ]
engines:php-fpm:-:ls /usr/sbin/php-fpm*
kernel:qemu-system-x86:qemu-system-x86_64:have qemu-system-x86_64
kernel:busybox-static:busybox-static:[ -x /bin/busybox ] || [ -x /bin/busybox.static ]
docker:ca-certificates:ca-certificates:[ -e /etc/ssl/certs/ca-certificates.crt ]
package:bash-completion:-:[ -e /usr/share/bash-completion/bash_completion ]
package:zsh:-:have zsh
package:fish:-:have fish
package:lintian:-:have lintian
package:mandoc:-:have mandoc
cross:binutils dpkg-dev:-:have readelf && have dpkg-deb
cross:gcc-aarch64-linux-gnu:-:have aarch64-linux-gnu-gcc
cross:gcc-arm-linux-gnueabihf:-:have arm-linux-gnueabihf-gcc
cross:gcc-i686-linux-gnu:-:have i686-linux-gnu-gcc
cross:gcc-powerpc64le-linux-gnu:-:have powerpc64le-linux-gnu-gcc
cross:gcc-riscv64-linux-gnu:-:have riscv64-linux-gnu-gcc
cross:gcc-s390x-linux-gnu:-:have s390x-linux-gnu-gcc
cross:qemu-user-static:-:have qemu-aarch64-static && have qemu-arm-static && have qemu-s390x-static
END
}

have() {
	command -v "$1"
}

pytest() {
	"$1" -c 'import pytest'
}

xdist() {
	"$1" -c 'import pytest, xdist'
}

yaml() {
	"$1" -c 'import yaml'
}

# missing apt|apk: the packages to install.
missing() {
	table | while IFS=: read -r for apt apk check; do
		case " $sets " in *" $for "*) ;; *) continue ;; esac
		eval "$check" >/dev/null 2>&1 </dev/null && continue
		[ "$1" = apk ] && echo "$apk" || echo "$apt"
	done | tr '\n' ' ' | sed 's/ *$//'
}

by_hand() {
	echo "deps: $1; install these packages ($2) or their equivalents yourself: $need" >&2
	exit 1
}

sets=${*:-build test lint}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
if command -v apt-get >/dev/null; then
	manager=apt
elif command -v apk >/dev/null; then
	manager=apk
else
	manager=none
fi
need=$(missing $manager)
if [ -z "$need" ]; then
	echo "deps: everything is installed ($sets)"
	exit 0
fi

[ $manager = none ] && by_hand "neither apt-get nor apk is available" Debian
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
		by_hand "not root, and sudo is missing or needs a password" $manager
	as_root=sudo
fi
echo "deps: installing $need"
export DEBIAN_FRONTEND=noninteractive
options="-qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
install() {
	if [ $manager = apt ]; then
		# shellcheck disable=SC2086
		$as_root env DEBIAN_FRONTEND=$DEBIAN_FRONTEND apt-get $options -y \
			--no-install-recommends install "$@" </dev/null
	else
		$as_root apk add --quiet "$@" </dev/null
	fi
}
# shellcheck disable=SC2086
{
	[ $manager != apt ] || $as_root apt-get $options update </dev/null
	install $need || {
		# An engine that cannot be installed is left out, and its row of the table skipped.
		[ "$sets" = engines ] || by_hand "$manager failed" $manager
		for one in $need; do install "$one"; done
	}
}
need=$(missing $manager)
[ -z "$need" ] && exit
[ "$sets" = engines ] || by_hand "packages are still missing after the installation" $manager
echo "deps: cannot be installed here: $need"
