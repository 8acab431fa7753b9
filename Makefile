# One-touch AMT kit. Targets: see "make help".

VERSION  := 0.1.0
B        ?= build
PREFIX   ?= /usr/local
# Where the server's configuration is, for the programs, the unit and the pages.
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)

OPT      ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
            -Wpointer-arith -Wwrite-strings -Wno-unused-parameter \
            -Wno-missing-field-initializers $(WERROR)
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZE ?=
PC       := libcrypto libssl blkid fdisk sqlite3 libevent_core libcurl \
            libxml-2.0 jansson inih libmicrohttpd gnutls libnewt slang libsystemd libcares smartcols
override CFLAGS += -std=c11 -D_GNU_SOURCE -I. $(OPT) $(WARN) $(HARDEN) $(SANITIZE) -MMD -MP \
            -DKIT_VERSION='"$(VERSION)"' -DKIT_SYSCONFDIR='"$(SYSCONFDIR)"' \
            $(shell pkg-config --cflags $(PC) 2>/dev/null)
override LDFLAGS += $(SANITIZE) -Wl,--as-needed
LIBS     := $(shell pkg-config --libs $(PC) 2>/dev/null) -lpthread -lm

# The folders of libraries, upper floors first, as the linker wants them. What stands in
# one is one library; the folders of a program are its main and its own files.
FOLDERS  := samples/amt-sim server/admin server/setup server/hello server/core server/keymap \
            ukpu/stick ukpu/drive ukpu/format amt setupbin keygen common
PROGRAMS := amt-keygen amt-setupbin ukpu amt-provisiond amt-provisionctl amt-sim
amt-keygen       := keygen/cli
amt-setupbin     := setupbin/cli
ukpu             := ukpu/cli ukpu/wizard
amt-provisiond   := server
amt-provisionctl := server/ctl
amt-sim          := samples/amt-sim/cli
BIN      := $(addprefix $B/bin/,$(PROGRAMS))
SHIPPED  := $(sort $(FOLDERS) $(foreach p,$(PROGRAMS),$($p)))

