# One-touch AMT kit. Targets: see "make help". Every folder is a static library of its
# files plus programs: program P of a folder is P.c and P-*.c there, the rest is the library.

VERSION  := 0.1.0
B        ?= build
PREFIX   ?= /usr/local

OPT      ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
            -Wpointer-arith -Wwrite-strings -Wno-unused-parameter \
            -Wno-missing-field-initializers $(WERROR)
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZE ?=
PC       := libcrypto libssl blkid fdisk sqlite3 libevent_core libevent_extra libcurl \
            libxml-2.0 jansson inih libmicrohttpd gnutls
override CFLAGS += -std=c11 -D_GNU_SOURCE -I. $(OPT) $(WARN) $(HARDEN) $(SANITIZE) -MMD -MP \
            -DKIT_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PC) 2>/dev/null)
override LDFLAGS += $(SANITIZE) -Wl,--as-needed
LIBS     := $(shell pkg-config --libs $(PC) 2>/dev/null) -lpthread -lm

FOLDERS  := keygen setupbin ukpu server
PROGRAMS := keygen/amt-keygen setupbin/amt-setupbin ukpu/ukpu server/amt-provisiond \
            server/amt-provisionctl samples/amt-sim
BIN      := $(addprefix $B/bin/,$(notdir $(PROGRAMS)))

# Files of a program: its main and the files named after it.
files     = $(wildcard $1.c $1-*.c)
objects   = $(patsubst %.c,$B/%.o,$1)
MAINS    := $(foreach p,$(PROGRAMS),$(call files,$p))
LIBRARY  := $(foreach d,$(FOLDERS),$B/lib/lib$d.a)
# Upper floors first, as the linker wants them.
FLOORS   := $B/lib/libserver.a $B/lib/libukpu.a $B/lib/libsetupbin.a $B/lib/libkeygen.a

.PHONY: all deps demo check check-peers check-usb bench soak fuzz lint install clean help
.DEFAULT_GOAL := all

# "make V=1" shows the commands in full.
Q         = $(if $V,,@)
say       = $(if $V,:,printf '  %-4s %s\n' $1 $(@:$B/%=%))

all: $(BIN)

define folder_rules
$B/lib/lib$1.a: $(call objects,$(filter-out $(MAINS),$(wildcard $1/*.c)))
endef
$(foreach d,$(FOLDERS),$(eval $(call folder_rules,$d)))

$(LIBRARY):
	@mkdir -p $(@D)
	@rm -f $@; $(call say,AR)
	$Qar rcs $@ $^

define program_rules
$B/bin/$(notdir $1): $(call objects,$(call files,$1)) $(FLOORS)
	@mkdir -p $$(@D); $$(call say,LD)
	$$Q$(CC) $(LDFLAGS) -o $$@ $$^ $(LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$p)))

$B/%.o: %.c Makefile
	@mkdir -p $(@D); $(call say,CC)
	$Q$(CC) $(CFLAGS) -c -o $@ $<

# Tests: every tests/test_*.c is one program of Check suites; tests/support-*.c helps them all.
TESTS    := $(patsubst tests/%.c,$B/tests/%,$(wildcard tests/test_*.c))
SUPPORT  := $(call objects,$(wildcard tests/support-*.c))
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null)

$B/tests/test_%: $B/tests/test_%.o $(SUPPORT) $(FLOORS)
	@mkdir -p $(@D); $(call say,LD)
	$Q$(CC) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS)

# Fuzzers: replayed over tests/corpus by an ordinary main in "check", run by libFuzzer in "fuzz".
FUZZERS  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS  := $(addprefix $B/tests/replay_,$(FUZZERS))
$B/tests/replay_fuzz_%: $B/tests/fuzz/fuzz_%.o $B/tests/fuzz/replay.o $(FLOORS)
	@mkdir -p $(@D); $(call say,LD)
	$Q$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)

clean:
	rm -rf $B
