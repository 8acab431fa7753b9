#!/bin/bash
# MeshCentral's server for hellos of version 3 sets simulated machines up by certificate. It calls
# back at port 16993, and speaks to machines with RSA certificates only.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../support/daemon.inc"
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/peers/meshcentral.inc
. "$here/meshcentral.inc"
meshcentral amtprovisioningserver.js
[ -n "$folder" ] || { echo "skipped: $missing"; exit 77; }

umask 077
quiet() { "$@" >openssl.out 2>&1 || { cat openssl.out; fail "$1 $2"; }; }
quiet openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 7300 -subj '/CN=Peer Root' \
	-addext basicConstraints=critical,CA:TRUE -keyout root.key -out root.pem
quiet openssl req -new -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr \
	-subj '/CN=server.example.com/OU=Intel(R) Client Setup Certificate'
printf '%s\n' 'extendedKeyUsage=serverAuth,2.16.840.1.113741.1.2.3' >ext
quiet openssl x509 -req -sha256 -days 700 -in leaf.csr -CA root.pem -CAkey root.key -set_serial 5 \
	-extfile ext -out leaf.pem
printf 'Str0ng!Pass\n' >password
# As TLS 1.0 has it, a certificate is shown with MD5 and SHA-1: node does that at level 0 only.
printf '%s\n' 'nodejs_conf = node' '[node]' 'ssl_conf = ssl' '[ssl]' 'system_default = any' '[any]' \
	'CipherString = DEFAULT:@SECLEVEL=0' 'MinProtocol = TLSv1' >openssl.cnf
mesh() {
	AMT_PASSWORD=$(cat password) node --openssl-config=openssl.cnf "$here/meshcentral-pki.js" "$folder" \
		"$PORT" leaf.pem root.pem leaf.key example.com >server.log 2>&1 &
	server=$!
	trap 'kill -9 $server 2>/dev/null || true' EXIT
	wait_for 30 listens ":$PORT" || { cat server.log; fail "MeshCentral does not listen"; }
}

i=0
for firmware in 9.1.40 12.0.35 16.1.25; do
	i=$((i + 1))
	mesh
	"$BIN/amt-sim" fleet -n 1 --pki --firmware $firmware --trust root.pem --dhcp-suffix example.com \
		--own-certificate rsa --pki-login never --mebx take --hex-password --state pc$i \
		--address "$NET.$i" --server "127.0.0.1:$PORT" --pace 20 --until-configured 40 \
		--verbose >sim.log 2>&1 ||
		{ cat server.log sim.log; fail "AMT $firmware was not set up by MeshCentral"; }
	wait $server || { cat server.log sim.log; fail "MeshCentral, AMT $firmware"; }
	"$BIN/amt-sim" show pc$i/00000 --json >out
	[ "$(jq -r .state out)" = post ] || { cat out; fail "the state was not kept"; }
	grep -q 'AddCertificate' sim.log || { cat sim.log; fail "no certificate for the machine"; }
	realm=$(sed -n 's/^digest-realm: //p' pc$i/00000)
	[ "$(sed -n 's/^admin-digest: //p' pc$i/00000)" = \
		"$(printf 'admin:%s:%s' "$realm" "$(cat password)" | md5sum | cut -d' ' -f1)" ] ||
		{ cat server.log sim.log; fail "the machine has another password"; }
done

# A machine that does not take its name says so to MeshCentral, too.
mesh
"$BIN/amt-sim" fleet -n 1 --pki --firmware 12.0.35 --trust root.pem --dhcp-suffix example.org --hellos 1 \
	--address "$NET.9" --server "127.0.0.1:$PORT" --until-configured 5 --verbose >sim.log 2>&1 || true
wait_for 20 grep -q 'Failed TLS connection, status=408' server.log ||
	{ cat server.log sim.log; fail "MeshCentral was not refused"; }
kill $server
