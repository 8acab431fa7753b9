#!/bin/bash
# amt-keygen as a person uses it: generate into lists, map and setup.bin; check lists.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
umask 022
printf 'P@ssw0rd\n' >new.txt; chmod 600 new.txt

# Lists of each kind are made, private, and found sound.
for format in csv text json; do
	status 0 "$BIN/amt-keygen" generate -n 20 -f $format -o keys.$format --random-passwords
	grep -q 'no server knows' err || fail "no warning that no server knows the keys"
	[ "$(stat -c %a keys.$format)" = 600 ] || fail "keys.$format is not private"
	status 0 "$BIN/amt-keygen" check keys.$format
	grep -q '20 good pairs, 0 bad' out || fail "$format: $(cat out)"
done
status 2 "$BIN/amt-keygen" generate -n 1 -o keys.csv
grep -q 'exists already' err || fail "an existing file was not refused"
status 0 "$BIN/amt-keygen" generate -n 1 -o keys.csv --force --quiet
status 0 "$BIN/amt-keygen" generate -n 2
[ "$(wc -l <out)" = 3 ] || fail "standard output is not a CSV of two pairs"

# The map has the pairs, and nothing is printed unless asked for.
status 0 "$BIN/amt-keygen" generate -n 5 --map map.db --new-password-file new.txt \
	--setupbin setup.bin
[ ! -s out ] || fail "pairs on standard output"
for f in map.db map.db.key setup.bin; do
	[ "$(stat -c %a $f)" = 600 ] || fail "$f is not private"
done
[ "$(stat -c %s setup.bin)" = 3072 ] || fail "setup.bin is not 6 chunks"
status 0 "$BIN/amt-keygen" check setup.bin
grep -q 'setup.bin, 5 good pairs' out || fail "check does not read setup.bin"
status 0 "$BIN/amt-provisionctl" keys list --map map.db --json
[ "$(jq '.keys | length' out)" = 5 ] || fail "the map does not hold 5 keys"
grep -q 'P@ssw0rd' out err && fail "a password was printed"
# A name that is taken is noticed before any key is made.
status 2 "$BIN/amt-keygen" generate -n 5 --map map.db --new-password-file new.txt \
	--setupbin setup.bin
status 0 "$BIN/amt-provisionctl" keys list --map map.db --json
[ "$(jq '.keys | length' out)" = 5 ] || fail "keys were made although setup.bin existed"
status 2 "$BIN/amt-keygen" generate -n 5 --map map.db --new-password-file new.txt --setupbin both \
	-o ./both --force
grep -q 'both and ./both are the same file' err || fail "two files of one name: $(cat err)"
status 0 "$BIN/amt-provisionctl" keys list --map map.db --json
[ "$(jq '.keys | length' out)" = 5 ] || fail "keys were made for two files of one name"
# Nor does a file, even by force, take the place of the map or of the key that opens it.
ln map.db second-name.db
for taken in map.db ./map.db.key map.db-wal second-name.db; do
	status 2 "$BIN/amt-keygen" generate -n 5 --map map.db -o $taken --force
	grep -q 'are the same file' err || fail "$taken: $(cat err)"
	status 2 "$BIN/amt-keygen" generate -n 5 --map map.db --new-password-file new.txt --force \
		--setupbin $taken
	status 2 "$BIN/amt-provisionctl" keys export --all --map map.db --again -o $taken --force
	grep -q 'are the same file' err || fail "$taken: $(cat err)"
	status 2 "$BIN/amt-provisionctl" systems export --map map.db -o $taken --force
	grep -q 'are the same file' err || fail "$taken: $(cat err)"
done
rm second-name.db
status 0 "$BIN/amt-provisionctl" keys list --map map.db --json
[ "$(jq '.keys | length' out)" = 5 ] || fail "the map was replaced, or has other keys"
status 2 "$BIN/amt-keygen" generate -n 5 --setupbin other.bin
grep -q 'new-password-file' err || fail "a setup.bin without a new password"
[ ! -e other.bin ] || fail "a file was left behind"

