#!/bin/bash
# Peers that say hello as a machine that may come by certificate, and are not it, get nothing that
# they could use: another one-time password or none, another UUID in the tunnel, an address of their
# own after the machine was set up, a UUID that nobody knows, a name that is not the server's.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
need openssl jq
make_map 1
printf '0ne-T1me.Pass\n' >otp-password
printf 'An0ther-Pass\n' >other-password
printf 'St1ck.Pass\n' >stick-password
cat otp-password stick-password >>password
write_conf '[certificates]' "folder = $PWD/certificates" '[pki]' \
	"stick_password_file = $PWD/stick-password"
"$BIN/amt-provisionctl" certificates new-ca --suffix example.com -c conf --quiet >ca.out
openssl genrsa -out own.key 2048 2>/dev/null
uuid() { printf '00000000-0000-4000-8000-00000000000%d' "$1"; }
{ echo uuid,otp; for i in 1 2; do echo "$(uuid $i),$(cat otp-password)"; done; } >key-inventory.csv
{ for i in 3 4 5; do echo "$(uuid $i),"; done; } >>key-inventory.csv
ctl inventory import key-inventory.csv --quiet
start

# peer LOG I ADDRESS [OPTION...]: one that says hello as machine I; what it was asked is in LOG.
peer() {
	"$BIN/amt-sim" fleet -n 1 --pki --firmware 16.1.25 --uuid "$(uuid "$2")" --trust root.pem \
		--dhcp-suffix "${SUFFIX:-example.com}" --own-certificate rsa --own-key own.key --address "$NET.$3" \
		--server "$SERVER" --port "$PORT" --pace 50 --hello-window 1 --retry 1 --hellos 3 \
		--until-configured "${WAIT:-5}" --verbose "${@:4}" >/dev/null 2>"$1"
}
# It was asked nothing that gives a password away, and is not set up.
got_nothing() {
	! grep -qE 'SetMEBxPassword|SetAdminAclEntryEx|CommitChanges' "$1" ||
		{ cat "$1"; fail "$1: it was given passwords"; }
}
peer other-otp.log 1 1 --otp-file other-password & peers=$!
peer no-otp.log 2 2 & peers+=" $!"
peer wrong-uuid.log 3 3 --wrong-uuid & peers+=" $!"
SUFFIX=example.org peer wrong-name.log 4 4 & peers+=" $!"
peer unknown.log 9 9 & peers+=" $!"
WAIT=20 peer good.log 5 5 || { cat good.log; fail "a good machine is not set up"; }
! WAIT=3 peer again.log 5 55 || fail "another is set up in its name"
for peer in $peers; do
	! wait "$peer" || fail "a peer was set up that should not be"
done
for peer in other-otp no-otp wrong-uuid wrong-name unknown again; do
	grep -q 'hello 0 to' $peer.log || { cat $peer.log; fail "$peer said no hello"; }
	got_nothing $peer.log
done
# Those that nobody knows or allowed are not even called.
for peer in unknown again; do
	! grep -q 'certificate of' $peer.log || { cat $peer.log; fail "$peer was called"; }
done
for peer in other-otp no-otp wrong-uuid; do
	grep -q 'took the certificate of' $peer.log || { cat $peer.log; fail "$peer was not called"; }
done
is() { [ "$(ctl systems list --json | jq -r --arg u "$(uuid "$1")" \
	".systems[] | select(.uuid == \$u) | $2")" = "$3" ]; }
wait_for 20 is 1 .state refused || fail "another one-time password is not refused"
wait_for 20 is 2 .state refused || fail "no one-time password is not refused"
wait_for 20 is 5 .state needs-permission || fail "the other address is not shown"
is 5 .address "$NET.5" || fail "the machine's address has changed"
for name in 'otp-differs uuid='"$(uuid 1)" 'otp-differs uuid='"$(uuid 2)" 'other-address uuid='"$(uuid 5)"; do
	grep -q "security $name" log || fail "no security event: $name"
done
no_secrets
stop
