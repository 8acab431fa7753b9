#!/bin/bash
# amt-setupbin check, show, next, variables: on sound files, and on whatever else there is.
set -eu
# shellcheck source=tests/support/setupbin.inc
. "$(dirname "$0")/../../support/setupbin.inc"
partly=$samples/v2.1-partly-used.bin

# Sound files.
status 0 "$S" check "$partly"
says out 'version 2.1, 4 records, 2 consumed, 2 left, next is 3, PID SAMP-LE3X'
says out 'sound'
status 0 "$S" check - <"$partly"
# shellcheck disable=SC2002 # a pipe is what is tried here
cat "$partly" | status 0 "$S" check -
status 0 "$S" check --quiet "$partly"
[ ! -s out ] || fail "--quiet says something of a sound file"

# A warning is printed, and counts only under --strict.
acu=$samples/v4.0-acu-wizard.bin
status 0 "$S" check "$acu"
says out '[needs-host-name]'
status 1 "$S" check --strict "$acu"
says out 'not sound'

# Findings as JSON.
status 1 "$S" check --json "$samples/v2.1-odd.bin"
jq -e '.sound == false and .errors == 11 and (.findings | length) == .errors + .warnings + .notes
	and (.findings[] | select(.rule == "runs-out") | .record == 2)' out >/dev/null ||
	fail "the JSON of check"
status 0 "$S" check --json "$partly"
jq -e '.sound and .findings == [] and .left == 2 and .next == 3 and .next_pid == "SAMP-LE3X"' out \
	>/dev/null || fail "the JSON of check"
status 1 "$S" check --json /dev/null
jq -e '.findings[0].severity == "error"' out >/dev/null || fail "the JSON of check"

# What is not a setup.bin, what is cut, what lies about itself.
head -c 1000 "$partly" >cut.bin
head -c 100 "$partly" >short.bin
: >empty.bin
cp "$partly" liar.bin
printf '\xff\xff\xff\xff' | dd of=liar.bin bs=1 seek=28 conv=notrunc 2>/dev/null
for f in cut.bin short.bin empty.bin liar.bin /dev/null /dev/zero "$BIN/amt-setupbin" new.txt; do
	status 1 timeout 20 "$S" check "$f"
	says out 'error'
	status 1 timeout 20 "$S" check - <"$f"
done
for f in short.bin empty.bin /dev/null /dev/zero new.txt; do
	status 2 timeout 20 "$S" show "$f"
	status 2 timeout 20 "$S" next "$f"
done
for verb in check show next; do
	status 2 "$S" $verb nowhere.bin
	says err 'No such file'
	status 2 "$S" $verb .
	says err 'Is a directory'
	status 2 "$S" $verb
	status 2 "$S" $verb "$partly" "$partly"
done
# As far as it goes, and then what is wrong.
status 2 "$S" show cut.bin
says err 'ends before record 1 is complete'
status 2 timeout 20 "$S" show liar.bin
says out SAMPLE4Y
says err 'ends before record 5 is complete'

# Secrets are shown only when asked for.
status 0 "$S" show "$partly"
lacks out 'Sample#'
lacks out MA3D
says out SAMPLE3X
status 0 "$S" show --secrets "$partly"
says out 'Sample#3'
says out MA3D
status 0 "$S" show --json "$partly"
lacks out 'Sample#'
jq -e '.header.masked and (.records | length) == 4' out >/dev/null || fail "the JSON of show"

# Text in a file does not write to the terminal.
jq '.records[0].variables += [{"name": "support-channel-description", "value": "a\u009b31m\u001b[2J"}]' \
	"$samples/v1.0-example-pair.json" >escape.json
status 0 "$S" create -o escape.bin --json escape.json
status 0 "$S" show escape.bin
! grep -q "$(printf '\033')" out || fail "an escape sequence was printed"

# The next record.
status 0 "$S" next "$partly"
says out 'record 3 of 4, PID SAMP-LE3X, offset 1536'
status 0 "$S" next --json "$partly"
jq -e '.record == 3 and .pid == "SAMP-LE3X" and .offset == 1536' out >/dev/null ||
	fail "the JSON of next"
status 0 "$S" next "$acu"
says out 'record 1 of 1, PID none'
cp "$partly" used.bin
printf '\4' | dd of=used.bin bs=1 seek=32 conv=notrunc 2>/dev/null
status 1 "$S" next used.bin
says err 'none is left: 4 of 4 consumed'
status 1 "$S" next --json used.bin
jq -e '.record == null' out >/dev/null || fail "the JSON of next"
printf '\1' | dd of=used.bin bs=1 seek=32 conv=notrunc 2>/dev/null
status 1 "$S" next used.bin
says err 'marked as consumed'

# The variables: those of a sample that has each which its version carries.
status 0 "$S" variables
says out 'user-defined-cert-add'
status 0 "$S" variables --json
jq -e '.[] | select(.name == "pps") | .secret and .min_bytes == 32' out >/dev/null ||
	fail "the JSON of variables"
jq -r '.records[].variables[].name' "$samples/v3.0-every-variable.json" | sort -u >sampled
jq -r '.[] | select(.since <= "3.0") | .name' out | sort | diff sampled - ||
	fail "v3.0-every-variable (<) has not every variable (>)"

# A full disk under standard output is noticed.
if [ -w /dev/full ]; then
	for verb in 'show --json' show check next; do
		got=0
		# shellcheck disable=SC2086 # a verb and its option
		"$S" $verb "$partly" >/dev/full 2>err || got=$?
		[ $got = 2 ] || fail "$verb: a full disk gives status $got"
	done
fi
