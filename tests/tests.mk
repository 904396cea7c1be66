# Tests, other machines, lint and measurements. Included by the Makefile.
PYTHON   = $(shell for p in python3 /usr/bin/python3; do \
             $$p -c 'import pytest' 2>/dev/null && echo $$p && exit; done; echo python3)
# WORKERS processes share the tests, a file each at a time, where pytest-xdist is installed.
WORKERS  = 2
PARALLEL = $(if $(filter-out 1,$(WORKERS)),$(shell $(PYTHON) -c 'import xdist' 2>/dev/null && \
             printf '%s' '-n $(WORKERS) --dist loadfile'))
RUN      = $(PYTHON) -m pytest $(PYTEST)
# These have targets of their own: they need an engine, or a virtual machine.
APART    = --ignore=tests/engines --ignore=tests/container/test_kernel.py

# ---- what the tests need

# DEPS names the sets: make deps demo DEPS=build
deps: ## install what is missing to build, test and lint, by apt or apk
	@tests/deps.sh $(DEPS)
deps-docker: ## install what test-docker needs
	@tests/deps.sh docker
deps-kernel: ## install what test-kernel needs
	@tests/deps.sh kernel
# A Kubernetes manifest is checked against these, where npm is installed.
SCHEMA   = kubernetes-models@5.1.0 typescript@5.9.3
deps-engines: ## install the engines of test-engines
	@tests/deps.sh docker
	@tests/deps.sh engines
	@[ -d $(BUILD)/kubernetes/node_modules/typescript ] || { mkdir -p $(BUILD)/kubernetes && \
		timeout 120 npm install --no-audit --no-fund --no-save --ignore-scripts \
		--prefix $(BUILD)/kubernetes $(SCHEMA) >$(BUILD)/kubernetes/log 2>&1; } || \
		echo "deps: npm cannot install $(SCHEMA): the manifest's test will be skipped"

# ---- programs that the tests run

# Modules of initctl that have unit tests.
UNIT_CTL = $(patsubst %,src/initctl/%.c,usage cgroup1 beneath proctotal proc process watchdog exit handler units memory \
             out scan sort address display json terminal)
UNITS    = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1
# The same build with other flags, in a directory of its own.
variant  = +$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/$(1) CC=gcc CFLAGS='$(2)' LDFLAGS= \
             $(BUILD)/$(1)/init $(BUILD)/$(1)/initctl $(3)

$(BUILD)/probe: tests/probe.c $(BUILD)/flags
	$(call note,CC,$<)
	$(Q)$(CC) $(STRICT) -O1 -static -o $@ $<

# What root inside a container tries to do.
$(BUILD)/escape: tests/tools/escape.c $(BUILD)/flags
	$(call note,CC,$<)
	$(Q)$(CC) $(STRICT) -O1 -static -o $@ $<

