#!/bin/bash
# Messages that are no hello, or nobody's: each is logged with its reason and costs no key.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

make_map 2
write_conf '[keys]' 'reserve_seconds = 5'
start

# Things that take a while run side by side.
sim_hello --address "$NET.1" --silent --linger 5 &
silent=$!
sim_hello --address "$NET.2" --piece 1 --pause 1000 --pid "$(pid_of 1)" &
slow=$!
sim_hello --address "$NET.3" --bytes 31 --pid "$(pid_of 1)"
sim_hello --address "$NET.4" --bytes 33 --pid "$(pid_of 1)"
sim_hello --address "$NET.5" --interface-version 1
sim_hello --address "$NET.6" --pid "$(pid_of 1 | tr '[:upper:]' '[:lower:]')"
sim_hello --address "$NET.7" --pid 00000000
sim_hello --address "$NET.8" --pid 0000037M --uuid 11111111-2222-3333-4444-555555555555
sim_hello --address "$NET.9" --interface-version 3 --hashes 23 \
	--uuid 11111111-2222-3333-4444-666666666666
sim_hello --address "$NET.10" --pid "$(pid_of 1)" --uuid 00000000-0000-0000-0000-000000000000
# A hello in 32 pieces is as good as one in one piece.
sim_hello --address "$NET.11" --piece 1 --pause 3 --pid 0000037M \
	--uuid 11111111-2222-3333-4444-777777777777

wait_log "bad-hello .*address=$NET.3: hello of 31 bytes ends too early, at offset 24"
wait_log "bad-hello .*address=$NET.4: hello is followed by more bytes, from offset 32"
wait_log "bad-hello .*address=$NET.5: hello of interface version 1 (AMT 1.0).*-- "
wait_log "bad-hello.*address=$NET.6: hello, offset 24, PID"
wait_log "bad-hello.*address=$NET.7: hello, offset 24, PID"
wait_log "invalid-pid-map pid=0000-037M .*address=$NET.8: invalid PID map.* -- import the list"
wait_log "not-known .*address=$NET.9: hello of version 3.*(23 root hashes)"
wait_log "blank-uuid .*address=$NET.10: "
wait_log "invalid-pid-map pid=0000-037M uuid=11111111-2222-3333-4444-777777777777 address=$NET.11"
wait_log "hello-timeout address=$NET.1: connected and sent nothing for 2 s"
wait_log "hello-timeout address=$NET.2: only [123] bytes\? of a hello within 2 s"
wait $silent $slow || true
alive

# Refused machines are listed, and no key was touched.
ctl systems list --json >systems.json
[ "$(jq '.counts.refused' systems.json)" = 3 ] || fail "refused machines are not listed"
[ "$(ctl keys list --json | jq .counts.free)" = 2 ] || fail "a key was taken"
! grep -q 'call-failed\|setup-failed' log || fail "a stranger was called back"

# A browser gets a page, and that is not an error.
curl -s --max-time 5 "http://$SERVER/" >page || fail "a browser gets no page"
grep -q 'This is amt-provisiond' page || fail "not the page"

# A reservation keeps nobody out, is not overwritten, and lapses.
sim_hello --address "$NET.12" --pid "$(pid_of 2)" --uuid 11111111-2222-3333-4444-888888888888
wait_log "hello pid=.* address=$NET.12: hello number 1 accepted"
sim_hello --address "$NET.13" --pid "$(pid_of 2)" --uuid 11111111-2222-3333-4444-999999999999
wait_log "security pid-reserved .*address=$NET.13: .*reserved for 11111111-2222-3333-4444-888888888888"
[ "$(key_state 2)" = reserved ] || fail "the key is not reserved"
wait_for 30 is_key 2 free || fail "the reservation did not lapse"
sim_hello --address "$NET.13" --pid "$(pid_of 2)" --uuid 11111111-2222-3333-4444-999999999999
wait_log "address=$NET.13: hello number 2 accepted"

# A key with which a machine said hello is out, whatever came of that: it is not given out again.
"$BIN/amt-keygen" generate -n 2 -q -o keyfactory.csv 2>/dev/null
status 0 ctl keys import keyfactory.csv
OUT=$(sed -n 2p keyfactory.csv | cut -d, -f1)
sim_hello --address "$NET.14" --pid "$OUT" --uuid 11111111-2222-3333-4444-aaaaaaaaaaaa
lapsed() { ctl keys show "$OUT" --json | jq -e '.state == "free" and .lapsed' >/dev/null; }
wait_for 30 lapsed || fail "the reservation did not lapse: $(ctl keys show "$OUT" --json)"
status 2 ctl keys export "$OUT" -o keygiven.csv
grep -q 'a machine said hello with .* so it has gone out' err || fail "$(cat err)"
status 0 ctl keys export --all -o keygiven.csv
[ "$(tail -n +2 keygiven.csv | cut -d, -f1)" = "$(sed -n 3p keyfactory.csv | cut -d, -f1)" ] ||
	fail "given out: $(cut -d, -f1 keygiven.csv)"

# Machines that an operator forgets make room for others. One of the four that count claims
# the key of another.
sed -i '/^\[limits\]/a max_unproved = 4' conf
kill -HUP "$DAEMON"
wait_log 'configuration read again'
stranger() { sim_hello --address "$NET.15" --pid 0000037M --uuid "$1"; }
stranger 11111111-2222-3333-4444-bbbbbbbbbbbb
wait_log 'invalid-pid-map .*uuid=11111111-2222-3333-4444-bbbbbbbbbbbb'
status=0; ctl systems forget 11111111-2222-3333-4444-bbbbbbbbbbbb --yes 2>/dev/null || status=$?
[ $status = 1 ] || fail "one more than max_unproved is listed"
ctl systems forget 11111111-2222-3333-4444-555555555555 --yes --quiet
another() {
	stranger 11111111-2222-3333-4444-cccccccccccc
	ctl systems show 11111111-2222-3333-4444-cccccccccccc >/dev/null 2>&1
}
wait_for 10 another || fail "none is listed though one was forgotten"

# The server is still what it was.
machine 1 20 --until-configured 15 || fail "a good machine was not set up"
[ "$(key_state 1)" = used ] || fail "its key is not used"
sim_hello --address "$NET.14" --pid "$(pid_of 1)" --uuid 11111111-2222-3333-4444-aaaaaaaaaaaa
wait_log "security pid-used .*address=$NET.14: PID .* was used by .*: this hello is refused"
no_secrets
stop
