#!/bin/bash
# amt-provisionctl doctor finds what goes wrong; reconcile finds where stick and map differ.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../../support/daemon.inc"
# verdict CHECK: its verdicts in "out", the worst last
verdict() { jq -r --arg c "$1" '.checks[] | select(.check == $c) | .verdict' out | sort -u | tr '\n' ' '; }
expect() { [ "$(verdict "$1")" = "$2 " ] || { cat out; fail "$1 is $(verdict "$1"), not $2"; }; }
# An address stands for a name that leads here where /etc/hosts has none.
getent hosts localhost >/dev/null && HERE=localhost || HERE=127.0.0.1
doctor() {
	"$BIN/amt-provisionctl" doctor -c conf --json --server-name "$HERE" --domain localdomain "$@"
}
make_map 12
# A port that the doctor can know: the one that machines are called back at is free at this time.
write_conf ''
sed -i "s/^listen = .*/listen = 127.0.0.1:$PORT/" conf

# A file that cannot be read fails, and nothing passes or fails by the defaults in its place.
cp conf good
sed -i 's/^listen = .*/listen = 127.0.0.1/' conf
status 1 doctor
expect configuration fail
for check in reachable listening script; do
	[ -z "$(verdict $check)" ] || { cat out; fail "$check goes by a configuration that is not the server's"; }
done
mv good conf

# No server: the port says so. Everything else is well.
status 1 doctor
expect listening fail
expect map pass
expect key-file pass
expect free-keys pass
expect configuration pass
expect passwords pass
expect log pass
jq -e --arg here "$HERE " '.checks[] |
	select(.check == "name" and .verdict == "pass" and (.what | startswith($here)))' out >/dev/null ||
	fail "$HERE leads here: $(cat out)"
: >log
start
SERVER=127.0.0.1:$PORT
status 1 doctor --domain no-such-domain.invalid
expect listening pass
jq -e '.checks[] | select(.check == "name" and .verdict == "fail" and (.what | test("invalid")))' \
	out >/dev/null || fail "a name that does not resolve: $(cat out)"

# Hellos that go wrong are shown, with what to do.
sim_hello --address "$NET.1" --pid 0000037M
sim_hello --address "$NET.2" --pid "$(pid_of 1)"
sim_hello --address "$NET.3" --pid "$(pid_of 1)"
wait_log 'pid-reserved'
status 0 doctor --no-network
expect invalid-pid-map warn
expect pid-reserved warn
jq -e '.checks[] | select(.check == "invalid-pid-map" and (.hint | test("import")))' out \
	>/dev/null ||
	fail "no advice"
stop

# Nobody is called, and a profile that is nowhere: no machine would be set up.
expect default-profile pass
ctl config set max_setups 0 --quiet
ctl config set default_profile office --quiet
status 1 doctor --no-network
expect max-setups warn
expect default-profile fail
ctl profiles set office rekey=no --quiet
ctl config unset max_setups --quiet
status 0 doctor --no-network
expect default-profile pass
[ -z "$(verdict max-setups)" ] || fail "max_setups is 500"
ctl config unset default_profile --quiet

# Too few keys, a script that cannot be, a key file open to others, a clock of tomorrow.
status 0 doctor --no-network --min-free 100
expect free-keys warn

# The password of the sticks is looked at before a machine asks for it.
printf 'St1ck.Pass\n' >stick-password
printf '%s\n' '[pki]' "stick_password_file = $PWD/stick-password" >>conf
status 0 doctor --no-network
expect stick-password pass
chmod 0644 stick-password
status 1 doctor --no-network
expect stick-password fail
! grep -q 'St1ck' out || fail "the password of the sticks is shown"
sed -i '/pki/d; /^stick_password/d' conf