# Passwords come from private files only.
chmod 644 new.txt
status 2 "$BIN/amt-keygen" generate -n 1 --new-password-file new.txt
grep -q 'chmod 600' err || fail "an open password file was taken"
printf 'P@ssw0rd\r\n\r\n\n' >padded.txt; printf 'P@ssw0rd\n\n\0' >strange.txt
chmod 600 padded.txt strange.txt
status 0 "$BIN/amt-keygen" generate -n 1 --new-password-file padded.txt
grep -q ',P@ssw0rd$' out || fail "lines behind the password are part of it: $(cat out)"
status 2 "$BIN/amt-keygen" generate -n 1 --new-password-file strange.txt
grep -q 'more than one line' err || fail "$(cat err)"
printf 'password\n' >weak.txt; chmod 600 weak.txt
status 2 "$BIN/amt-keygen" generate -n 1 --new-password-file weak.txt
grep -q 'at least one lower' err || fail "the rule is not named"
status 2 "$BIN/amt-keygen" generate -n 0
status 2 "$BIN/amt-keygen" generate
status 2 "$BIN/amt-keygen" generate -n 1 -n 2
status 2 "$BIN/amt-keygen" generate -n 1 --random-passwords --new-password-file weak.txt
status 2 "$BIN/amt-keygen" nonsense

# Bad lines by number, field and rule, never by value.
cat >bad.csv <<'LIST'
serial,PPS,Pid,admin_password
1,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ,0000-037M,P@ssw0rd
2,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XK,0000-037M,P@ssw0rd
3,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ,0000-037N,P@ssw0rd
4,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ,0000-037m,letmein
5,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ,0000-037m,
LIST
status 1 "$BIN/amt-keygen" check bad.csv
for want in ' 3 *pps' ' 4 *pid' ' 5 *admin_password' ' 6 *pid .*once'; do
	grep -qE "$want" out || { cat out; fail "not reported: $want"; }
done
grep -qE '69XK|letmein|037N' out err && fail "a value was printed"
status 1 "$BIN/amt-keygen" check --json - <bad.csv
[ "$(jq -c '[.pairs, .bad, .duplicates, .lower_case, .complete]' out)" = '[1,3,1,1,true]' ] ||
	fail "json: $(cat out)"
[ "$(jq -c '[.problems[].line]' out)" = '[3,4,5,6]' ] || fail "json lines: $(cat out)"
status 2 "$BIN/amt-keygen" check missing.csv
status 2 "$BIN/amt-keygen" check .
: >empty; status 2 "$BIN/amt-keygen" check empty
printf '\x7fELF\2\1\1\0\0\0\n\0\0' >noise; status 2 "$BIN/amt-keygen" check noise
printf 'caf\xc3\xa9\n\n' >words; status 2 "$BIN/amt-keygen" check words
grep -q 'words is not a key list' err || fail "$(cat err)"
printf '\xe4\xf6\xfc\xdf\n' >noise; status 2 "$BIN/amt-keygen" check noise
printf '\xef' >noise; status 2 "$BIN/amt-keygen" check noise
printf '\xef\xbb\xbf\n' >empty; status 2 "$BIN/amt-keygen" check empty

# An order list of a maker, saved by Excel as Unicode text; columns that only a person understands.
printf 'Order 4711\r\n\r\nTag;Provisioning ID;MEBX PPS;MEBx Password;Room, floor\r\n' >maker.csv
printf '1;0000-037M;NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ;P@ssw0rd;3,1;;\r\n' >>maker.csv
status 0 "$BIN/amt-keygen" check maker.csv
grep -q 'columns read: "Provisioning ID" as pid, "MEBX PPS" as pps, "MEBx Password" as admin_password; not read: "Tag", "Room, floor"' err ||
	fail "$(cat err)"
{ printf '\xff\xfe'; iconv -f utf-8 -t utf-16le maker.csv; } >maker.txt
status 0 "$BIN/amt-keygen" check maker.txt
grep -q ': csv, 1 good pair, 0 bad' out || fail "$(cat out)"
status 0 "$BIN/amt-keygen" check --json maker.txt
jq -r .columns out | grep -q '"MEBX PPS" as pps' || fail "$(cat out)"
sed 's/MEBX PPS/Code/' maker.csv >code.csv
status 2 "$BIN/amt-keygen" check code.csv
grep -q 'line 3 has no column "pps"; columns read: .* not read: "Tag", "Code", "Room, floor"' err ||
	fail "$(cat err)"
