# make            build/init and build/initctl, static, with musl-gcc where it is installed
# make deps demo  install what is missing, then see it work
# make deps test  install what is missing, then run the tests
# make install    PREFIX/bin/init and initctl, manuals, completions; DESTDIR is put before it
# make deb        a package for Debian; make tarball: for any, to be unpacked in /
PREFIX   = /usr/local
BUILD    = build

.DEFAULT_GOAL = all

# DEPS narrows it down: make deps demo DEPS=build
deps:
	@tests/deps.sh $(DEPS)
deps-docker:
	@tests/deps.sh docker
# What a Kubernetes manifest is checked with, where there is an npm.
SCHEMA   = kubernetes-models@5.1.0 typescript@5.9.3
deps-engines:
	@tests/deps.sh docker
	@tests/deps.sh engines
	@[ -d $(BUILD)/kubernetes/node_modules/typescript ] || { mkdir -p $(BUILD)/kubernetes && \
		timeout 120 npm install --no-audit --no-fund --no-save --ignore-scripts \
		--prefix $(BUILD)/kubernetes $(SCHEMA) >$(BUILD)/kubernetes/log 2>&1; } || \
		echo "deps: no $(SCHEMA) by npm: the manifest's test will be skipped"
deps-kernel:
	@tests/deps.sh kernel
.PHONY: deps deps-docker deps-engines deps-kernel

# "make deps test" installs first, however many jobs run, and then asks anew what is there.
FIRST   := $(filter deps deps-%,$(MAKECMDGOALS))
THEN    := $(filter-out $(FIRST),$(MAKECMDGOALS))
ifneq ($(and $(FIRST),$(THEN)),)
.PHONY: $(THEN)
$(firstword $(THEN)): $(FIRST)
	+@$(MAKE) --no-print-directory $(THEN)
$(wordlist 2,$(words $(THEN)),$(THEN)): $(firstword $(THEN)); @:
else

ifeq ($(origin CC),default)
CC      := $(if $(shell command -v musl-gcc 2>/dev/null),musl-gcc,gcc)
endif
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
PYTHON   = $(shell for p in python3 /usr/bin/python3; do \
             $$p -c 'import pytest' 2>/dev/null && echo $$p && exit; done; echo python3)

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
WERROR   = -Werror
STRICT   = -std=gnu11 -D_GNU_SOURCE -Isrc $(WARNINGS) $(WERROR)
CFLAGS   = -Os -flto -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector \
           -fno-pie -ffunction-sections -fdata-sections
LDFLAGS  = -static -no-pie -s -Wl,-z,noseparate-code,-z,norelro,--gc-sections
ALL_CFLAGS = $(STRICT) $(CFLAGS)
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1