printf '%s\n' '[script]' 'use_props_script = yes' 'props_script = /nowhere/script' >>conf
status 1 doctor --no-network
expect script fail
cp conf conf.good
sed -i 's/^props_script = .*/&\nprops_script_timeout = 0/' conf
status 1 doctor --no-network
expect script-timeout fail
expect configuration fail
cp conf.good conf
sed -i '/script/d' conf
chmod 604 map.db.key
status 1 doctor --no-network
expect map fail
jq -e '.checks[] | select(.check == "map" and (.hint | test("chmod 600")))' out >/dev/null ||
	fail "no advice"
chmod 600 map.db.key
sqlite3 map.db "INSERT INTO log(time, severity, name, what)
	VALUES(unixepoch() + 5000, 0, 'x', 'x')"
status 1 doctor --no-network
expect clock-back fail
sqlite3 map.db "UPDATE csti_amts SET last_seen = last_seen - 90000, hello_version = 2
	WHERE state <> 2"
status 1 doctor --no-network
expect silent warn
cp map.db whole.db
dd if=/dev/urandom of=map.db bs=4096 seek=12 count=1 conv=notrunc status=none
status 1 doctor --no-network
expect map fail
cp whole.db map.db

# Reconcile: each way in which stick and map can differ.
P() { sed -n "$(($1 + 1))p" keys.csv | cut -d, -f1; }
"$BIN/amt-provisionctl" keys export -m map.db -q --again --setupbin stick.bin \
	"$(P 2)" "$(P 3)" "$(P 4)" "$(P 5)" "$(P 6)" "$(P 7)"
status 0 ctl reconcile stick.bin
grep -q '6 records, 0 used, 6 in agreement' out || fail "$(cat out)"
set_key() { sqlite3 map.db "UPDATE csti_pid_map SET $2 WHERE pid = '$(P "$1" | tr -d -)'"; }
# Records 1 to 3 are taken: used in the map, never heard of, and heard of but never proved.
printf '\003' | dd of=stick.bin bs=1 seek=32 conv=notrunc status=none
for record in 1 2 3; do
	printf '\000' | dd of=stick.bin bs=1 seek=$((record * 512 + 4)) conv=notrunc status=none
done
set_key 2 "used = 1, used_at = 1"
sqlite3 map.db "INSERT OR REPLACE INTO reservation SELECT id, randomblob(16), 1, 2 FROM csti_pid_map
	WHERE pid = '$(P 4 | tr -d -)'"
# Record 4 was taken from a copy; 5 is revoked; 6 is not in the map.
set_key 5 "used = 1, used_at = 1"
set_key 6 "used = 3, revoked_at = 1"
sqlite3 map.db "DELETE FROM csti_pid_map WHERE pid = '$(P 7 | tr -d -)'"
status 1 ctl reconcile stick.bin --json
[ "$(jq -c '[.records[] | [.record, .outcome]]' out)" = \
	'[[2,"no-hello"],[3,"never-proved"],[4,"used-elsewhere"],[5,"revoked"],[6,"not-in-map"]]' ] ||
	fail "$(cat out)"
status 1 ctl reconcile stick.bin --all
grep -qE '^ *1 .*agree' out || fail "$(cat out)"
# The same from the stick itself; it is only read.
"$BIN/ukpu" prepare --image stick.img --size 32M stick.bin --yes >ukpu.out 2>&1 ||
	fail "ukpu: $(cat ukpu.out)"
before=$(sha256sum stick.img)
status 1 ctl reconcile stick.img --json
[ "$(jq '.records | length' out)" = 5 ] || fail "$(cat out)"
[ "$before" = "$(sha256sum stick.img)" ] || fail "the stick was written"
# What cannot be read is named, and nothing else: no heading, no half of an object.
for target in keys.csv nowhere; do
	status 2 ctl reconcile $target
	[ ! -s out ] || fail "$(cat out)"
	status 2 ctl reconcile --json $target
	[ ! -s out ] || fail "$(cat out)"
done
grep -qaE "$(sed -n 2p keys.csv | cut -d, -f2)" out err && fail "a PPS was printed"
echo ok
