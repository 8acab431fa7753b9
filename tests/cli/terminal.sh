#!/bin/bash
# At a terminal: secrets are asked for and stay hidden, long work shows a bar, pipes get none.
set -eu
command -v script >/dev/null || { echo "script (bsdutils) is not installed"; exit 77; }
fail() { echo "FAIL: $*"; exit 1; }
# terminal INPUT COMMAND: runs it on a terminal of its own; what it showed is in "shown".
terminal() {
	(sleep 0.5; printf '%s\n' "$1"; sleep 1) | script -qec "$2" shown >/dev/null
}
terminal 'P@ssw0rd' "'$BIN/amt-keygen' generate -n 1 --map map.db --new-password-file -" ||
	fail "the typed password was not taken: $(cat shown)"
grep -q 'new MEBx password: ' shown || fail "no prompt"
grep -q 'P@ssw0rd' shown && fail "the password was shown"
if terminal 'short' "'$BIN/amt-keygen' generate -n 1 --map map.db --new-password-file -"; then
	fail "a bad password was taken"
fi
grep -q '8 to 32 characters' shown || fail "the rule is not named: $(cat shown)"
terminal '' "'$BIN/amt-keygen' generate -n 3000000 --output big.csv" || fail "generate"
grep -q 'making pairs \[#*\.*\]' shown || fail "no progress bar on a terminal"
"$BIN/amt-keygen" generate -n 3000000 --output big.csv --force 2>err
grep -q 'making pairs' err && fail "a progress bar in a file"
echo ok
