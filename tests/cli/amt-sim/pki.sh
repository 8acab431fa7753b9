#!/bin/bash
# A simulated machine that is set up by certificate: which servers it lets in, and how it refuses the
# others. curl and openssl are the servers here, not the kit's.
set -eu
# shellcheck source=tests/support/sim-pki.inc
. "$(dirname "$0")/../../support/sim-pki.inc"
OU='OU=Intel(R) Client Setup Certificate'
openssl genrsa -out leaf.key 2048 2>/dev/null
openssl ecparam -genkey -name secp384r1 -noout -out ec.key
authority root -newkey rsa:2048 -sha256
leaf oid root /CN=server.example.org serverAuth,$OID
cat alone.pem >no-root.pem
leaf ou root "/CN=server.example.org/$OU" serverAuth
leaf neither root "/CN=server.example.org/$OU." serverAuth
leaf client root /CN=server.example.org clientAuth,$OID
leaf elsewhere root /CN=server.example.net serverAuth,$OID
SAN=subjectAltName=DNS:server.example.org leaf san root /CN=other serverAuth,$OID
leaf sha1 root /CN=server.example.org serverAuth,$OID -sha1
KEY=ec.key leaf ec root /CN=server.example.org serverAuth,$OID
DAYS=-1 leaf expired root /CN=server.example.org serverAuth,$OID
authority strange -newkey rsa:2048 -sha256
leaf stranger strange /CN=server.example.org serverAuth,$OID
cat no-root.pem strange.pem root.pem >torn.pem

# takes CERTIFICATES, refuses CERTIFICATES REASON [HOW]
takes() {
	[ "$(post "$1")" = 200 ] || { cat error; fail "$version: $1 was not taken"; }
	grep -q '<g:DigestRealm>Digest:' answer || fail "no settings: $(cat answer)"
}
refuses() {
	[ "$(post "$1")" = 000 ] || fail "$version: $1 was taken"
	grep -q "${3:-alert certificate unknown}" error || { cat error; fail "$version: $1: another alert"; }
	tail -n 1 sim.log | grep -q "refused.*$2" || fail "$version: $1: another reason"
}

