#!/bin/bash
# The operator's verbs beside a running server: systems, inventory, profiles, config, log, backup.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../../support/daemon.inc"
uuid_of() { ctl systems list --json | jq -r --arg p "$(pid_of "$1")" \
	'.systems[] | select((.pid // "" | gsub("-"; "")) == $p) | .uuid'; }
# wait_state KEY STATE: until the machine with that key is in that state.
wait_state() { wait_for 30 is_state "$1" "$2" || fail "machine $1 is $(system_state "$1"), not $2"; }
make_map 6
FQDN_REQUIRED=yes write_conf ''
: >log
start
"$BIN/amt-provisionctl" log -m map.db --follow --json >followed &
FOLLOWER=$!
trap 'kill -9 $DAEMON $FOLLOWER 2>/dev/null || true' EXIT

# A machine without a name waits, is shown with its reason, and goes on once the inventory has it.
machine 1 1 --hellos 1 --until-configured 60 &
MACHINE=$!
wait_state 1 fqdn-missing
ONE=$(uuid_of 1)
status 0 ctl systems show "$ONE"
grep -q '^State  *fqdn-missing' out || fail "$(cat out)"
grep -q 'fqdn-missing' <(sed -n '/^History/,$p' out) || fail "no history: $(cat out)"
# A list with its UUID in the other byte order: said at the import, where a person looks it up, and
# in the log of the machine that still has no name.
SWAPPED="${ONE:6:2}${ONE:4:2}${ONE:2:2}${ONE:0:2}-${ONE:11:2}${ONE:9:2}-${ONE:16:2}${ONE:14:2}-${ONE:19}"
printf 'uuid,fqdn\n%s,pc1.example.com\n' "$SWAPPED" >swapped.csv
status 0 ctl inventory import swapped.csv
grep -q "first is $SWAPPED: import the list with --swap-uuid" err || fail "$(cat err)"
for verb in "systems show" "systems retry" "systems forget"; do
	# shellcheck disable=SC2086 # two words
	status 1 ctl $verb "$SWAPPED"
	grep -q "$ONE is: the same UUID in the other byte order" err || fail "$verb: $(cat err)"
done
for verb in "log --uuid" "keys list --uuid"; do
	# shellcheck disable=SC2086 # words
	status 0 ctl $verb "$SWAPPED"
	grep -q "$ONE is in the map: the same UUID in the other byte order" err || fail "$verb: $(cat err)"
done
status 0 ctl systems retry "$ONE"
hinted() { ctl log -e fqdn-missing | grep -q -- '--swap-uuid'; }
wait_for 30 hinted || fail "the log says nothing of the other byte order: $(ctl log)"
wait_state 1 fqdn-missing
sqlite3 map.db 'DELETE FROM inventory'
status 0 ctl profiles set office admin_password=random rekey=yes amt_versions=2.0-10.255
printf 'FQDN,UUID,profile\npc1.example.com,%s,office\n' "$ONE" >machines.csv
status 0 ctl inventory import machines.csv
status 0 ctl systems retry --state fqdn-missing
wait $MACHINE || fail "the machine was not configured"
configured() { [ "$(ctl systems show "$1" --json | jq -r .state)" = configured ]; }
wait_for 30 configured "$ONE" || fail "the machine counts as $(ctl systems show "$ONE" --json)"
# It is set up already: that is said, whether it is called (with its new key, never used) or not.
status 0 ctl systems retry "$ONE"
grep -q "1 system is set up already; the server calls it again" err || fail "$(cat err)"
called() { ctl log --uuid "$ONE" | grep -q "counts as configured as before"; }
wait_for 30 called || fail "$(ctl log --uuid "$ONE")"
sqlite3 map.db "UPDATE csti_pid_map SET used = 1, uuid = (SELECT uuid FROM csti_amts)
	WHERE pid = (SELECT pid FROM csti_amts)"
