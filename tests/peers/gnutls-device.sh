#!/bin/bash
# A machine on GnuTLS that has nothing of ours (pki_device.c) is set up by certificate: TLS 1.0 with
# RSA and without RFC 5746, TLS 1.2 with a key of P-384, TLS 1.3; with and without a login before.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../support/daemon.inc"
device=$BIN/../tests/peers/pki_device
[ -x "$device" ] || { echo "skipped: pki_device is not built (make check-peers)"; exit 77; }
need openssl jq

make_map 1
printf 'St1ck.Pass\n' >stick-password
# An intermediate, and more than one file, as a bought certificate comes; the key is in an old PFX.
quiet() { "$@" >openssl.out 2>&1 || { cat openssl.out; fail "$1 $2"; }; }
quiet openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 7300 -subj '/CN=Peer Root' \
	-addext basicConstraints=critical,CA:TRUE -keyout root.key -out root.pem
# signed NAME ISSUER SUBJECT EXTENSION...
signed() {
	printf '%s\n' "${@:4}" >ext
	quiet openssl req -new -newkey rsa:2048 -nodes -subj "$3" -keyout "$1.key" -out "$1.csr"
	quiet openssl x509 -req -sha256 -days 700 -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" \
		-CAcreateserial -extfile ext -out "$1.pem"
}
signed middle root '/CN=Peer Intermediate' 'basicConstraints=critical,CA:TRUE,pathlen:0'
signed leaf middle '/CN=server.example.com/OU=Intel(R) Client Setup Certificate' \
	'extendedKeyUsage=serverAuth'
mkdir certificates
quiet openssl pkcs12 -export -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-40 -inkey leaf.key \
	-in leaf.pem -passout file:password -out certificates/server.pfx
cp password certificates/server.pfx.password
cat root.pem middle.pem >certificates/authorities.pem
quiet openssl req -x509 -newkey rsa:2048 -nodes -days 3000 -subj '/CN=Intel AMT' -keyout rsa.key -out rsa.pem
quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -days 3000 \
	-subj '/CN=Intel AMT' -keyout p384.key -out p384.pem

uuid() { printf '00000000-0000-4000-8000-00000000000%d' "$1"; }
{ echo uuid; for i in 1 2 3 4 5 6; do uuid $i; echo; done; } >machines.csv
ctl inventory import machines.csv --quiet
write_conf '[certificates]' "folder = $PWD/certificates" '[pki]' \
	"stick_password_file = $PWD/stick-password"
start

# device I STATUS PRIORITY KEY SUFFIX [PASSWORD-FILE]
device() {
	local i=$1 want=$2 got=0
	shift 2
	"$device" "$NET.$i" "$PORT" "${SERVER##*:}" "0000000000000040800000000000000$i" "$1" "$2.pem" "$2.key" \
		root.pem "${@:3}" >"device$i-password" 2>device.log || got=$?
	[ $got = "$want" ] || { cat device.log; fail "device $i ended with status $got, not $want"; }
}
field() { ctl systems list --json | jq -r --arg u "$(uuid "$1")" ".systems[] | select(.uuid == \$u) | $2"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; }
legacy='NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:%DISABLE_SAFE_RENEGOTIATION'
device 1 0 "$legacy" rsa example.com
device 2 0 "$legacy" rsa example.com stick-password
device 3 0 'NORMAL:-VERS-ALL:+VERS-TLS1.2' p384 example.com
device 4 0 'NORMAL:-VERS-ALL:+VERS-TLS1.3' rsa EXAMPLE.com
for i in 1 2 3 4; do
	wait_for 20 is $i .state configured || fail "device $i is $(field $i .state): $(field $i .reason)"
	is $i .proved_by null || fail "device $i has proved nothing"
	# What it was given is what the map has.
	ctl systems export --all --secrets --format json -o secrets.json --force --quiet
	jq -r --arg u "$(uuid $i)" '.[] | select(.uuid == $u) | .admin_password, .mebx_password' \
		secrets.json >map-password
	{
		sed -n 1p "device$i-password"
		printf 'admin:%s:%s' "$(sed -n 1p "device$i-password")" "$(sed -n 1p map-password)" | md5sum |
			cut -d' ' -f1
		sed -n 2p map-password
	} | cmp - "device$i-password" || fail "device $i has other passwords than the map"
done
# Those that refuse the name: at the handshake, and after it as TLS 1.3 has it.
device 5 1 'NORMAL:-VERS-ALL:+VERS-TLS1.2' p384 example.org
device 6 1 'NORMAL:-VERS-ALL:+VERS-TLS1.3' rsa other.example.com
for i in 5 6; do
	wait_for 20 is $i .reason_code chain-refused || fail "device $i: $(field $i .reason)"
done
no_secrets
stop