# What is good, and what is not, for a machine of TLS 1.2.
get AMT_GeneralSettings
version=14.0.10
machine $version
takes oid
takes ou
takes san
takes sha1
refuses no-root 'is not a root that this machine trusts'
refuses stranger 'is not a root that this machine trusts'
refuses torn 'does not lead from the leaf to the root'
refuses neither 'neither the OID nor the OU'
refuses client 'not for servers'
refuses elsewhere 'the name does not match'
refuses ec "a key's kind or size"
takes expired
[ "$(curl -sSk -o answer -w '%{http_code}' "https://$net.1:$port/wsman" 2>error)" = 000 ] ||
	fail "a server without a certificate was taken"
grep -q 'alert handshake failure' error || { cat error; fail "no certificate: another alert"; }
off

# Ages: TLS 1.0 without RFC 5746, no SAN; no SHA-1 any more; TLS 1.3, whose alert comes late.
version=5.2.10
machine $version --pki-login never
takes oid
refuses san 'the name does not match'
printf '' | timeout 5 openssl s_client -connect "$net.1:$port" -cert oid.pem -key leaf.key \
	-cert_chain root.pem -cipher 'ALL:@SECLEVEL=0' >tls 2>&1 || true
grep -q 'Secure Renegotiation IS NOT supported' tls || fail "AMT 5 knows RFC 5746"
grep -q 'Protocol  : TLSv1$' tls || fail "AMT 5 does not speak TLS 1.0"
grep -q 'No client certificate CA names sent' tls || fail "names of authorities are sent"
off
version=16.1.25
machine $version --on-die-root ondie.pem --certificate-each
takes oid
refuses sha1 'signed with SHA-1'
for i in 1 2; do
	openssl s_client -connect "$net.1:$port" -showcerts -cert oid.pem -key leaf.key </dev/null \
		>tls$i 2>/dev/null || true
	[ "$(grep -c 'BEGIN CERT' tls$i)" = 4 ] || fail "the on-die chain has not 4 certificates"
	sed -n '/BEGIN CERT/,/END CERT/p' tls$i >shown$i.pem
	openssl verify -CAfile ondie.pem -untrusted shown$i.pem shown$i.pem >verified 2>&1 ||
		fail "the on-die chain does not end in its root: $(cat verified)"
done
cmp -s shown1.pem shown2.pem && fail "--certificate-each shows one certificate twice"
openssl x509 -in shown1.pem -noout -subject -text >leaf.txt
grep -q 'CN = AMT RCFG' leaf.txt || fail "the on-die leaf has another name"
grep -q 'P-384' leaf.txt || fail "the on-die leaf has another key"
[ "$(stat -c %a ondie.pem.key)" = 600 ] || fail "the on-die key is not private"
off
authority root384 -newkey rsa:3072 -sha384
openssl genrsa -out leaf3072.key 3072 2>/dev/null
KEY=leaf3072.key leaf new root384 /CN=server.example.org serverAuth,$OID -sha384
version=22.0.0
machine $version
refuses oid 'shorter than SHA-384'
off
TRUST=root384.pem machine $version --tls 1.3
cp leaf.key kept.key
cp leaf3072.key leaf.key
takes new
cp kept.key leaf.key
off

# Each way to refuse.
version=11.8.50
for how in 42/'alert bad certificate' 46/'alert certificate unknown' 48/'alert unknown ca' \
	49/'alert access denied'; do
	machine $version --refuse-with "alert-${how%%/*}"
	refuses stranger root "${how#*/}"
	off
done
machine $version --refuse-with close
refuses stranger root 'SSL_ERROR_SYSCALL\|unexpected eof\|Empty reply'
off
machine $version --refuse-with 401 --pki-login never
[ "$(post stranger)" = 401 ] || fail "--refuse-with 401: $(cat error)"
[ "$(post stranger --digest -u admin:admin)" = 401 ] || fail "--refuse-with 401, with a login"
[ "$(post oid)" = 200 ] || fail "--refuse-with 401 refuses all"
off
machine $version --clock
refuses expired 'not valid at this time'
off
machine $version --pki-suffix example.net --pki-login never
takes elsewhere
refuses oid 'the name does not match'
off
machine $version --server-fqdn server.example.org --pki-suffix example.net --pki-login never
takes oid
refuses elsewhere 'the name does not match'
off

# Who has to log in.
printf 'Str0ng!Pass\n' >mebx
login() { post oid --digest -u "admin:$1"; }
machine $version --mebx-password-file mebx
[ "$(post oid)" = 401 ] || fail "AMT 11 asks nobody to log in"
[ "$(login admin)$(login 'Str0ng!Pass')" = 401200 ] || fail "not the MEBx password"
off
machine $version --mebx-password-file mebx --pki-login admin
[ "$(login admin)$(login 'Str0ng!Pass')" = 200401 ] || fail "--pki-login admin"
off
machine $version --mebx-password-file mebx --pki-login unknown
[ "$(login admin)$(login 'Str0ng!Pass')" = 401401 ] || fail "--pki-login unknown"
off

# SetMEBxPassword changes the login only for a machine with that habit.
for how in mebx/200401 follow/401200; do
	machine $version --pki-login "${how%/*}"
	invoke AMT_SetupAndConfigurationService SetMEBxPassword '<g:Password>Str0ng!Pass</g:Password>'
	[ "$(login admin)" = 200 ] || fail "the MEBx password was refused: $(cat answer)"
	get AMT_GeneralSettings
	[ "$(login admin)$(login 'Str0ng!Pass')" = "${how#*/}" ] || fail "--pki-login $how"
	off
done

# Set up: the one-time password is shown before, the MEBx password has to be set, TLS serves after.
printf 'one-time-secret' >otp
version=19.0.5
machine $version --otp-file otp --commit answer
get AMT_SetupAndConfigurationService
[ "$(post oid)" = 200 ] || fail "no state"
[ "$(sed -n 's/.*<g:ProvisioningServerOTP>//p' answer | sed 's/<.*//' | base64 -d | tr -d '\0')" = one-time-secret ] ||
	fail "another one-time password"
grep -q '<g:DhcpDNSSuffix>example.org<' answer || fail "no suffix"
realm=$(grep -o 'Digest:[0-9A-F]*' <(get AMT_GeneralSettings; post oid >/dev/null; cat answer))
digest=$(printf 'admin:%s:N3w!Secret' "$realm" | openssl md5 -binary | base64)
value() { [ "$(post oid)" = 200 ] || fail "$1"; sed -n 's/.*<g:ReturnValue>//p' answer | sed 's/<.*//'; }
invoke AMT_AuthorizationService SetAdminAclEntryEx \
	"<g:Username>admin</g:Username><g:DigestPassword>$digest</g:DigestPassword>"
[ "$(value account)" = 0 ] || fail "the account was refused: $(cat answer)"
invoke AMT_SetupAndConfigurationService CommitChanges ''
[ "$(value commit)" = 2057 ] || fail "committed with the factory's MEBx password"
invoke AMT_SetupAndConfigurationService SetMEBxPassword '<g:Password>M3bx!Secret</g:Password>'
[ "$(value MEBx)" = 0 ] || fail "the MEBx password was refused: $(cat answer)"
[ "$(value MEBx)" = 16 ] || fail "the MEBx password was set twice"
invoke AMT_SetupAndConfigurationService CommitChanges ''
[ "$(value commit)" = 0 ] || fail "not committed: $(cat answer)"
get AMT_GeneralSettings
# shellcheck disable=SC2317 # wait_for calls it
again() { [ "$(curl -sSk -o answer -w '%{http_code}' --max-time 5 --digest -u 'admin:N3w!Secret' \
	--data-binary @request.xml "https://$net.1:$port/wsman" 2>error)" = 200 ]; }
wait_for 10 again || fail "not to be managed over TLS afterwards: $(cat error)"
off
grep -q 'secret\|Secret\|Str0ng' sim.log sim.out && fail "a secret was printed"
exit 0
