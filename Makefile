# Builds init and initctl. "make help" lists the targets. CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR
# and the names of the directories below may be set on the command line; V=1 prints the commands.
PREFIX   = /usr/local
BUILD    = build

.DEFAULT_GOAL = all

# "make deps test": the dependencies come first whatever -j says, and another make does the
# rest, so that it finds the compiler and the tools that have just been installed.
FIRST   := $(filter deps deps-%,$(MAKECMDGOALS))
THEN    := $(filter-out $(FIRST),$(MAKECMDGOALS))
ifneq ($(and $(FIRST),$(THEN)),)
.PHONY: $(MAKECMDGOALS)
$(firstword $(MAKECMDGOALS)):
	+@$(MAKE) --no-print-directory $(FIRST)
	+@$(MAKE) --no-print-directory $(THEN)
$(filter-out $(firstword $(MAKECMDGOALS)),$(MAKECMDGOALS)): $(firstword $(MAKECMDGOALS)); @:
else

ifeq ($(origin CC),default)
CC      := $(if $(shell command -v musl-gcc 2>/dev/null),musl-gcc,gcc)
endif

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum
STRICT   = -std=gnu11 -D_GNU_SOURCE -Isrc $(WARNINGS) -Werror
# -Oz        a quarter smaller than -O2 (14 kB), and as fast where the kernel does the work
# -flto      inlines across files: 2.3 kB; clang would need a linker plugin, and does without
# -fno-asynchronous-unwind-tables  no tables to unwind by, which C does not need: 6.1 kB
# -fno-pie   a static program needs no relocations: 0.8 kB
LTO     := $(if $(shell $(CC) --version 2>/dev/null | grep clang),,-flto)
CFLAGS   = -Oz $(LTO) -fno-asynchronous-unwind-tables -fno-pie
# -static, -s, --gc-sections   no libraries, no symbols, nothing that nobody calls: 17 kB
# --sort-section  puts SECTION_LAST of base/section.h behind all other data: 8 kB of resident memory
# -z noseparate-code, norelro  code, constants and data share pages: 8.4 kB
# -z common-page-size          no room is left between code and data: up to 4 kB
# -nostartfiles  of the files that GCC starts a program with, musl's alone; the others are for C++: 0.7 kB
START   := $(if $(findstring musl,$(CC)),-nostartfiles -l:crt1.o)
LDFLAGS  = -static -s $(START) -Wl,--gc-sections,--sort-section=name,-z,noseparate-code,-z,norelro,-z,common-page-size=64
ALL_CFLAGS = $(STRICT) $(CFLAGS)

MODULES  = $(foreach d,pid1 channel container process base,$(wildcard src/$d/*.c))
INIT_SRC = init.c $(MODULES)
LIB_SRC  = src/initctl/client.c $(patsubst %,src/base/%.c,number seqpacket text wire)
CTL_SRC  = $(sort $(wildcard src/initctl/*.c) $(LIB_SRC) $(patsubst %,src/base/%.c,devices error file log mountfd nskind sys))
HEADERS  = $(wildcard src/*/*.h)
objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# One line for each file that is made, none with -s, the whole command with V=1.
SILENT   = $(findstring s,$(firstword -$(MAKEFLAGS)))
Q        = $(if $(V),,@)
note     = $(if $(or $(V),$(SILENT)),,@printf '  %-7s %s\n' $(1) $(2))

all: $(BUILD)/init $(BUILD)/initctl $(BUILD)/libinitctl.a ## build init, initctl and libinitctl.a

$(BUILD)/init: $(call objects,$(INIT_SRC))
$(BUILD)/initctl: $(call objects,$(CTL_SRC))
$(BUILD)/init $(BUILD)/initctl:
	$(call note,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^
	$(if $(SILENT),,@echo "$@: $$(wc -c <$@) bytes, built with $(CC) ($(if $(findstring \
		musl,$(CC)),musl,the C library of $(CC)))")

# One object, in which nothing but the functions of initctl.h is global.
$(BUILD)/libinitctl.a: $(LIB_SRC:%.c=$(BUILD)/lib/%.o)
	$(call note,AR,$@)
	$(Q)$(CC) -fno-lto -nostdlib -r -o $(BUILD)/lib/initctl.o $^
	$(Q)$$($(CC) -print-prog-name=objcopy) -w --keep-global-symbol='initctl_*' $(BUILD)/lib/initctl.o
	$(Q)rm -f $@ && $$($(CC) -print-prog-name=ar) rcs $@ $(BUILD)/lib/initctl.o

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call note,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The library is linked by other compilers and into other programs: no LTO, and any address.
$(BUILD)/lib/%.o: %.c $(BUILD)/flags
	$(call note,CC,'$< (library)')
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fno-lto -fPIC -MMD -MP -c -o $@ $<

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(INIT_SRC) $(CTL_SRC)) $(LIB_SRC:%.c=$(BUILD)/lib/%.d)

# Changes when the compiler or its flags do.
$(BUILD)/flags: ALWAYS
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS)' >$@

debug: ## build without optimisation and with symbols, into build/debug
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/debug CFLAGS='-O0 -g' LDFLAGS=-static all

# The name that init is installed under; packages choose another, as every system has an init.
INIT_NAME = init
LIBDIR   = $(PREFIX)/lib
MANDIR   = $(PREFIX)/share/man
BASHDIR  = $(PREFIX)/share/bash-completion/completions
ZSHDIR   = $(PREFIX)/share/zsh/site-functions
FISHDIR  = $(PREFIX)/share/fish/vendor_completions.d
VERSION  = $(shell sed -n 's/^.define INIT_VERSION "\(.*\)"/\1/p' src/base/version.h)

completions = src/completion/$(1).bash:644:$(BASHDIR)/$(2) src/completion/$(1).zsh:644:$(ZSHDIR)/_$(2) \
           src/completion/$(1).fish:644:$(FISHDIR)/$(2).fish
# File, mode, destination.
INSTALL  = $(BUILD)/init:755:$(PREFIX)/bin/$(INIT_NAME) $(BUILD)/initctl:755:$(PREFIX)/bin/initctl \
           $(foreach page,$(wildcard src/man/*.[1-9]), \
             $(page):644:$(MANDIR)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page))) \
           $(call completions,init,$(INIT_NAME)) $(call completions,initctl,initctl) \
           src/initctl/initctl.h:644:$(PREFIX)/include/initctl.h \
           $(BUILD)/libinitctl.a:644:$(LIBDIR)/libinitctl.a \
           $(BUILD)/initctl.pc:644:$(LIBDIR)/pkgconfig/initctl.pc

$(BUILD)/initctl.pc: src/initctl/initctl.pc.in ALWAYS
	@sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|^libdir=.*|libdir=$(LIBDIR)|' $< >$@

install: all $(BUILD)/initctl.pc ## install below DESTDIR/PREFIX
	@for item in $(INSTALL); do IFS=:; set -- $$item; \
		echo "install $(DESTDIR)$$3"; install -D -m $$2 $$1 $(DESTDIR)$$3 || exit; unset IFS; done

uninstall: ## remove what install has installed
	rm -f $(foreach item,$(INSTALL),$(DESTDIR)$(lastword $(subst :, ,$(item))))

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1#\2/p' $(MAKEFILE_LIST) | awk -F'#' \
		'{printf "%-22s %s\n", $$1, $$2}'

ALWAYS:
.PHONY: all debug install uninstall clean help ALWAYS

-include src/package/package.mk tests/tests.mk
endif