$(BUILD)/embed/runtime: tests/embed/runtime.c $(BUILD)/libinitctl.a
	$(call note,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(STRICT) -Isrc/initctl -O1 -static -o $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(call objects,$(MODULES) $(UNIT_CTL)) $(wildcard tests/unit/*.h)
	$(call note,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(call objects,$(MODULES) $(UNIT_CTL))

# The decoder of requests: with libFuzzer, for SECONDS, and on the corpus alone, by any compiler.
SECONDS  = 60
FUZZED   = tests/fuzz/request.c $(MODULES)
$(BUILD)/fuzz/request: $(FUZZED) $(HEADERS) $(BUILD)/flags
	$(call note,CC,$<)
	@mkdir -p $(@D)/found
	$(Q)clang $(STRICT) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -g -O1 \
		-o $@ $(FUZZED)

$(BUILD)/fuzz/replay: $(FUZZED) $(HEADERS) $(BUILD)/flags
	$(call note,CC,$<)
	@mkdir -p $(@D)
	$(Q)gcc $(STRICT) $(SANITIZE) -DREPLAY -o $@ $(FUZZED)

units: $(BUILD)/probe $(BUILD)/embed/runtime $(BUILD)/fuzz/replay $(UNITS:%=$(BUILD)/unit/%)

$(BUILD)/asan/init $(BUILD)/asan/initctl: asan
asan: ## build with sanitizers, into build/asan
	$(call variant,asan,$(SANITIZE),$(UNITS:%=$(BUILD)/asan/unit/%))

# A script that runs init under valgrind. The errors are in its log files, so these are checked.
$(BUILD)/valgrind/run: ALWAYS
	$(call variant,valgrind,-g -O1)
	@mkdir -p -m 1777 $(@D)/logs
	@printf '#!/bin/sh\nexec valgrind -q --error-exitcode=99 --log-file=%s %s "$$@"\n' \
		'$(abspath $(@D))/logs/%q{INIT_TEST}.%p' '$(abspath $(@D))/init' >$@
	@chmod +x $@

# ---- the tests. INIT and INITCTL name the programs under test, UNIT the unit tests' directory.

CHECKED  = tests/unit tests/pid1/test_start.py tests/process/test_signals.py \
           tests/pid1/test_exit.py tests/pid1/test_options.py \
           tests/channel/test_channel_resources.py::test_code_of_the_start_is_given_back
check: all units ## run the tests that take seconds: unit, start, signals, exit, options
	$(RUN) $(PARALLEL) $(CHECKED)

test: all units ## run all tests but those of engines and of a kernel
	$(RUN) $(PARALLEL) $(APART) tests

test-asan: all units asan ## run the same tests with sanitizers
	INIT=$(BUILD)/asan/init INITCTL=$(BUILD)/asan/initctl UNIT=$(BUILD)/asan/unit \
		$(RUN) $(PARALLEL) $(APART) tests

# Tests of states and tables. Others fail because of valgrind's own descriptors, signals and exec;
# pause_alone does because its signal comes before valgrind is ready.
VALGRIND_TESTS = tests/pid1/test_end.py tests/process/test_reap.py -k 'not pause_alone'
test-valgrind: all units $(BUILD)/valgrind/run ## run a part of the tests under valgrind
	rm -f $(BUILD)/valgrind/logs/*
	INIT=$(BUILD)/valgrind/run $(RUN) $(VALGRIND_TESTS)
	! grep -E 'Invalid|uninitialised|unaddressable|overlap' $(BUILD)/valgrind/logs/*

# A Docker Engine is started for it; see tests/harness/docker_engine.py.
test-docker: all $(BUILD)/probe ## run the tests in a Docker Engine started for them
	$(RUN) tests/engines/test_docker*.py tests/engines/test_readme_docker.py

test-escape: all $(BUILD)/probe $(BUILD)/escape ## compare what root inside can do with docker and bwrap
	rm -f $(BUILD)/escape.json
	$(RUN) tests/engines/test_escape.py
	$(PYTHON) tests/engines/escape.py --check README.md

escape-table: ## put the table of what root inside can do into README.md
	$(PYTHON) tests/engines/escape.py --write README.md

test-engine: all $(BUILD)/probe ## run the list of tests in one engine, as in ENGINE=crun
	ENGINE='$(ENGINE)' $(RUN) tests/engines/test_engines.py

test-engines: all $(BUILD)/probe ## run it in each engine that is installed, and check README's table
	rm -rf $(BUILD)/engines
	$(RUN) tests/engines/test_engines*.py
	$(PYTHON) tests/engines/table.py --check README.md

engines-table: ## put the table of engines into README.md
	$(PYTHON) tests/engines/table.py --write README.md

test-kernel: all $(BUILD)/probe $(BUILD)/kernel/vmlinuz ## test limits of cgroups on Debian's kernel, under qemu
	$(RUN) tests/container/test_kernel.py

$(BUILD)/kernel/vmlinuz:
	tests/kernel/fetch.sh $(@D)

mutants-check: ## check that each mutant's text occurs exactly once
	$(PYTHON) tests/mutants/run.py --check

mutants-sample: units ## break init in ten places, chosen at random, and see a test fail for each
	$(PYTHON) tests/mutants/run.py --random 10

fuzz: $(BUILD)/fuzz/request ## run libFuzzer on the decoder of requests, for SECONDS
	$(BUILD)/fuzz/request -dict=tests/fuzz/request.dict -max_len=65538 -timeout=10 \
		-max_total_time=$(SECONDS) -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/ \
		$(BUILD)/fuzz/found tests/fuzz/corpus

demo: all ## show init at work in namespaces of its own
	@tests/demo.sh $(BUILD)/init

bench: all $(BUILD)/probe ## measure init beside tini, dumb-init and catatonit
	$(PYTHON) tests/tools/bench.py $(BUILD)/init $(BUILD)/probe

pictures: all ## make the pictures of README.md on a real terminal; needs root and strace
	$(PYTHON) tests/tools/pictures.py src/pictures

# The value of a variable, for scripts: make -s print-CFLAGS
print-%:
	@echo '$($*)'

# ---- other machines, into build/cross/MACHINE, by the same rules

# "make deps DEPS=cross" installs the compilers; musl is fetched.
CROSS    = aarch64 armv7 i386 ppc64le riscv64 s390x

cross: $(CROSS:%=cross-%) ## build for other machines, into build/cross
$(CROSS:%=cross-%): cross-%: $(BUILD)/cross/%/sysroot/musl-gcc
	+@$(MAKE) -s CC=$(abspath $<) BUILD=$(BUILD)/cross/$* all
	@for program in init initctl; do file=$(BUILD)/cross/$*/$$program; \
		echo "$$file: $$(wc -c <$$file) bytes"; \
		! readelf -lW $$file | grep -E 'INTERP|DYNAMIC' || exit; done

$(BUILD)/cross/%/sysroot/musl-gcc: tests/tools/sysroot.sh
	tests/tools/sysroot.sh $* $(@D)

# The programs as the tests run them, see tests/harness/emulated.py: those of i386 as they are, where
# the kernel runs them, the others by scripts of the same names that run them in an emulator. qemu's
# name for a machine may differ.
QEMU     = qemu-$(or $(patsubst armv7,arm,$(filter armv7,$(ARCH))),$(ARCH))-static
TESTED   = $(BUILD)/cross/$(ARCH)/tested/
$(TESTED)%: ALWAYS | cross-$(ARCH)
	@mkdir -p $(@D)
	@program=$(abspath $(BUILD)/cross/$(ARCH)/$*); rm -f $@; \
	if [ $(ARCH) = i386 ] && $$program --version >/dev/null 2>&1; then cp $$program $@; \
	else printf '#!/bin/sh\nexec %s -0 "$$0" %s "$$@"\n' $$(command -v $(QEMU)) $$program >$@; fi
	@chmod +x $@

CROSS_TESTS = start signals reap exit end options channel_exec channel_verbs channel_input
test-cross: cross-$(ARCH) $(TESTED)init $(TESTED)initctl $(BUILD)/probe ## test what was built for ARCH, as in ARCH=armv7
	INIT=$(TESTED)init INITCTL=$(TESTED)initctl $(RUN) \
		$(foreach t,$(CROSS_TESTS),$(wildcard tests/*/test_$t.py))

# ---- lint

OWN_C    = $(INIT_SRC) $(wildcard src/initctl/*.c)
C_FILES  = $(OWN_C) $(wildcard tests/*.c tests/embed/*.c tests/unit/*.c tests/fuzz/*.c tests/tools/*.c)
SCRIPTS  = $(wildcard tests/*.sh tests/tools/*.sh tests/kernel/*.sh src/package/*.sh src/completion/*.bash .ci/run)
MUSL_INC = $(firstword $(wildcard /usr/include/*-linux-musl /usr/lib/musl/include))
CLANG_MUSL = clang -nostdinc -isystem $(MUSL_INC) -isystem $$(clang -print-resource-dir)/include
# Runs a command for each file, two at a time; the file stands in $$f.
each     = printf '%s\n' $(1) | xargs -P 2 -I FILE sh -c 'f=FILE; $(2) || exit 255'
compile  = $(STRICT) -Isrc/initctl -O2 -c -o /dev/null

lint: lint-includes lint-format lint-compile lint-analyse lint-text ## check includes, layout, warnings, analysers, scripts, manuals
	@echo "lint: clean"

lint-includes:
	tests/tools/includes.sh

lint-format:
	@echo "clang-format"
	@clang-format --dry-run -Werror $(C_FILES) $(HEADERS) $(wildcard tests/unit/*.h)

lint-compile:
	@echo "gcc, musl-gcc, clang with glibc and clang with musl"
	@$(call each,$(C_FILES),for cc in gcc musl-gcc clang "$(CLANG_MUSL)"; do $$cc $(compile) $$f || exit; done)
	@echo "gcc: names in tables that fill their array, without a NUL"
	@! gcc $(filter-out -Werror,$(STRICT)) -Wc++-compat -fsyntax-only $(OWN_C) 2>&1 | grep initializer-string

# clang-tidy is run for each file separately: version 14 mixes up the va_lists of several files.
lint-analyse:
	@echo "clang-tidy, gcc -fanalyzer, cppcheck"
	@$(call each,$(OWN_C),clang-tidy --quiet $$f -- $(STRICT) 2>/dev/null)
	@$(call each,$(OWN_C),gcc $(compile) -fanalyzer $$f)
	@cppcheck --quiet --error-exitcode=1 --std=c11 -D_GNU_SOURCE --inline-suppr \
		--enable=warning,performance,portability $(C_FILES)

lint-text:
	@echo "shell scripts and manuals"
	@for f in $(SCRIPTS); do bash -n $$f || exit; done
	@mandoc -T lint -W warning $(wildcard src/man/*)

.PHONY: deps deps-docker deps-kernel deps-engines units asan check test test-asan test-valgrind \
	test-docker test-escape escape-table test-engine test-engines engines-table test-kernel \
	mutants-check mutants-sample fuzz demo bench pictures cross $(CROSS:%=cross-%) test-cross lint lint-includes lint-format \
	lint-compile lint-analyse lint-text
