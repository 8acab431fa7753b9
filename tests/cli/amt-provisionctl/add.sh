#!/bin/bash
# amt-provisionctl keys add: typed at a terminal, unseen, checked as typed; or from files.
set -eu
# shellcheck source=tests/support/terminal.inc
. "$TOP/tests/support/terminal.inc"
fail() { echo "FAIL: $*"; exit 1; }
PPS=NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ
umask 077
printf 'P@ssw0rd\n' >new.txt
# typed LINE...: types a line after each question, at a terminal of its own; what it showed is in
# "shown". What is typed before a question would be thrown away.
typed() {
	rm -f shown
	{ for line; do answer "$line"; done; wait_shown grep -q '^Script done'; } |
		script -qefc "'$BIN/amt-provisionctl' keys add -m map.db --new-password-file new.txt" \
			shown >/dev/null
}
answer() {
	wait_shown asked
	answered=$(stat -c %s shown)
	printf '%s\n' "$1"
}
asked() { [ "$(stat -c %s "$1")" != "$answered" ] && [ "$(tail -c 2 "$1")" = ': ' ]; }
# wait_shown COMMAND...: until the command, with the file after it, succeeds; 30 seconds at most.
wait_shown() {
	local end=$((SECONDS + 30))
	until [ -s shown ] && "$@" shown; do
		[ $SECONDS -le $end ] || return 0
		sleep 0.05
	done
}
answered=0
state() { "$BIN/amt-provisionctl" keys show -m map.db "$1" --json | jq -r .state; }

typed 0000-037M $PPS || fail "not added: $(cat shown)"
[ "$(state 0000-037M)" = free ] || fail "it is not in the map"
grep -q 'NKLD' shown && fail "the PPS was shown"
grep -q '0000-037M added' shown || fail "not said: $(cat shown)"
typed 0000-037M $PPS || fail "the same pair again: $(cat shown)"
grep -q 'already' shown || fail "not counted: $(cat shown)"

# Mistyped: it says what, and asks again; the group that is wrong is named, not its characters.
typed 0000-037N 0000-038N "${PPS/E9YZ/E9YX}" $PPS || fail "a second try: $(cat shown)"
grep -q 'group 4 of 8' shown || fail "the group is not named: $(cat shown)"
grep -q 'E9Y' shown && fail "a part of the PPS was shown"
[ "$(state 0000-038N)" = free ] || fail "it is not in the map"
if typed 0000-039O A B C; then fail "three wrong tries were taken"; fi
if "$BIN/amt-provisionctl" keys show -m map.db 0000-039O >/dev/null 2>&1; then fail "it came in"; fi

# Another PPS for a PID that is there.
if typed 0000-037M AAAF-AAAF-AAAF-AAAF-AAAF-AAAF-AAAF-AAAF; then fail "a second PPS was taken"; fi
grep -q 'another PPS' shown || fail "$(cat shown)"

# Ctrl-C at the hidden question: the program ends, and the terminal shows again what is typed.
rm -f shown
{ answer 0000-03CY; wait_shown asked; printf '\003'; wait_shown grep -q '^Script done'; } |
	SHELL=/bin/sh script -qefc "trap : INT; '$BIN/amt-provisionctl' keys add -m map.db; echo status \$?
		stty -a" shown >/dev/null || fail "$(cat shown)"
grep -q 'status 130' shown || fail "Ctrl-C does not end it: $(cat shown)"
grep -q 'iexten echo ' shown || fail "the echo stays off: $(cat shown)"

# From files; without a terminal and without them it is refused.
printf '%s\n' $PPS >pps.txt
"$BIN/amt-provisionctl" keys add -m map.db --pid 000003ADZ --pps-file pps.txt 2>err &&
	fail "a PID of nine characters"
"$BIN/amt-provisionctl" keys add -m map.db --pid 0000-03AW --pps-file pps.txt 2>err ||
	fail "from a file: $(cat err)"
grep -q 'new MEBx password' err || fail "no warning that the password is not known"
chmod 644 pps.txt
"$BIN/amt-provisionctl" keys add -m map.db --pid 0000-03BX --pps-file pps.txt 2>err &&
	fail "a PPS that others can read"
"$BIN/amt-provisionctl" keys add -m map.db </dev/null 2>err && fail "without a terminal"
echo ok
