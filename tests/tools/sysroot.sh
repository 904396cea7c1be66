#!/bin/sh
# Puts Debian's musl for another machine into a folder, with a compiler for it,
# FOLDER/musl-gcc. Nothing is installed, and apt's configuration and lists are not changed.
# usage: tests/tools/sysroot.sh aarch64|armv7|i386|ppc64le|riscv64|s390x FOLDER
set -eu

# The names of the machine for gcc, Debian and musl.
case $1 in
aarch64) gcc=aarch64-linux-gnu debian=arm64 musl=aarch64-linux-musl ;;
armv7) gcc=arm-linux-gnueabihf debian=armhf musl=arm-linux-musleabihf ;;
i386) gcc=i686-linux-gnu debian=i386 musl=i386-linux-musl ;;
ppc64le) gcc=powerpc64le-linux-gnu debian=ppc64el musl=powerpc64le-linux-musl ;;
riscv64) gcc=riscv64-linux-gnu debian=riscv64 musl=riscv64-linux-musl ;;
s390x) gcc=s390x-linux-gnu debian=s390x musl=s390x-linux-musl ;;
*) echo "sysroot: no machine we build for: $1" >&2 && exit 2 ;;
esac

fail() {
	echo "sysroot: $*" >&2
	exit 1
}

command -v $gcc-gcc >/dev/null || fail "no $gcc-gcc here; make deps DEPS=cross installs it"
command -v apt-get >/dev/null || fail "musl for $1 comes by apt-get, which is not here"
mkdir -p "$2"
dir=$(cd "$2" && pwd)
apt=$dir/apt
trap 'rm -rf "$apt"' EXIT
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/archives/partial"

# The source of this machine's own packages, and their release.
set -- $(apt-get indextargets --format '$(ORIGIN) $(SITE) $(CODENAME) $(COMPONENT)' |
	sed -n 's/^Debian \([^ ]*\) \([a-z]*\) main$/\1 \2/p' | head -n 1) "$1"
[ $# = 3 ] || fail "apt here has no source of Debian's"
site=$1 release=$2 machine=$3
# riscv64 has been one of Debian's machines since trixie.
[ $machine-$release != riscv64-bookworm ] || release=trixie

cat >"$apt/sources" <<END
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $release main
END
cat >"$apt/conf" <<END
Dir::State "$apt";
Dir::State::status "/dev/null";
Dir::Cache "$apt";
Dir::Etc::sourcelist "$apt/sources";
Dir::Etc::sourceparts "-";
APT::Architecture "$debian";
APT::Architectures { "$debian"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
END
export APT_CONFIG="$apt/conf"
apt-get -qq update
(cd "$apt" && apt-get -qq download musl-dev)
dpkg-deb --fsys-tarfile "$apt"/musl-dev_*.deb |
	tar -xC "$dir" ./usr/include ./usr/lib/$musl
# The wrapper of the package only works in /usr.
sed -i "s,/usr/,$dir/usr/,g" "$dir/usr/lib/$musl/musl-gcc.specs"
cat >"$dir/musl-gcc.new" <<END
#!/bin/sh
exec $gcc-gcc "\$@" -specs '$dir/usr/lib/$musl/musl-gcc.specs'
END
chmod +x "$dir/musl-gcc.new"
mv "$dir/musl-gcc.new" "$dir/musl-gcc"