status 0 ctl systems retry "$ONE"
grep -q "1 system is set up already; .* without permission" err || fail "$(cat err)"
! grep -q queued err || fail "a machine that is not called is said to be queued: $(cat err)"
needs_permission() { [ "$(ctl systems show "$ONE" --json | jq -r .state)" = needs-permission ]; }
wait_for 30 needs_permission || fail "$(ctl systems show "$ONE" --json)"
sqlite3 map.db "UPDATE csti_amts SET state = 2, reason = NULL;
	UPDATE csti_pid_map SET used = 0, uuid = NULL WHERE pid = (SELECT pid FROM csti_amts)"
# Its key has changed, as the profile wants: both are its own, the new one until it is proved.
[ "$(key_state 1)" = used ] || fail "key 1 is $(key_state 1)"
status 0 ctl keys list --uuid "$ONE" --json
[ "$(jq '.keys | length' out)" = 2 ] || fail "re-keyed: $(cat out)"
status 0 ctl systems show "$ONE" --json
jq -e '.state == "configured" and .fqdn == "pc1.example.com" and .profile == "office" and (.configured_at | length > 0)' out \
	>/dev/null || fail "$(cat out)"

# A list of names with a bad line changes nothing.
printf 'uuid,fqdn\n%s,other.example.com\nnonsense,pc2.example.com\n' "$ONE" >bad.csv
status 2 ctl inventory import bad.csv
grep -q 'line 3: uuid' err || fail "$(cat err)"
[ "$(sqlite3 map.db 'SELECT fqdn FROM inventory')" = pc1.example.com ] || fail "half of it came in"
status 1 ctl inventory import --dry-run bad.csv
status 2 ctl inventory import keys.csv

