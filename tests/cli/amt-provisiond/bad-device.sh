#!/bin/bash
# Machines that misbehave when they are called back: no key is used without proof, none blocks the
# server.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

make_map 16
write_conf ""
start

bad() { machine "$@" --until-configured 9 & }
bad 1 1 --wrong-pps
bad 2 2 --handshake hang
bad 3 3 --handshake close
bad 4 4 --answer hang
bad 5 5 --answer big --answer-bytes 10M
bad 6 6 --answer garbage
bad 7 7 --answer entities
bad 8 8 --answer truncated
bad 9 9 --answer error
bad 10 10 --wrong-uuid
bad 11 11 --refuse CommitChanges --refuse-status 2057
bad 12 12 --after-commit closed --answer hang --answer-to CommitChanges
# Nobody is there.
sim_hello --address "$NET.13" --pid "$(pid_of 13)"
# Good ones among them are set up all the same.
machine 14 14 --until-configured 15 || fail "a good machine was not set up"
machine 15 15 --login none --until-configured 15 || fail "a machine without Digest was not set up"
machine 16 16 --firmware 2.2.1 --commit answer --until-configured 15 || fail "a SOAP machine was not set up"

wait_log "proof-failed .*address=$NET.1: .*could not prove the PPS" 20
wait_log "address=$NET.2: .*did not finish the TLS handshake within 2 s\|address=$NET.2: .*begin TLS within 2 s" 20
wait_log "call-failed .*address=$NET.3: \|setup-failed .*address=$NET.3: " 20
wait_log "setup-failed .*address=$NET.4: .*no whole answer within 3 s" 20
wait_log "setup-failed .*address=$NET.5: .*an answer of more than 65536 bytes" 20
wait_log "setup-failed .*address=$NET.6: " 20
wait_log "setup-failed .*address=$NET.7: .*declares a document type" 20
wait_log "setup-failed .*address=$NET.8: " 20
wait_log "setup-failed .*address=$NET.9: " 20
wait_log "security uuid-mismatch .*address=$NET.10: .*not the one that said hello" 20
wait_log "setup-failed .*address=$NET.11: could not commit the changes: .*0x809: data missing" 20
wait_log "setup-failed .*address=$NET.12: .*no whole answer" 20
wait_log "call-failed .*address=$NET.13: cannot connect to $NET.13 port $PORT: Connection refused" 20
alive
no_secrets
stop
wait

# Keys: not proved 1 2 3 13, proved the rest; wrong PPS gives its reservation back.
for i in 1 2 3 13; do
	state=$(key_state $i)
	[ "$state" = free ] || [ "$state" = reserved ] || fail "key $i is $state without proof"
done
for i in 4 5 6 7 8 9 10 11 12 14 15 16; do
	[ "$(key_state $i)" = used ] || fail "key $i was proved but is $(key_state $i)"
done
for i in 1 2 3 4 5 6 7 8 9 11 12 13; do
	case $(system_state $i) in
	failed|queued|in-setup) ;;
	*) fail "machine $i is $(system_state $i)" ;;
	esac
done
[ "$(system_state 10)" = refused ] || fail "machine 10 is $(system_state 10)"
for i in 14 15 16; do
	[ "$(system_state $i)" = configured ] || fail "machine $i is $(system_state $i)"
done
