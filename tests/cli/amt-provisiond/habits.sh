#!/bin/bash
# Machines of their time, and odd ones: each is set up, whatever its TLS, its connections, its logins
# and its commit are like, and no password becomes a machine's that it was not seen to take.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

make_map 31
write_conf '[profile default]' 'admin_password = random'
start

# One at its true pace meanwhile: it answers again half a minute after its commit.
PACE=1 machine 31 31 --hellos 1 --firmware 3.2.3 &
slow=$!

i=0
# A machine with the habits that follow the name of the case is set up.
works() {
	local name=$1
	shift
	i=$((i + 1))
	machine $i $i --hellos 1 --after-commit psk --until-configured 20 "$@" ||
		fail "$name: not set up: $(grep "address=$NET.$i" log)"
	wait_log "configured .*address=$NET.$i: configured"
	! grep "address=$NET.$i:" log | grep -q 'setup-failed\|call-failed\|security' ||
		fail "$name: $(grep "address=$NET.$i" log)"
}
# "yes": the map says that the last machine has its new admin password; else it may have either.
proved() {
	ctl systems export --secrets --format json -o secrets.json --force --quiet
	[ "$(jq -r --arg a "$NET.$i" '.[] | select(.address == $a) |
		if (.other_admin_password // "") == "" then "yes" else "no" end' secrets.json)" = "$1" ] ||
		fail "machine $i: $(grep "address=$NET.$i" log)"
}

works 'without RFC 5746' --tls-extensions old
proved yes
for how in alert-70 alert-20 reset; do
	works "a TLS 1.1 ClientHello: $how" --tls11-hello $how
done
works 'a TLS 1.1 ClientHello: silence' --tls11-hello silence
works 'connections that end after each answer' --close-each
proved yes
works 'a nonce for each connection' --nonce-each
proved yes
for how in 302 400 403 405 500 501 drop; do
	works "WS-Management: $how" --wsman $how --firmware 5.0.1
	grep -q "key-used .*address=$NET.$i: .*SOAP" log || fail "$how: not by SOAP"
done

# A machine that asks for no password, or forgets the new one, is not said to have it.
works 'no login' --login none
proved no
works 'an account that is forgotten at once' --forget-admin at-once
proved no
works 'an account that is forgotten with the connection' --forget-admin connection
proved no
works 'one that is forgotten with each connection' --forget-admin connection --close-each
proved no
works 'an account that is forgotten by the commit' --forget-admin commit
proved no

# What the machine asks for is named, and its password is not blamed.
i=$((i + 1))
machine $i $i --hellos 1 --login unknown --until-configured 3 && fail "an unknown algorithm"
wait_log "setup-failed .*address=$NET.$i: .*with the algorithm AMT-NEXT, which is not supported"

# The commit drops the connection, and the machine is then elsewhere, after a while: it is found.
found() {
	local name=$1
	shift
	i=$((i + 1))
	machine $i $i --hellos 1 "$@" &
	sim=$!
	wait_log "configured .*address=$NET.$i: configured, not proved again: the answer to its commit was lost"
	pkill -P $sim
	wait $sim || true
	proved no
}
found 'AMT 2' --firmware 2.2.1
found 'AMT 5' --firmware 5.0.1
found 'TLS of its own' --commit drop --after-commit tls
# But not what asks for no password, takes any, or has another.
for how in '--login none' '--login any' '--forget-admin commit'; do
	i=$((i + 1))
	# shellcheck disable=SC2086
	machine $i $i --hellos 1 --commit drop --after-commit plain $how &
	sim=$!
	wait_log "call-failed .*address=$NET.$i: "
	sleep 3
	[ "$(system_state $i)" != configured ] || fail "$how: found: $(grep "$NET.$i" log)"
	pkill -P $sim
	wait $sim || true
done
wait_log "configured .*address=$NET.31: configured, not proved again" 60
pkill -P $slow
wait $slow || true
no_secrets
stop
