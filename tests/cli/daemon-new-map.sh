#!/bin/bash
# A start that makes a new map says so; one that finds its map cut short does not make another.
set -eu
# shellcheck source=tests/cli/daemon.inc
. "$TOP/tests/cli/daemon.inc"

write_conf ""
start
wait_log "warning new-map: made a new, empty key map $PWD/map.db: .* -- import keys"
stop
ctl log | grep -q 'new-map' || fail "the map's own log does not know"
start
stop
[ "$(grep -c new-map log)" = 1 ] || fail "the map counts as new each time"
truncate -s 0 map.db
rm -f map.db-wal map.db-shm
if timeout 10 "$BIN/amt-provisiond" -c conf 2>err; then fail "a map that was cut short is taken"; fi
grep -q "map.db is empty, but its key file .* is there: the map was cut short" err || fail "$(cat err)"
grep -q 'amt-provisionctl restore' err || fail "$(cat err)"
[ ! -s map.db ] || fail "another map was made"