# Hand-over: the password that opens the machine, only when asked for; and the log says so.
status 0 ctl systems export -o plain.csv
[ "$(head -1 plain.csv)" = uuid,fqdn,address,version,state,admin_user ] || fail "$(cat plain.csv)"
status 0 ctl systems export --secrets -o fleet.csv
[ "$(stat -c %a fleet.csv)" = 600 ] || fail "fleet.csv is not private"
PASSWORD=$(sed -n 2p fleet.csv | cut -d, -f7)
[ ${#PASSWORD} -ge 8 ] || fail "no password: $(cat fleet.csv)"
# The profile kept the MEBx password, so it is the one of the stick.
[ "$(sed -n 2p fleet.csv | cut -d, -f8)" = Secret.Pa55 ] || fail "MEBx: $(cat fleet.csv)"
grep -qF "$PASSWORD" plain.csv out err followed log && fail "the password is elsewhere, too"
status 0 ctl systems export --secrets -f json -o fleet.json
[ "$(jq -r '.[0].admin_password' fleet.json)" = "$PASSWORD" ] || fail "$(cat fleet.json)"
status 0 ctl log -e systems-exported -s security
[ "$(wc -l <out)" = 2 ] || fail "not logged: $(cat out)"
status 2 ctl systems export --secrets -o fleet.csv

# Passwords that it had before come with the time when others took their place.
sqlite3 map.db "INSERT INTO csti_amts_history(uuid, time, pid, address, admin_user)
	SELECT uuid, 1700000000, 'AAAAAAAA', '192.0.2.9', 'old' FROM csti_amts"
status 0 ctl systems export --secrets --earlier -o earlier.csv
[ "$(sed -n 3p earlier.csv)" = "$ONE,,192.0.2.9,,earlier,old,,,,,2023-11-14T22:13:20Z" ] ||
	fail "$(cat earlier.csv)"
status 0 ctl systems show "$ONE"
grep -q '^Earlier passwords  *until 2023-11-14' out || fail "$(cat out)"

# Settings in the map beat the file's, and the server takes them up.
status 0 ctl config set fqdn_required no
status 2 ctl config set fqdn_required perhaps
status 2 ctl config set map elsewhere.db
kill -HUP $DAEMON
wait_log 'configuration read again'
status 0 "$BIN/amt-provisionctl" config show fqdn_required -c conf --json
[ "$(jq -r '.settings[0].source' out)" = map ] || fail "$(cat out)"
machine 2 2 --until-configured 30 || fail "a machine without a name is not set up, though it may be"
status 0 ctl config unset fqdn_required
status 1 ctl config unset fqdn_required
# Looking makes no map.
status 0 "$BIN/amt-provisionctl" config show fqdn_required --map nowhere.db
grep -q 'nowhere.db.*are shown' err || fail "$(cat err)"
# The map that is looked at is the one that is shown.
status 0 "$BIN/amt-provisionctl" config show --map nowhere.db --json
[ "$(jq -r '.settings[] | select(.name == "map") | .value + " " + .source' out)" = \
	"nowhere.db option" ] || fail "$(cat out)"
[ "$(jq -r '.settings[] | select(.name == "key_file") | .value' out)" = nowhere.db.key ] ||
	fail "$(cat out)"
status 2 "$BIN/amt-provisionctl" config unset fqdn_required --map nowhere.db
[ ! -e nowhere.db ] || fail "a look at the settings made a map"

# Backup under the running server, more work, restore under it, and on it goes.
status 0 ctl backup saved.db
machine 3 3 --until-configured 30 || true
# The follower comes further in the log than the restored map does for a while.
for n in 1 2 3 4 5 6 7 8; do status 0 ctl config set max_setups $((100 + n)); done
shown_all() { [ "$(grep -c max_setups followed)" = 8 ]; }
wait_for 30 shown_all || fail "followed: $(cat followed)"
status 2 ctl restore saved.db
grep -q -- '--yes' err || fail "$(cat err)"
status 0 ctl restore saved.db --yes
[ "$(key_state 3)" = free ] || fail "key 3 is $(key_state 3) after the restore"
[ "$(key_state 2)" = used ] || fail "key 2 is $(key_state 2) after the restore"
ls map.db.before-restore-*.key >/dev/null || fail "what was there was not put aside"
# What is not a backup is refused before anything is put aside; two in one second are both kept.
ASIDE=$(find . -name 'map.db.before-restore-*' | wc -l)
cp saved.db newer.db; cp saved.db.key newer.db.key; sqlite3 newer.db 'PRAGMA user_version = 99'
for backup in nowhere keys.csv newer.db; do
	status 2 ctl restore $backup --yes
	[ "$(find . -name 'map.db.before-restore-*' | wc -l)" = "$ASIDE" ] ||
		fail "the map was put aside for $backup"
done
for _ in 1 2 3; do status 0 ctl restore saved.db --yes; done
[ "$(find . -name 'map.db.before-restore-*' | wc -l)" = $((ASIDE + 6)) ] || fail "one is lost"
status 0 ctl config set fqdn_required no
kill -HUP $DAEMON
read_twice() { [ "$(grep -c 'configuration read again' log)" -ge 2 ]; }
wait_for 30 read_twice || fail "the configuration was not read again"
alive
machine 4 4 --until-configured 30 || fail "the server does not go on after the restore"
[ "$(key_state 4)" = used ] || fail "key 4 is $(key_state 4)"

# Forgotten: asked for where passwords would be lost; its used key stays its own.
status 2 ctl systems forget "$ONE"
status 0 ctl systems forget "$ONE" --yes
status 1 ctl systems show "$ONE"
status 1 ctl systems forget "$ONE"
status 1 ctl systems retry "$ONE"
status 2 ctl systems retry
[ "$(key_state 1)" = used ] || fail "the key of a forgotten machine is $(key_state 1)"

# The follower has seen it as it happened, one object a line, and what came after the restore.
has_seen() {
	jq -es 'map(.event) | index("configured") and index("inventory-imported") and
	index("map-restored") and (.[index("map-restored"):] | index("system-forgotten"))' followed >/dev/null 2>&1
}
wait_for 30 has_seen || fail "followed: $(cat followed)"
kill $FOLLOWER
[ "$(jq -c . followed | sort | uniq -d | wc -l)" = 0 ] || fail "an event was shown twice"
stop
echo ok