INIT_SRC = init.c $(MODULES)
MODULES  = $(foreach d,pid1 channel container process base,$(wildcard src/$d/*.c))
HEADERS  = $(wildcard src/*/*.h)
INIT_OBJ = $(INIT_SRC:%.c=$(BUILD)/obj/%.o)
# The operator's half shares these with PID 1's, and nothing else.
SHARED   = file log nskind
CTL_SRC  = $(filter-out src/initctl/client.c,$(wildcard src/initctl/*.c)) $(SHARED:%=src/base/%.c)
LIB_SRC  = src/initctl/client.c $(patsubst %,src/base/%.c,number seqpacket text wire)
CTL_OBJ  = $(CTL_SRC:%.c=$(BUILD)/ctl/%.o)
LIB_OBJ  = $(LIB_SRC:%.c=$(BUILD)/ctl/%.o)
UNITS    = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))

all: $(BUILD)/init $(BUILD)/initctl $(BUILD)/libinitctl.a

$(BUILD)/init: $(INIT_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(INIT_OBJ)
	@echo "$@: $$(wc -c <$@) bytes, built with $(CC) ($(if $(findstring musl,$(CC)),musl,the C library of $(CC)))"

$(BUILD)/initctl: $(CTL_OBJ) $(LIB_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(CTL_OBJ) $(LIB_OBJ)
	@echo "$@: $$(wc -c <$@) bytes"

$(BUILD)/libinitctl.a: $(LIB_SRC:%.c=$(BUILD)/lib/%.o)
	$(CC) $(CFLAGS) -fno-lto -nostdlib -r -o $(BUILD)/lib/initctl.o $^
	$$($(CC) -print-prog-name=objcopy) -w --keep-global-symbol='initctl_*' $(BUILD)/lib/initctl.o
	rm -f $@; $$($(CC) -print-prog-name=ar) rcs $@ $(BUILD)/lib/initctl.o

# For whatever it is linked into, with whatever compiler: no link-time code of ours.
$(BUILD)/lib/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fno-lto -fPIC -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/ctl/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(INIT_OBJ:.o=.d) $(CTL_OBJ:.o=.d) $(BUILD)/ctl/src/initctl/client.d

# Changes when the compiler or its flags do.
$(BUILD)/flags: ALWAYS
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS)' >$@

# For other machines, into build/cross/MACHINE, by the rules above. "make deps DEPS=cross" installs
# the compilers; musl is fetched. Debian says armhf for armv7, arm64 for aarch64.
CROSS    = aarch64 armv7 i386 ppc64le riscv64 s390x

cross: $(CROSS:%=cross-%)
$(CROSS:%=cross-%): cross-%: $(BUILD)/cross/%/sysroot/musl-gcc
	+@$(MAKE) -s CC=$(abspath $<) BUILD=$(BUILD)/cross/$* all
	@for program in init initctl; do file=$(BUILD)/cross/$*/$$program; \
		! readelf -lW $$file | grep -E 'INTERP|DYNAMIC' || exit; done

$(BUILD)/cross/%/sysroot/musl-gcc: tests/tools/sysroot.sh
	tests/tools/sysroot.sh $* $(@D)

# Scripts in their place, which run them in an emulator. It knows some machines by other names.
QEMU     = qemu-$(or $(patsubst armv7,arm,$(filter armv7,$(ARCH))),$(ARCH))-static
$(BUILD)/cross/i386/init $(BUILD)/cross/i386/initctl: cross-i386
$(BUILD)/cross/$(ARCH)/emulated/%: ALWAYS | cross-$(ARCH)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec %s -0 "$$0" %s "$$@"\n' $$(command -v $(QEMU)) $(abspath $(BUILD)/cross/$(ARCH)/$*) >$@
	@chmod +x $@

# ... and the core of the tests with them: make test-cross ARCH=armv7. See tests/harness/emulated.py. Those
# of i386 run on x86_64 as they are.
CROSS_TESTS = start signals reap exit end options channel_exec channel_verbs channel_input
TESTED   = $(BUILD)/cross/$(ARCH)/$(if $(filter i386,$(ARCH)),,emulated/)
test-cross: cross-$(ARCH) $(TESTED)init $(TESTED)initctl $(BUILD)/probe
	INIT=$(TESTED)init INITCTL=$(TESTED)initctl $(PYTHON) -m pytest $(PYTEST) \
		$(foreach t,$(CROSS_TESTS),$(wildcard tests/*/test_$t.py))

# A program for tests to run under init, and one program for each unit test.
$(BUILD)/probe: tests/probe.c $(BUILD)/flags
	$(CC) $(STRICT) -O1 -static -o $@ $<

# What README points authors of runtimes to.
$(BUILD)/embed/runtime: tests/embed/runtime.c $(BUILD)/libinitctl.a
	@mkdir -p $(@D)
	$(CC) $(STRICT) -Isrc/initctl -O1 -static -o $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(MODULES) $(HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(STRICT) -O1 -g -static -o $@ $< $(MODULES)

$(BUILD)/asan/init: $(INIT_SRC) $(HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	gcc $(STRICT) $(SANITIZE) -o $@ $(INIT_SRC)

$(BUILD)/asan/initctl: $(CTL_SRC) $(LIB_SRC) $(HEADERS)  $(BUILD)/flags
	@mkdir -p $(@D)
	gcc $(STRICT) $(SANITIZE) -o $@ $(CTL_SRC) $(LIB_SRC)

$(BUILD)/asan/unit/%: tests/unit/%.c $(MODULES) $(HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	gcc $(STRICT) $(SANITIZE) -o $@ $< $(MODULES)

# What reads an operator's bytes, on bytes of nobody's. SECONDS is how long it looks.
SECONDS  = 60
$(BUILD)/fuzz/request: tests/fuzz/request.c $(MODULES) $(HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)/found
	clang $(STRICT) -Qunused-arguments -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -g -O1 -o $@ $< $(MODULES)

fuzz: $(BUILD)/fuzz/request
	$(BUILD)/fuzz/request -dict=tests/fuzz/request.dict -max_len=65538 -timeout=10 \
		-max_total_time=$(SECONDS) -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/ \
		$(BUILD)/fuzz/found tests/fuzz/corpus

# The same on the corpus alone, by a compiler that needs no fuzzer.
$(BUILD)/fuzz/replay: tests/fuzz/request.c $(MODULES) $(HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	gcc $(STRICT) $(SANITIZE) -DREPLAY -o $@ $< $(MODULES)

# A script in init's place; a log for each start, which its error code alone would not say.
$(BUILD)/valgrind/init: $(INIT_SRC) $(HEADERS) $(BUILD)/flags
	@mkdir -p -m 1777 $(@D)/logs
	gcc $(STRICT) -g -O1 -o $(@D)/checked $(INIT_SRC)
	printf '#!/bin/sh\nexec valgrind -q --error-exitcode=99 --log-file=%s %s "$$@"\n' \
		'$(abspath $(@D))/logs/%q{INIT_TEST}.%p' '$(abspath $(@D))/checked' >$@
	chmod +x $@

units: $(BUILD)/probe $(BUILD)/embed/runtime $(BUILD)/fuzz/replay $(UNITS:%=$(BUILD)/unit/%)
units-asan: $(BUILD)/probe $(BUILD)/embed/runtime $(BUILD)/fuzz/replay $(UNITS:%=$(BUILD)/asan/unit/%)

# These have a target of their own: they need an engine, or a machine.
APART    = --ignore=tests/engines --ignore=tests/container/test_kernel.py

# INIT and INITCTL are the programs under test, UNIT the folder of the unit tests' programs.
test: all units
	$(PYTHON) -m pytest $(PYTEST) $(APART) tests

test-asan: $(BUILD)/asan/init $(BUILD)/asan/initctl $(BUILD)/libinitctl.a units-asan
	INIT=$(BUILD)/asan/init INITCTL=$(BUILD)/asan/initctl UNIT=$(BUILD)/asan/unit \
		$(PYTHON) -m pytest $(PYTEST) $(APART) tests

# The part that goes through states and tables; elsewhere valgrind's own descriptors, signals
# and exec show. A -P that is stopped at once meets it before it is ready.
VALGRIND_TESTS = tests/pid1/test_end.py tests/process/test_reap.py -k 'not pause_alone'
test-valgrind: $(BUILD)/valgrind/init units
	rm -f $(BUILD)/valgrind/logs/*
	INIT=$(BUILD)/valgrind/init $(PYTHON) -m pytest $(PYTEST) $(VALGRIND_TESTS)
	! grep -E 'Invalid|uninitialised|unaddressable|overlap' $(BUILD)/valgrind/logs/*

# A Docker Engine is started for it; see tests/harness/docker_engine.py.
test-docker: all $(BUILD)/probe
	$(PYTHON) -m pytest $(PYTEST) tests/engines/test_docker*.py

# One list of tests in one engine (ENGINE=crun), or in all there are; README has the table of it.
test-engine: all $(BUILD)/probe
	ENGINE='$(ENGINE)' $(PYTHON) -m pytest $(PYTEST) tests/engines/test_engines.py

test-engines: all $(BUILD)/probe
	rm -rf $(BUILD)/engines
	$(PYTHON) -m pytest $(PYTEST) tests/engines/test_engines*.py
	$(PYTHON) tests/engines/table.py --check README.md

engines-table:
	$(PYTHON) tests/engines/table.py --write README.md
# Debian's kernel under qemu, for the limits of cgroups; see tests/container/test_kernel.py.
test-kernel: all $(BUILD)/probe $(BUILD)/kernel/vmlinuz
	$(PYTHON) -m pytest $(PYTEST) tests/container/test_kernel.py

$(BUILD)/kernel/vmlinuz:
	tests/kernel/fetch.sh $(@D)

bench: all $(BUILD)/probe
	$(PYTHON) tests/tools/bench.py $(BUILD)/init $(BUILD)/probe

# One file at a time: clang-tidy 14 takes a va_list of the second for that of the first.
OWN_C    = $(INIT_SRC) $(wildcard src/initctl/*.c)
C_FILES  = $(OWN_C) $(wildcard tests/*.c tests/embed/*.c tests/unit/*.c tests/fuzz/*.c)
MUSL_INC = $(firstword $(wildcard /usr/include/*-linux-musl /usr/lib/musl/include))
CLANG_MUSL = clang -nostdinc -isystem $(MUSL_INC) -isystem $$(clang -print-resource-dir)/include
CHECK    = $(STRICT) -O2 -c -o $(BUILD)/lint.o

lint: $(BUILD)/flags
	clang-format --dry-run -Werror $(C_FILES) $(HEADERS) $(wildcard tests/unit/*.h)
	for f in $(OWN_C); do clang-tidy --quiet $$f -- $(STRICT) 2>$(BUILD)/lint.err || \
		{ cat $(BUILD)/lint.err; exit 1; }; done
	cppcheck --quiet --error-exitcode=1 --std=c11 -D_GNU_SOURCE --inline-suppr \
		--enable=warning,performance,portability $(C_FILES)
	for f in $(OWN_C); do gcc $(CHECK) -fanalyzer $$f || exit; done
	for f in $(C_FILES); do for cc in gcc musl-gcc clang "$(CLANG_MUSL)"; do \
		$$cc $(CHECK) $$f || exit; done; done
	for f in $(wildcard tests/*.sh src/package/*.sh tests/kernel/fetch.sh src/completion/*.bash .ci/run); do \
		bash -n $$f || exit; done
	mandoc -T lint -W warning $(wildcard src/man/*)
	@rm -f $(BUILD)/lint.*; echo "lint: clean"

demo: all
	@tests/demo.sh $(BUILD)/init

# The name that init is installed under; packages take another, for every system has an init.
INIT_NAME = init
MANDIR   = $(PREFIX)/share/man
BASHDIR  = $(PREFIX)/share/bash-completion/completions
ZSHDIR   = $(PREFIX)/share/zsh/site-functions
FISHDIR  = $(PREFIX)/share/fish/vendor_completions.d

# Where from, mode, where to.
INSTALL  = $(BUILD)/init:755:$(PREFIX)/bin/$(INIT_NAME) $(BUILD)/initctl:755:$(PREFIX)/bin/initctl \
           src/man/container-init.8:644:$(MANDIR)/man8/container-init.8 \
           src/man/initctl.1:644:$(MANDIR)/man1/initctl.1 \
           src/completion/init.bash:644:$(BASHDIR)/$(INIT_NAME) \
           src/completion/initctl.bash:644:$(BASHDIR)/initctl \
           src/completion/init.zsh:644:$(ZSHDIR)/_$(INIT_NAME) \
           src/completion/initctl.zsh:644:$(ZSHDIR)/_initctl \
           src/completion/init.fish:644:$(FISHDIR)/$(INIT_NAME).fish \
           src/completion/initctl.fish:644:$(FISHDIR)/initctl.fish

install: all
	@for item in $(INSTALL); do IFS=:; set -- $$item; \
		echo "install $(DESTDIR)$$3"; install -D -m $$2 $$1 $(DESTDIR)$$3 || exit; unset IFS; done

uninstall:
	rm -f $(foreach item,$(INSTALL),$(DESTDIR)$(lastword $(subst :, ,$(item))))

# The same bytes from the same sources, wherever, whenever and by whomever they are made. Their time
# is that of the last commit, or a fixed one where there is none.
VERSION  = $(shell sed -n 's/^.define INIT_VERSION "\(.*\)"/\1/p' src/base/version.h)
EPOCH    = $(or $(SOURCE_DATE_EPOCH),$(shell [ ! -e .git ] || \
             git -c safe.directory='*' log -1 --format=%ct 2>/dev/null),1767225600)
DEBIANS  = x86_64=amd64 aarch64=arm64 arm=armhf i686=i386 powerpc64le=ppc64el riscv64=riscv64 s390x=s390x
DEBIAN   = $(patsubst $(MACHINE)=%,%,$(filter $(MACHINE)=%,$(DEBIANS)))
DEB      = $(BUILD)/container-init_$(VERSION)_$(DEBIAN).deb
TARBALL  = $(BUILD)/container-init-$(VERSION)-$(MACHINE).tar.gz
MAINTAINER = The init maintainers <maintainers@init.invalid>

deb: $(DEB)
tarball: $(TARBALL)
$(DEB) $(TARBALL): all ALWAYS
	$(if $(findstring musl,$(CC)),,$(error packages hold programs built with musl-gcc, not $(CC)))
	@rm -rf $@ $@.tree
	@$(MAKE) -s --no-print-directory install DESTDIR=$@.tree PREFIX=/usr INIT_NAME=container-init \
		$(if $(filter %.deb,$@),ZSHDIR=/usr/share/zsh/vendor-completions) >/dev/null
	@MAINTAINER='$(MAINTAINER)' src/package/package.sh $@ $(DEBIAN) $(VERSION) $(EPOCH) $@.tree
	@rm -rf $@.tree

clean:
	rm -rf $(BUILD)

ALWAYS:
.PHONY: all cross $(CROSS:%=cross-%) units units-asan fuzz test test-asan test-valgrind test-docker test-kernel test-engine test-cross test-engines engines-table bench lint demo install uninstall deb tarball clean ALWAYS
endif