status 0 "$BIN/amt-keygen" check --column pps=code code.csv
status 2 "$BIN/amt-keygen" check --column pps=tags code.csv
grep -q 'has no such column' err || fail "$(cat err)"
status 2 "$BIN/amt-keygen" check --column pps=code keys.text
status 0 "$BIN/amt-setupbin" create -o code.bin --keys code.csv --column pps=code
status 2 "$BIN/amt-setupbin" create -o other.bin --set pid=0000037M --column pps=code

# What editors and exporters put first: a byte order mark, blank lines, words of any language.
for kind in csv text json; do
	{ printf '\xef\xbb\xbf\r\n \n'; cat keys.$kind; } >marked
	status 0 "$BIN/amt-keygen" check - <marked
	grep -q ": $kind, .* 0 bad" out || fail "$kind behind a byte order mark: $(cat out)"
done
{ printf '# \xd0\xba\xd0\xbb\xd1\x8e\xd1\x87\xd0\xb8\n'; cat keys.text; } >cyrillic
status 0 "$BIN/amt-keygen" check cyrillic
{ printf '\xef\xbe\x85\xef\xbe\x9d\xef\xbe\x8a\xef\xbe\x9e\xef\xbd\xb0,pid,pps\n'
	sed '1d; s/^/1,/; s/,[^,]*,[^,]*$//' keys.csv; } >katakana
status 0 "$BIN/amt-keygen" check katakana
{ printf 'Ger\xe4t;pid;pps\n'; echo "1;0000-037M;NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XK"; } >latin
status 1 "$BIN/amt-keygen" check latin
printf '\n\nPID,pps\n1,2\n' >late; status 1 "$BIN/amt-keygen" check --json late
[ "$(jq -c '[.problems[].line]' out)" = '[4]' ] || fail "lines behind blank ones: $(cat out)"

# One element names the PID twice, in two ways.
printf '[{"pid": "0000037M", "PID": "0000038N", "pps": "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"}]' >two.json
status 1 "$BIN/amt-keygen" check two.json
grep -q 'pid .*only once' out || fail "$(cat out)"

# What was not taken was not said.
if "$BIN/amt-keygen" generate -n 2 >/dev/full 2>err; then fail "a full disk went unnoticed"; fi
grep -q 'standard output' err || fail "a full disk is not named"

# A closed stream is not taken for the next file: no warning ends in it, and no output is lost.
chmod 600 new.txt
status 0 "$BIN/amt-setupbin" create --set current-mebx-password=@new.txt --set kvm=enabled \
	--file-version 2.1 -o said.bin
grep -q 'warning.*kvm' err || fail "no warning of a variable that is newer than the file"
"$BIN/amt-setupbin" create --set current-mebx-password=@new.txt --set kvm=enabled \
	--file-version 2.1 -o quiet.bin 2>&- || fail "status $? with standard error closed"
cmp said.bin quiet.bin || fail "what is said went into the file"
if "$BIN/amt-keygen" generate -n 2 --map shut.db -o - >&- 2>err; then
	fail "keys were lost to a standard output that is closed"
fi
grep -q 'safe in the map' err || fail "does not say where the keys are: $(cat err)"
if "$BIN/amt-keygen" check - <&- 2>err; then fail "a closed standard input is a list"; fi
grep -q 'standard input' err || fail "a closed standard input: $(cat err)"

