#!/bin/bash
# With tls = server, machines that proved themselves serve TLS with a certificate by the site's authority
# of machines, in the inventory's name; all others are set up without, and the log says why.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
need openssl jq
make_map 1

uuid() { printf '00000000-0000-4000-8000-00000000000%d' "$1"; }
write_conf '[certificates]' "folder = $PWD/certificates" "machine_authority = $PWD/machines-key.pem" \
	'[pki]' 'suffix = example.com' '[profile default]' 'tls = server'
"$BIN/amt-provisionctl" certificates new-ca --suffix example.com -c conf >/dev/null
"$BIN/amt-provisionctl" certificates new-ca --machines --suffix example.com -c conf >/dev/null
openssl x509 -in machines-key.pem -out machines.pem
printf '%s\n' 0ne-T1me.Pass >otp-password
cat otp-password >>password
{
	echo uuid,fqdn,otp
	for i in 1 2; do echo "$(uuid $i),pc$i.example.com,$(cat otp-password)"; done
	for i in 3 4; do echo "$(uuid $i),pc$i.example.com,"; done
	# Not under the suffix that the authority is for; and without a name.
	echo "$(uuid 5),pc5.example.net,$(cat otp-password)"
	echo "$(uuid 6),,$(cat otp-password)"
	echo "$(uuid 7),pc7.example.com,$(cat otp-password)"
	echo "$(uuid 8),pc8.example.com,"
} >key-inventory.csv
ctl inventory import key-inventory.csv --quiet
start

# pc I [OPTION...]: the machine with that number; its own key pairs are made of one file, to be quick.
openssl genrsa -out own.key 2048 2>/dev/null
pc() {
	local i=$1
	shift
	"$BIN/amt-sim" fleet -n 1 --pki --uuid "$(uuid "$i")" --address "$NET.$i" --server "$SERVER" \
		--port "$PORT" --pace 20 --hello-window 1 --own-key own.key --trust root.pem \
		--dhcp-suffix example.com --state "pcs$i" --verbose "$@" >>"sim$i.out" 2>&1
}
pc 1 --firmware 11.8.50 --otp-file otp-password --not-ready 2 & jobs=$!
pc 2 --firmware 16.1.25 --otp-file otp-password & jobs+=" $!"
pc 3 --firmware 14.0.1 --own-certificate rsa & jobs+=" $!"
pc 5 --firmware 14.0.1 --otp-file otp-password & jobs+=" $!"
pc 6 --firmware 14.0.1 --otp-file otp-password & jobs+=" $!"
# Old firmware has no calls for it.
pc 7 --firmware 2.6.0 --otp-file otp-password & jobs+=" $!"
# By its key, which proves it.
machine 1 8 --uuid "$(uuid 8)" --firmware 9.5.40 --own-key own.key --verbose & jobs+=" $!"
trap 'kill -9 $DAEMON $jobs 2>/dev/null || true' EXIT

field() { ctl systems show "$(uuid "$1")" --json | jq -r "$2"; }
is() { [ "$(field "$1" "$2" 2>/dev/null)" = "$3" ]; }
expect() { wait_for 40 is "$@" || fail "machine $1: $2 is not $3: $(tail -n 3 "sim$1.out")"; }
said() { wait_for 20 grep -q " $2 .*uuid=$(uuid "$1") .*$3" log || fail "machine $1: no $2 that says $3"; }
# served I: the certificate that the machine shows now
served() {
	# shellcheck disable=SC2016 # it is for the other shell
	echo | timeout 10 openssl s_client -connect "$NET.$1:$PORT" -CAfile machines.pem -verify_return_error \
		-verify_hostname "pc$1.example.com" 2>&1
}
# has_certificate I SERIAL
has_certificate() { served "$1" >shown; grep -q 'Verify return code: 0 (ok)' shown &&
	openssl x509 -in shown -noout -serial | grep -qix "serial=0*$2"; }

for i in 1 2 8; do
	expect $i .state configured
	said $i machine-certificate "for pc$i.example.com (UUID $(uuid $i), public key [0-9a-f]\{64\})"
	serial=$(field $i .certificate_serial)
	[ "${#serial}" -ge 16 ] || fail "machine $i has the serial number $serial"
	ctl systems show "$(uuid $i)" | grep -q "serial $serial, until 2036-" || fail "show does not have it"
	wait_for 20 has_certificate $i "$serial" || fail "machine $i shows $(cat shown)"
	openssl x509 -in shown -noout -subject -ext subjectAltName | grep -q "DNS:pc$i.example.com" ||
		fail "machine $i has another name: $(cat shown)"
	! grep -q "configured.*uuid=$(uuid $i).*no TLS" log || fail "machine $i has no TLS in the log"
done
[ "$(grep -c GenerateKeyPair sim1.out)" = 3 ] || fail "it was not asked again: $(cat sim1.out)"
grep -q 'certificate-context\|AMT_TLSCredentialContext' sim2.out || fail "it was not given its certificate"

# none I WHY: configured all the same, and no certificate was made for it
none() {
	expect "$1" .state configured
	said "$1" configured 'it has no TLS with a certificate of its own'
	[ -z "$2" ] || said "$1" no-machine-certificate "$2"
	expect "$1" .certificate_serial null
	! grep -q " machine-certificate .*uuid=$(uuid "$1")" log || fail "machine $1 got a certificate"
	! grep -q AddCertificate "sim$1.out" || fail "machine $1 was sent a certificate"
}
none 3 'nothing proves which machine it is'
none 5 'example.net'
none 6 'the inventory has no name for it'
none 7 ''

# A person allows it for one that proves nothing.
sim_hello --uuid "$(uuid 4)" --interface-version 3 --address "$NET.4"
expect 4 .hellos 1
ctl systems allow-setup --certificate --quiet "$(uuid 4)"
grep -q certificate-allowed <(ctl log) || fail "the log does not say who allowed it"
pc 4 --firmware 14.0.1 --own-certificate rsa & jobs+=" $!"
trap 'kill -9 $DAEMON $jobs 2>/dev/null || true' EXIT
expect 4 .state configured
said 4 machine-certificate 'for pc4.example.com'
wait_for 20 has_certificate 4 "$(field 4 .certificate_serial)" || fail "machine 4 shows $(cat shown)"
# Those that have one, by its end.
before() { ctl systems list --certificate-before "$1" --json | jq -r '[.systems[].uuid[-1:]] | sort | join(" ")'; }
[ "$(before 2037-01-01)" = '1 2 4 8' ] || fail "before 2037: $(before 2037-01-01)"
[ -z "$(before 2036-01-01)" ] || fail "before 2036: $(before 2036-01-01)"
for date in 2036 2036-13-01 2036-1-01x tomorrow; do
	! ctl systems list --certificate-before "$date" 2>message || fail "$date is taken as a date"
	grep -q 'is not a date' message || fail "$date: $(cat message)"
done
# shellcheck disable=SC2086 # a list
kill $jobs 2>/dev/null || true
no_secrets
stop
echo ok
