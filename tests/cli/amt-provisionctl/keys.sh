#!/bin/bash
# amt-provisionctl keys: import of every kind, all or nothing; list, show, export, revoke, rotate.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
ctl() { "$BIN/amt-provisionctl" "$@"; }
# count STATE of map.db
count() { ctl keys list -m map.db --count --json | jq ".counts.$1"; }
umask 077
GOOD=NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ

# Lists of every kind, and setup.bin of every version.
for format in csv text json; do
	"$BIN/amt-keygen" generate -n 10 -q --random-passwords -f $format -o keys.$format 2>/dev/null
	status 0 ctl keys import -m map.db keys.$format
	grep -q '10 keys imported' out || fail "$format: $(cat out)"
done
for version in 1.0 2.0 2.1 3.0 4.0; do
	"$BIN/amt-keygen" generate -n 10 -q --random-passwords --setupbin v$version.bin \
		--file-version $version 2>/dev/null
done
status 0 ctl keys import -m map.db ./*.bin
[ "$(grep -c 'setup.bin, 10 keys imported' out)" = 5 ] || fail "setup.bin: $(cat out)"
[ "$(count total)" = 80 ] || fail "not 80 keys"
for f in map.db map.db.key; do [ "$(stat -c %a $f)" = 600 ] || fail "$f is not private"; done

# What a file is called does not reach the terminal as it is: not in summaries, errors or hints.
NAME=$'red\e[31m.csv'
cp keys.csv "$NAME"
status 0 ctl keys import -m map.db "$NAME"
grep -q 'red?\[31m.csv: csv' out || fail "$(cat out)"
status 0 "$BIN/amt-keygen" check "$NAME"
cp v2.1.bin "$NAME.bin"
"$BIN/amt-setupbin" check "$NAME.bin" >>out 2>>err
"$BIN/amt-setupbin" show "$NAME.bin" >>out 2>>err
cat out err | grep -q $'\e' && fail "an escape sequence reached the terminal"
status 0 ctl reconcile -m map.db "$NAME.bin"
cat out err | grep -q $'\e' && fail "an escape sequence reached the terminal"
echo x >"$NAME"
status 2 ctl keys import -m map.db "$NAME"
cat out err | grep -q $'\e' && fail "an escape sequence reached the terminal"

# Again: the same pairs are counted. From standard input, too.
status 0 ctl keys import -m map.db --json - <keys.csv
[ "$(jq -c '.files[0] | [.added, .same, .imported]' out)" = '[0,10,true]' ] || fail "$(cat out)"
[ "$(count total)" = 80 ] || fail "pairs were added twice"

# Names that others give the columns; a password that nobody will know is said at once.
printf 'Provisioning ID,Provisioning Passphrase,New MEBx Password,Remark\n0000-037M,%s,P@ssw0rd,x\n' \
	$GOOD >theirs.csv
status 0 ctl keys import -m theirs.db theirs.csv
grep -q 'New MEBx Password" as admin_password; not read: "Remark"' err || fail "$(cat err)"
grep -q 'new MEBx password' err && fail "its password was not taken: $(cat err)"
status 0 ctl keys show -m theirs.db 0000-037M
grep -q 'new known' out || fail "its password was not taken: $(cat out)"
printf 'key,pps\n0000-03AW,%s\n' $GOOD >odd.csv
status 2 ctl keys import -m theirs.db odd.csv
status 0 ctl keys import -m theirs.db odd.csv --column pid=key
status 0 ctl keys show -m theirs.db 0000-03AW
printf 'pid,pps,secret\n0000-038N,%s,P@ssw0rd\n' $GOOD >nameless.csv
status 0 ctl keys import -m theirs.db nameless.csv
grep -q '1 key came without .*admin_password' err || fail "not said: $(cat err)"
status 0 ctl keys import -m theirs.db nameless.csv --json
[ "$(jq '.files[0].without_password' out)" = 0 ] || fail "one that was there counts as new: $(cat out)"

# Columns by name, in any order and case; a used one is used; consumed records come in as free.
printf 'Serial;USED;New_Password;pps;PID\n1;1;P@ssw0rd;%s;0000-037M\n' $GOOD >columns.csv
status 0 ctl keys import -m map.db columns.csv
[ "$(count used)" = 1 ] || fail "used is not taken over"
# Records 1 and 2 taken, as firmware marks them: the counter at 32, the flags of each record.
cp v2.1.bin consumed.bin
printf '\002' | dd of=consumed.bin bs=1 seek=32 conv=notrunc status=none
for record in 512 1024; do
	printf '\000' | dd of=consumed.bin bs=1 seek=$((record + 4)) conv=notrunc status=none
done
status 0 ctl keys import -m consumed.db consumed.bin
[ "$(ctl keys list -m consumed.db --count --json | jq .counts.free)" = 10 ] ||
	fail "consumed records are not free"
# Machines have them already: they do not go out to others, not even when a list had them before.
status 0 ctl keys export -m consumed.db --all -o left.csv
[ "$(wc -l <left.csv)" = 9 ] || fail "not the eight keys that no machine has: $(wc -l <left.csv)"
status 0 ctl keys import -m again.db v2.1.bin
status 0 ctl keys import -m again.db consumed.bin
status 0 ctl keys export -m again.db --all -o rest.csv
cmp left.csv rest.csv || fail "keys that machines have went out again"
# Of two files the first is written: no advice that makes a second setup.bin of the same keys.
if ctl keys export -m again.db --all --again --setupbin first.bin -o - >/dev/full 2>err; then
	fail "a full disk went unnoticed"
fi
grep -q 'first.bin is written; fix this and export the list alone' err || fail "$(cat err)"
# One that was wiped when it was taken holds nothing to import, which is said.
dd if=/dev/zero of=consumed.bin bs=1 seek=$((512 + 24)) count=488 conv=notrunc status=none
status 0 ctl keys import -m wiped.db consumed.bin
grep -q '9 keys imported, 1 used record without a pair' out || fail "$(cat out)"

# Bad lines: every one reported by number, field and rule, never by value; and nothing comes in.
cat >bad.csv <<LIST
pid,pps,admin_password
0000-038N,$GOOD,P@ssw0rd
0000-039P,$GOOD,P@ssw0rd
0000-03AW,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XK,P@ssw0rd
0000-03BX,$GOOD,letmein
LIST
status 2 ctl keys import -m map.db bad.csv
grep -q 'line 3: pid' err || fail "line 3: $(cat err)"
grep -q 'line 4: pps' err || fail "line 4: $(cat err)"
grep -q 'line 5: admin_password' err || fail "line 5: $(cat err)"
grep -q 'nothing of it was imported' err || fail "not said: $(cat err)"
grep -qE '69XK|letmein|039P' out err && fail "a value was printed"
[ "$(count total)" = 81 ] || fail "a part of a bad file came in"
status 1 ctl keys import -m map.db --dry-run bad.csv
status 0 ctl keys import -m map.db --dry-run --skip-bad bad.csv
grep -q '1 key would be imported' out || fail "dry run: $(cat out)"
[ "$(count total)" = 81 ] || fail "a dry run changed the map"
status 0 ctl keys import -m map.db --skip-bad bad.csv
[ "$(count total)" = 82 ] || fail "the good line did not come in"

# Without a map a dry run says what one would take; what is not a line is called what it is.
status 0 ctl keys import -m none.db --dry-run keys.csv
grep -q '10 keys would be imported' out || fail "dry run: $(cat out err)"
[ ! -e none.db ] || fail "a dry run made a map"
cp v2.1.bin bad.bin
printf '\377' | dd of=bad.bin bs=1 seek=1100 conv=notrunc status=none
status 2 ctl keys import -m none.db bad.bin
grep -q 'bad.bin: record 2: pid' err || fail "$(cat err)"
printf '[{"pid":"0000-037M","pps":"%s"},{"pid":"x"}]' $GOOD >bad.json
status 2 ctl keys import -m none.db bad.json
grep -q 'bad.json: element 2: pid' err || fail "$(cat err)"

# The same PID with another PPS is refused and named, in the map as in the file itself.
OTHER=$(sed -n 2p keys.csv | cut -d, -f2)
printf 'pid,pps\n0000-037M,%s\n' "$OTHER" >other.csv
status 2 ctl keys import -m map.db other.csv
grep -q 'line 2: pid: 0000-037M is in the map' err || fail "not named: $(cat err)"
printf 'pid,pps\n0000-03CY,%s\n0000-03CY,%s\n' $GOOD "$OTHER" >twice.csv
status 2 ctl keys import -m map.db twice.csv
grep -q 'line 3: pid: 0000-03CY' err || fail "a conflict within a file: $(cat err)"
[ "$(count total)" = 82 ] || fail "a conflict came in"
status 2 ctl keys import -m map.db missing.csv
status 2 ctl keys import -m map.db /etc/hostname
head -c 700 v2.1.bin >cut.bin
status 2 ctl keys import -m map.db cut.bin
[ "$(count total)" = 82 ] || fail "a cut setup.bin came in"
# A list that lacked a password and has it now fills it in.
printf 'pid,pps\n0000-03DZ,%s\n' $GOOD >bare.csv
printf 'pid,pps,new_password\n0000-03DZ,%s,P@ssw0rd\n' $GOOD >full.csv
status 0 ctl keys import -m map.db bare.csv
status 0 ctl keys import -m map.db full.csv
grep -q '1 completed' out || fail "$(cat out)"
status 0 ctl keys show -m map.db 0000-03DZ
grep -q 'new known' out || fail "the password is still not known"

# Export: each key once, unless asked; used and revoked ones never.
status 0 ctl keys export -m map.db -n 3 --setupbin out.bin
status 0 "$BIN/amt-setupbin" check out.bin
status 0 ctl keys export -m map.db --all -o all.csv
[ "$(wc -l <all.csv)" = 80 ] || fail "all.csv has $(wc -l <all.csv) lines"
"$BIN/amt-setupbin" show --json out.bin | grep -oE '[0-9A-Z]{4}-[0-9A-Z]{4}|"[0-9A-Z]{8}"' |
	tr -d '"-' |
	sort -u >first
[ "$(wc -l <first)" = 3 ] || fail "out.bin has no 3 PIDs"
cut -d, -f1 all.csv | tr -d - | grep -Fxf first && fail "a key went out twice"
status 2 ctl keys export -m map.db -n 1 -o more.csv
[ ! -e more.csv ] || fail "a file without keys"
PID=$(sed -n 2p all.csv | cut -d, -f1)
status 2 ctl keys export -m map.db "$PID" -o more.csv
grep -q 'went out on .*all.csv' err || fail "not said where to: $(cat err)"
status 0 ctl keys export -m map.db "$PID" -o more.csv --again
grep -q "^$PID," more.csv || fail "not the key that was asked for"
[ "$(stat -c %a more.csv)" = 600 ] || fail "an exported list is not private"
status 2 ctl keys export -m map.db 0000-037M -o used.csv --again
grep -q 'is used' err || fail "a used key: $(cat err)"
status 2 ctl keys export -m map.db "$PID" --again -o more.csv
grep -q 'exists already' err || fail "a file was replaced"
status 0 ctl keys show -m map.db "$PID" --json
jq -e '.exported_to == "export more.csv" and .state == "free" and
	(.history | map(.event) == ["keys-exported"])' out >/dev/null || fail "show: $(cat out)"

# Revoke: all that are named or none; nobody exports it any more.
status 1 ctl keys revoke -m map.db "$PID" 0000-03E0
[ "$(count revoked)" = 0 ] || fail "one of two was revoked"
for same in one.x ./one.x "$PWD/one.x"; do
	status 2 ctl keys export -m map.db "$PID" --setupbin one.x -o "$same" --again --force
	grep -q 'are the same file' err || fail "not said of $same: $(cat err)"
	[ ! -e one.x ] || fail "two files in one"
done
status 0 ctl keys revoke -m map.db "$PID" "$PID"
grep -q '1 key revoked' err || fail "one key named twice: $(cat err)"
status 0 ctl keys revoke -m map.db "$PID"
grep -q 'revoked already' err || fail "not said: $(cat err)"
[ "$(ctl log -m map.db -e key-revoked | wc -l)" = 1 ] || fail "it was revoked once"
status 2 ctl keys export -m map.db "$PID" -o revoked.csv --again
# A PPS in a PID's place is not repeated.
for verb in show "export -o wrong.csv" revoke; do
	# shellcheck disable=SC2086
	status 2 ctl keys $verb -m map.db NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ
	grep -q 'is not a PID' err || fail "$(cat err)"
	! grep -q 'NKLD' out err || fail "a PPS was repeated: $(cat err)"
done
status 2 ctl keys show -m map.db A-BC
grep -q 'it has 3 characters, a PID has 8' err || fail "$(cat err)"
status 1 ctl keys show -m map.db 0000-03E0

# Filters agree with the counts.
for state in free used revoked reserved; do
	status 0 ctl keys list -m map.db --state $state --json
	[ "$(jq '.keys | length' out)" = "$(jq ".counts.$state" out)" ] || fail "list --state $state"
done
status 0 ctl keys list -m map.db --not-exported --json
[ "$(jq '.keys | length' out)" = 1 ] || fail "only the used one never went out: $(cat out)"
status 2 ctl keys list -m map.db --state lost

# The master key is rotated, killed at many moments, and every secret is there at the end.
"$BIN/amt-keygen" generate -n 40000 -q --map map.db --random-passwords -o many.csv
for delay in 0.01 0.03 0.05 0.1 0.15 0.2 0.3 0.4; do
	timeout -s KILL $delay "$BIN/amt-provisionctl" keys rotate-master -m map.db -q 2>/dev/null || true
	status 0 ctl keys list -m map.db --count
done
status 0 ctl keys rotate-master -m map.db
[ "$(stat -c %s map.db.key)" = 80 ] || fail "the key file still holds two keys"
# A generated batch went out with its list: again, and the same to the byte.
BATCH=$(sqlite3 map.db "SELECT max(id) FROM batch WHERE how = 'generate'")
status 0 ctl keys export -m map.db --batch "$BATCH" --again -o again.csv
cmp many.csv again.csv || fail "secrets changed in the rotation"

# A disk that fills up in mid-import (a file may grow to 3 MB here): said, and nothing came in.
BEFORE=$(count total)
"$BIN/amt-keygen" generate -n 40000 -q --random-passwords -o more-keys.csv 2>/dev/null
if (trap '' XFSZ; ulimit -f 3000; exec "$BIN/amt-provisionctl" keys import -m small.db more-keys.csv) \
	>out 2>err; then
	fail "a full disk went unnoticed"
fi
grep -q 'small.db: cannot' err || fail "not said: $(cat err)"
status 0 ctl keys list -m small.db --count --json
[ "$(jq .counts.total out)" = 0 ] || fail "a part came in: $(cat out)"
status 0 ctl keys import -m small.db more-keys.csv
# The same for an export: no file of half the keys.
(trap '' XFSZ; ulimit -f 500; exec "$BIN/amt-provisionctl" keys export -m small.db --all -o half.csv) \
	>out 2>err && fail "a full disk went unnoticed by export"
[ ! -e half.csv ] || fail "half an export was left"
[ "$(count total)" = "$BEFORE" ] || fail "the map changed"

# What is not a map, is open to others, or lacks its key is refused with what to do.
status 2 ctl keys list -m keys.csv
grep -qi 'not a database' err || fail "$(cat err)"
status 2 ctl keys list -m nowhere.db
[ ! -e nowhere.db ] || fail "looking made a map"
chmod 644 map.db; status 2 ctl keys list -m map.db; grep -q 'chmod 600' err || fail "$(cat err)"
chmod 600 map.db; chmod 640 map.db.key
status 2 ctl keys list -m map.db; grep -q 'chmod 600' err || fail "$(cat err)"
chmod 600 map.db.key; mv map.db.key kept
status 2 ctl keys list -m map.db; grep -q 'backup' err || fail "$(cat err)"
status 2 ctl keys list -m map.db --key-file consumed.db.key
grep -q 'does not belong' err || fail "$(cat err)"
status 0 ctl keys list -m map.db --key-file kept

# No secret anywhere but where it was asked for.
cut -d, -f2 many.csv | sed 1d | head -20 >secrets
cut -d, -f4 many.csv | sed 1d | head -20 >>secrets
grep -qaFf secrets map.db* kept out err && fail "a secret stands in the map or was printed"
echo ok
