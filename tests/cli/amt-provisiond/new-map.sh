#!/bin/bash
# A start that makes a new map says so; one that finds its map cut short does not make another.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

write_conf '[certificates]' "folder = $PWD/certificates"
# Before the first start, what looks at a map says what makes one.
printf 'uuid\n00000000-0000-4000-8000-000000000001\n' >machines.csv
status 2 "$BIN/amt-provisionctl" inventory import machines.csv -c conf --dry-run
grep -q 'start the server (systemctl start amt-provisiond), which makes it, or import keys or machi' err ||
	fail "$(cat err)"
start
wait_log "warning new-map: made a new, empty key map $PWD/map.db: .* -- import keys .* or machines"
status 0 "$BIN/amt-provisionctl" inventory import machines.csv -c conf
# Without keys nobody is set up, unless there is a certificate.
free_keys() { "$BIN/amt-provisionctl" doctor -c conf --no-network --json |
	jq -r '.checks[] | select(.check == "free-keys").verdict'; }
[ "$(free_keys || true)" = fail ] || fail "no keys and no certificate, and doctor says $(free_keys)"
status 0 "$BIN/amt-provisionctl" certificates new-ca --suffix example.com -c conf
[ "$(free_keys || true)" = pass ] || fail "a server of certificates lacks keys: $(free_keys)"
stop
ctl log | grep -q 'new-map' || fail "the map's own log does not know"
start
stop
[ "$(grep -c new-map log)" = 1 ] || fail "the map counts as new each time"

# A map that is moved away under the server stops it: nothing is written where nobody finds it.
start
sim_hello --address "$NET.77" --pid 0000037M
wait_log "invalid-pid-map .*address=$NET.77"
mv map.db old.db
status=0; wait "$DAEMON" || status=$?
[ $status = 2 ] || fail "status $status though the map is gone"
grep -q "map.db was moved away or replaced while it was in use.*" log || fail "not said"
[ ! -e map.db ] || fail "another map was made"
[ ! -s map.db-wal ] || fail "something of the old map is left"
mv old.db map.db
ctl log -n 1 | grep -q 'address='"$NET.77" || fail "the last hello is not in the map that was moved"
start
stop

truncate -s 0 map.db
rm -f map.db-wal map.db-shm
if timeout 10 "$BIN/amt-provisiond" -c conf 2>err; then fail "a map that was cut short is taken"; fi
grep -q "map.db is empty, but its key file .* is there: the map was cut short" err ||
	fail "$(cat err)"
grep -q 'amt-provisionctl restore' err || fail "$(cat err)"
[ ! -s map.db ] || fail "another map was made"