sources   = $(foreach d,$1,$(wildcard $d/*.c))
objects   = $(patsubst %.c,$B/%.o,$1)
library   = $B/lib/$(subst /,-,$1).a
FLOORS   := $(foreach d,$(FOLDERS),$(call library,$d))

.PHONY: all deps demo check check-peers check-usb bench soak fuzz lint sanitize coverage valgrind
.PHONY: install uninstall dist deb clean help
.DEFAULT_GOAL := all

# "make V=1" shows the commands in full.
Q         = $(if $V,,@)
say       = $(if $V,:,printf '  %-4s %s\n' $1 $(@:$B/%=%))

all: $(BIN)

# Say so once, rather than by a header that the compiler does not find.
# A file that stays, so that there is nothing to make when all is made.
$B/libraries: Makefile
	@mkdir -p $(@D)
	@command -v pkg-config >/dev/null && pkg-config --exists $(PC) || \
	    { echo "Packages that it is built with are missing. Run: make deps" >&2; exit 2; }
	@touch $@

define folder_rules
$(call library,$1): $(call objects,$(call sources,$1))
endef
$(foreach d,$(FOLDERS),$(eval $(call folder_rules,$d)))

$(FLOORS):
	@mkdir -p $(@D)
	@rm -f $@; $(call say,AR)
	$Qar rcs $@ $^

define program_rules
$B/bin/$1: $(call objects,$(call sources,$($1))) $(FLOORS)
	@mkdir -p $$(@D); $$(call say,LD)
	$$Q$(CC) $(LDFLAGS) -o $$@ $$^ $(LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$p)))

$B/%.o: %.c Makefile | $B/libraries
	@mkdir -p $(@D); $(call say,CC)
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Programs that know it are built again when it changes.
.PHONY: look
$B/sysconfdir: $(if $(filter $(SYSCONFDIR),$(file <$B/sysconfdir)),,look)
	@mkdir -p $(@D); echo '$(SYSCONFDIR)' >$@
$(call objects,$(call sources,server server/core server/ctl)): $B/sysconfdir

# Tests: every tests/unit/FOLDER/test_*.c is one program of Check suites for a noun of that folder;
# tests/support helps them all, and has their main(). tests/cli/test_commands runs the scripts of
# the command lines.
UNITS    := $(patsubst %.c,$B/%,$(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))
COMMANDS := $B/tests/cli/test_commands
SUITE    := $B/lib/tests-main.a
SUPPORT  := $(filter-out %/main.o,$(call objects,$(call sources,tests/support)))
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null)

$(SUITE): $B/tests/support/main.o
	@mkdir -p $(@D); $(call say,AR)
	$Qar rcs $@ $^
$(UNITS): $(SUITE)
$(UNITS) $(COMMANDS): %: %.o $(SUPPORT) $(FLOORS)
	@mkdir -p $(@D); $(call say,LD)
	$Q$(CC) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS)

# Fuzzers: replayed over tests/corpus by an ordinary main in "check", run by libFuzzer in "fuzz".
FUZZERS  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS  := $(addprefix $B/tests/replay_,$(FUZZERS))
$B/tests/replay_fuzz_%: $B/tests/fuzz/fuzz_%.o $B/tests/fuzz/replay.o $(SUPPORT) $(FLOORS)
	@mkdir -p $(@D); $(call say,LD)
	$Q$(CC) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS)

# What "all", "check" and the lint pass need on Debian 12.
PACKAGES := gcc make pkg-config libc6-dev libssl-dev libblkid-dev libfdisk-dev libsqlite3-dev \
            libevent-dev libcurl4-openssl-dev libxml2-dev libjansson-dev libinih-dev \
            libmicrohttpd-dev libgnutls28-dev libnewt-dev libsystemd-dev libc-ares-dev \
            libsmartcols-dev
CHECK_PACKAGES := check sqlite3 dosfstools e2fsprogs mtools sleuthkit fdisk jq curl \
                  python3-minimal tmux openssl iproute2 bsdutils procps zsh
LINT_PACKAGES  := clang libclang-rt-14-dev shellcheck cppcheck mandoc git

help:
	@echo "make all          build the programs into $B/bin (no root, no network)"
	@echo "make deps         install what all needs and is missing"
	@echo "make demo         install what is missing, build, and set up simulated devices end to end"
	@echo "make check        install what is missing, build, and pass all tests"
	@echo "make check-peers  try other people's programs against ours (skips what is not installed)"
	@echo "make check-usb    try sticks on a real USB stack in QEMU"
	@echo "make bench        measure against named references"
	@echo "make soak         ten minutes of mixed peers against the server, kills of it, forgers"
	@echo "make fuzz         run every fuzz target for FUZZ_SECONDS (default 60)"
	@echo "make lint         static checks"
	@echo "make sanitize     all tests and fuzz seeds with address and undefined behaviour sanitizers"
	@echo "make coverage     line coverage of the libraries"
	@echo "make valgrind     the unit tests and fuzz seeds under valgrind"
	@echo "make deb          Debian packages from what is committed; make dist: a tarball"
	@echo "make install      into PREFIX (default /usr/local), under DESTDIR if given; make uninstall"
	@echo "make clean        remove $B"

deps:
	@tests/tools/deps.sh $(PACKAGES)

# Sub-makes, because pkg-config can answer only after the packages are there.
demo:
	@tests/tools/deps.sh $(PACKAGES) sqlite3 curl
	@$(MAKE) --no-print-directory all
	@BIN=$B/bin samples/demo.sh

check:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES)
	@$(MAKE) --no-print-directory run-tests

# Lanes side by side: the command lines, which mostly wait, in three, and the unit tests.
.PHONY: run-tests run-units run-replays
run-units: $(UNITS) run-replays
	@status=0; for t in $(UNITS); do $$t || status=1; done; exit $$status

run-tests: $(BIN) $(UNITS) $(COMMANDS) run-replays
	@status=0; lanes=; \
	for lane in 0 1 2; do \
	    $(COMMANDS) $B/bin 'tests/cli/*/*.sh' $$lane/3 >$B/tests/commands$$lane.log 2>&1 & \
	    lanes="$$lanes $$!"; done; \
	for t in $(UNITS); do $$t || status=1; done; \
	for lane in $$lanes; do wait $$lane || status=1; done; cat $B/tests/commands?.log; \
	if [ $$status = 0 ]; then echo "All tests passed."; else echo "Some tests FAILED." >&2; fi; \
	exit $$status

run-replays: $(REPLAYS)
	@for f in $(FUZZERS); do $B/tests/replay_$$f tests/corpus/$$f || exit 1; done

# Other people's programs against ours; each script says why when it skips.
PEER_PACKAGES := amtterm libsoap-lite-perl jq
PEERS    := $(patsubst %.c,$B/%,$(wildcard tests/peers/*.c))
$(PEERS): %: %.o
	@mkdir -p $(@D); $(call say,LD)
	$Q$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
check-peers:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES) $(PEER_PACKAGES)
	@$(MAKE) --no-print-directory all $(COMMANDS) $(PEERS)
	@$(COMMANDS) $B/bin 'tests/peers/*.sh'

# Sticks on a real USB stack: a Debian kernel in QEMU.
USB_PACKAGES := qemu-system-x86 qemu-utils ovmf mtools busybox-static cpio kmod fdisk dosfstools \
                python3-minimal
check-usb:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES) $(USB_PACKAGES)
	@$(MAKE) --no-print-directory all
	@BIN=$B/bin tests/usb/run || [ $$? = 77 ]

soak:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES)
	@$(MAKE) --no-print-directory all $(BENCHES)
	@BIN=$B/bin tests/soak/run.sh
	@BIN=$B/bin tests/soak/kills.sh
	@BIN=$B/bin tests/soak/pki-kills.sh
	@BIN=$B/bin tests/soak/attack.sh

FUZZ_SECONDS ?= 60
fuzz:
	@tests/tools/deps.sh $(PACKAGES) $(LINT_PACKAGES)
	@$(MAKE) --no-print-directory B=$B-fuzz CC=clang HARDEN= \
	    SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" \
	    run-fuzzers

$B/tests/live_fuzz_%: $B/tests/fuzz/fuzz_%.o $(SUPPORT) $(FLOORS)
	@mkdir -p $(@D); $(call say,LD)
	$Q$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(CHECK_LIBS) $(LIBS)

.PHONY: run-fuzzers
run-fuzzers: $(addprefix $B/tests/live_,$(FUZZERS))
	@for f in $(FUZZERS); do mkdir -p $B/corpus/$$f; echo "$$f: $(FUZZ_SECONDS) s"; \
	    $B/tests/live_$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
	        -print_final_stats=1 -artifact_prefix=$B/corpus/crash-$$f- $B/corpus/$$f tests/corpus/$$f \
	        || exit 1; done

# All tests and fuzz seeds with sanitizers built in. Their reports go into files, as a test may
# expect a program to fail. Instrumented code makes the compiler guess at lengths that it knows
# otherwise: warnings are judged elsewhere. With COUNT=--coverage the same run counts the lines, too.
COUNT    ?=
sanitize:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES)
	@rm -rf $(if $(COUNT),$B/asan,$B/asan/report.*)
	@ASAN_OPTIONS=detect_leaks=1:log_path=$(abspath $B/asan/report) UBSAN_OPTIONS=print_stacktrace=1 \
	    LSAN_OPTIONS=suppressions=$(abspath tests/tools/leaks.supp):print_suppressions=0 \
	    $(MAKE) --no-print-directory B=$B/asan WERROR= HARDEN= OPT='-O1 -g' run-tests \
	        SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined \
	            -fno-omit-frame-pointer $(COUNT)'; status=$$?; \
	reports=$$(find $B/asan -maxdepth 1 -name 'report.*'); \
	if [ -n "$$reports" ]; then \
	    cat $$reports; echo "Sanitizers reported the above." >&2; status=1; fi; \
	[ -z "$(COUNT)" ] || tests/tools/coverage.sh $B/asan 85 || status=1; \
	exit $$status

# Line coverage of the libraries by all tests.
coverage:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES)
	@rm -rf $B-coverage
	@$(MAKE) --no-print-directory B=$B-coverage OPT='-O0 -g' HARDEN= SANITIZE=--coverage run-tests
	@tests/tools/coverage.sh $B-coverage 85

# The unit tests and fuzz seeds under valgrind, which sees what the sanitizers do not
# (uninitialised bytes).
valgrind:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES) valgrind
	@$(MAKE) --no-print-directory run-valgrind

# The programs, but the daemon under valgrind: an error is its exit status.
$B/valgrind/amt-provisiond: $(BIN)
	@mkdir -p $(@D); ln -sf $(abspath $B/bin)/* $(@D); rm -f $@
	@printf '#!/bin/sh\nexec valgrind --quiet --error-exitcode=9 %s "$$@"\n' \
	    $(abspath $B/bin/amt-provisiond) >$@; chmod +x $@

.PHONY: run-valgrind
run-valgrind: $(BIN) $(UNITS) $(REPLAYS) $(COMMANDS) $B/valgrind/amt-provisiond
	@status=0; export CK_FORK=no CK_DEFAULT_TIMEOUT=0 CK_EXCLUDE_TAGS="exec-fails file-limit"; \
	for t in $(UNITS); do echo "$$t"; \
	    valgrind --quiet --error-exitcode=9 $$t || status=1; done; \
	for f in $(FUZZERS); do \
	    valgrind --quiet --error-exitcode=9 $B/tests/replay_$$f tests/corpus/$$f || status=1; done; \
	$(COMMANDS) $B/valgrind tests/cli/amt-provisiond/stop.sh || status=1; \
	exit $$status

# Benchmarks: tests/bench/*.sh measure, with the reference programs of tests/bench/*.c.
BENCHES  := $(patsubst tests/bench/%.c,$B/tests/bench/%,$(wildcard tests/bench/*.c))
$B/tests/bench/%: $B/tests/bench/%.o $(FLOORS)
	@mkdir -p $(@D); $(call say,LD)
	$Q$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

bench:
	@tests/tools/deps.sh $(PACKAGES) $(CHECK_PACKAGES) bsdextrautils
	@$(MAKE) --no-print-directory run-bench

.PHONY: run-bench
run-bench: $(BIN) $(BENCHES)
	@BIN=$B/bin BENCH=$B/tests/bench tests/bench/run.sh $(PIECES)

lint:
	@tests/tools/deps.sh $(PACKAGES) $(LINT_PACKAGES)
	@tests/tools/lint.sh
	@$(MAKE) --no-print-directory analyze

# The static analyzer of clang over all that is shipped, a file at a time.
ANALYZED := $(patsubst %.c,$B/analyzed/%,$(call sources,$(SHIPPED)))
.PHONY: analyze
analyze: $(ANALYZED)
	@echo "clang analyzer: nothing found in $(words $(ANALYZED)) files"

$B/analyzed/%: %.c tests/tools/analyzer.h Makefile
	@mkdir -p $(@D); $(call say,SA)
	$Qclang --analyze -Xclang -analyzer-werror --analyzer-output text \
	    $(if $(filter common/error.c,$<),,-include tests/tools/analyzer.h) \
	    $(CFLAGS) -MT $@ -MF $@.d $<
	@touch $@

# Under DESTDIR, if given. Pages and completions belong to the programs; the sim stays here.
UNITDIR    ?= $(if $(filter /usr,$(PREFIX)),/lib,$(PREFIX)/lib)/systemd/system
BASHDIR     = $(PREFIX)/share/bash-completion/completions
ZSHDIR      = $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
SBIN       := ukpu amt-provisiond amt-provisionctl
USERBIN    := amt-keygen amt-setupbin
PAGES       = $(foreach d,$(filter-out samples/%,$(SHIPPED)),$(wildcard $d/*.[1578]))
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(UNITDIR) \
	    $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(SYSCONFDIR)/amt-provision
	install -m 755 $(addprefix $B/bin/,$(USERBIN)) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $B/bin/,$(SBIN)) $(DESTDIR)$(PREFIX)/sbin
	for p in $(USERBIN) $(SBIN); do \
	    $B/bin/$$p --completion bash >$(DESTDIR)$(BASHDIR)/$$p && \
	    $B/bin/$$p --completion zsh >$(DESTDIR)$(ZSHDIR)/_$$p || exit 1; done
	for page in $(PAGES); do \
	    installed=$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} && \
	    install -D -m 644 $$page $$installed && \
	    sed -i 's,/etc/amt-provision,$(SYSCONFDIR)/amt-provision,' $$installed || exit 1; done
	install -m 644 $(wildcard server/*.service server/*.socket) $(DESTDIR)$(UNITDIR)
	sed -i 's,/usr/sbin/,$(PREFIX)/sbin/,; s,/etc/amt-provision,$(SYSCONFDIR)/amt-provision,' \
	    $(DESTDIR)$(UNITDIR)/amt-provisiond.service
	[ -e $(DESTDIR)$(SYSCONFDIR)/amt-provision/amt-provisiond.conf ] || \
	    install -m 644 samples/amt-provisiond.conf $(DESTDIR)$(SYSCONFDIR)/amt-provision/

# All that install puts there, but for the configuration: that is a person's.
uninstall: all
	@tree=$$(mktemp -d) && $(MAKE) -s --no-print-directory -o all install DESTDIR=$$tree && \
	    (cd $$tree && find . -type f ! -path '.$(SYSCONFDIR)/*' -printf '%P\0') | \
	    (cd $(DESTDIR)/ && xargs -0 rm -fv --); status=$$?; rm -rf "$$tree"; exit $$status

# Packages are built from a clean tree: what is committed, nothing else.
DIST     := amt-one-touch-$(VERSION)
dist:
	@git rev-parse --git-dir >/dev/null || { echo "What git has committed is packed, so git has to" \
	    "know this tree. In an unpacked tarball: dpkg-buildpackage -us -uc -b" >&2; exit 2; }
	@mkdir -p $B
	git archive --format=tar.gz --prefix=$(DIST)/ -o $B/$(DIST).tar.gz HEAD
	@echo "$B/$(DIST).tar.gz"

deb: dist
	@tests/tools/deps.sh $(PACKAGES) debhelper dpkg-dev fakeroot lintian
	rm -rf $B/deb && mkdir -p $B/deb && tar -xzf $B/$(DIST).tar.gz -C $B/deb
	cd $B/deb/$(DIST) && dpkg-buildpackage -us -uc -b
	lintian --fail-on error $B/deb/*.changes
	@ls $B/deb/*.deb

.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)

clean:
	rm -rf $B