# Keys that are in the map when the output fails: the command that is named writes them after all,
# but no second setup.bin beside one that is written.
# fails LIMIT OPTION...: generate fails with files of LIMIT KiB at most, after the map has its keys.
fails() {
	local limit=$1
	shift
	rm -f lost.db lost.key
	if (ulimit -f "$limit" && "$BIN/amt-keygen" generate -n 510 --map lost.db --key-file lost.key \
		--random-passwords "$@") >/dev/full 2>err; then fail "went unnoticed: $*"; fi
	grep -q 'what was generated (510) is safe in the map' err ||
		fail "does not say where the keys are: $(cat err)"
}
# brings WANT: the command that is named has WANT for its files, and writes them.
brings() {
	local command
	grep -q -- "--again $1\$" err || fail "does not say how to get them: $(cat err)"
	command=$(sed -n 's/.*write them with: amt-provisionctl //p' err)
	rm -f again.bin again.csv
	command=${command/--setupbin FILE/--setupbin again.bin}
	# shellcheck disable=SC2086
	status 0 "$BIN/amt-provisionctl" ${command/-o FILE/-o again.csv}
	status 0 "$BIN/amt-keygen" check again.csv
	grep -q '510 good pairs' out || fail "not all keys came back"
}
fails unlimited -o -
brings '-o FILE'
fails unlimited -o - --setupbin kept.bin --file-version 3.0
brings '-o FILE'
[ -s kept.bin ] || fail "the setup.bin was not written"
fails 250 -o lost.csv --setupbin lost.bin --file-version 3.0
if [ -e lost.csv ] || [ -e lost.bin ]; then fail "a part of a file was left behind"; fi
brings '--setupbin FILE --file-version 3.0 -o FILE'
[ "$(head -c 26 again.bin | tail -c 2 | od -An -tu1 | tr -d ' \n')" = 30 ] || fail "not version 3.0"

# What stands behind the '=' of an unknown option may be a password.
for option in --password=Secret.Pa55 --quiet=Secret.Pa55 --new-password=Secret.Pa55 \
	'--new-password Secret.Pa55'; do
	# shellcheck disable=SC2086 # two words, some
	status 2 "$BIN/amt-keygen" generate -n 1 $option
	grep -q -- "${option%[= ]*}" err || fail "the option is not named: $(cat err)"
	grep -q Secret err && fail "a password was printed"
done

# In a text list a dash stands for no password: one that is a dash needs another format.
printf '%s\n' - >dash.txt; chmod 600 dash.txt
status 2 "$BIN/amt-keygen" generate -n 1 --current-password-file dash.txt -f text -o dash.list
grep -q 'choose the format csv or json' err || fail "$(cat err)"
[ ! -e dash.list ] || fail "a list that lost a password was written"
status 0 "$BIN/amt-keygen" generate -n 1 --current-password-file dash.txt -o dash.list
grep -q ',-,' dash.list || fail "the password is not in the list"

# A name that no file can have is noticed before any key is made; the longest one serves.
long=$(printf '%0250d' 0)
for name in '' new/ "$long$long" setup.bin/keys; do
	status 2 "$BIN/amt-keygen" generate -n 1 --map unnamed.db -o "$name"
	[ ! -e unnamed.db ] || fail "keys were made for a file that cannot be named \"$name\""
done
status 0 "$BIN/amt-keygen" generate -n 1 --map unnamed.db -o "$long"
status 0 "$BIN/amt-keygen" generate -n 1 --map unnamed.db -o "$long" --force

# A folder that is not there; a system without /proc, where a finished file gets no name.
status 2 "$BIN/amt-keygen" generate -n 1 -o nowhere/keys.csv
grep -q 'make its folder first' err || fail "$(cat err)"
# Sanitizers need one.
if [ -z "${ASAN_OPTIONS:-}" ] && unshare -rm true 2>/dev/null; then
	# shellcheck disable=SC2016 # the inner shell expands it
	status 2 unshare -rm sh -c 'mount -t tmpfs none /proc && "$0" generate -n 1 -o nameless.csv' \
		"$BIN/amt-keygen"
	grep -q 'mount /proc' err || fail "$(cat err)"
	[ ! -e nameless.csv ] || fail "there is a file all the same"
fi
echo ok
