#!/bin/bash
# The whole life of the server's certificates, as an operator types it: made, listed, checked, added,
# renewed, removed; what is refused, and what is never shown.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../../support/daemon.inc"
need openssl jq sqlite3
umask 022
printf '%s\n' '[server]' "map = $PWD/map.db" '[certificates]' "folder = $PWD/certificates" \
	"machine_authority = $PWD/etc/machines-key.pem" '[pki]' 'suffix = example.com' >conf
certs() { "$BIN/amt-provisionctl" certificates "$@" -c conf; }
field() { certs list --json | jq -r "$1"; }
digest_of() { openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1; }

# Before the server was ever started: no map, no folder.
status 0 certs list
grep -q 'no certificate is in .*new-ca' err || fail "an empty folder: $(cat err)"

# One command makes all, and its last lines say what to type next.
status 0 certs new-ca --suffix example.com
cp out made
[ "$(stat -c %a root.key)" = 600 ] || fail "root.key has mode $(stat -c %a root.key)"
[ "$(stat -c %a certificates)" = 700 ] || [ "$(stat -c %a certificates)" = 750 ] || fail "the folder"
case $(stat -c %a certificates/*.pem) in 600 | 640) ;; *) fail "the key's file is open to others" ;; esac
grep -q "$(digest_of root.pem)" made || fail "the root's digest is not shown"
openssl verify -purpose sslserver -CAfile root.pem certificates/provision.example.com.pem >verified 2>&1 ||
	fail "$(cat verified)"
openssl x509 -in certificates/provision.example.com.pem -noout -subject -ext extendedKeyUsage >facts
grep -q 'OU = Intel(R) Client Setup Certificate' facts || fail "$(cat facts)"
grep -q 'TLS Web Server Authentication, 2.16.840.1.113741.1.2.3' facts || fail "$(cat facts)"
! grep -q 'PRIVATE KEY' root.pem made || fail "a key is where all see it"
# The line that it prints is one that works, but for the address.
sed -n '/^  amt-setupbin/,$p' made | sed 's/--server [^ ]*/--server 10.0.0.5/' >line
grep -q -- '--pki --bare-metal --dns-suffix example.com --cert root.pem' line || fail "$(cat line)"
sed "s,amt-setupbin,$BIN/amt-setupbin," line >line.sh
echo 'Secret.Pa55' | bash -eu line.sh >printed 2>&1 || fail "the line that was printed: $(cat printed line)"
"$BIN/amt-setupbin" check setup.bin >printed || fail "the stick's file: $(cat printed)"

# It is listed as served, and known to others by its root.
[ "$(field '.certificates[0] | [.id, .served, .name, .complete, .private_key] | join(" ")')" = \
	"provision.example.com.pem true provision.example.com true true" ] || fail "$(certs list --json)"
[ "$(field '.certificates[0].root_sha256')" = "$(digest_of root.pem)" ] || fail "root_sha256"
status 0 certs show provision.example.com
grep -qE '^Chain +provision.example.com \(RSA, 2048 bits, SHA256\)' out || fail "$(cat out)"
status 1 certs show other.example.com
grep -q 'certificates list shows which' err || fail "$(cat err)"

# No authority takes the place of another.
cp -r certificates before
cp root.key root.pem before
status 2 certs new-ca --suffix example.com
grep -q 'root.key exists already' err || fail "$(cat err)"
for file in root.key root.pem; do cmp $file before/$file || fail "a root was replaced"; done
mkdir apart
status 2 certs new-ca --suffix example.com -o apart
grep -q 'provision.example.com.pem exists already' err || fail "$(cat err)"
[ -z "$(ls apart)" ] || fail "$(ls apart)"
status 2 certs new-ca --suffix example.com --name host.example.org -o apart
status 2 certs new-ca --suffix example.com --name host.example.com -o certificates
grep -q 'does not belong there' err || fail "$(cat err)"
[ "$(ls certificates)" = provision.example.com.pem ] || fail "$(ls certificates)"

# A new certificate of the same root takes the place of the old one; another key makes none.
old=$(field '.certificates[0].chain[0].serial')
status 0 certs renew --days 100
[ "$(field '.certificates | length')" = 1 ] || fail "$(certs list)"
[ "$(field '.certificates[0].chain[0].serial')" != "$old" ] || fail "the certificate is the same"
[ "$(field '.certificates[0].root_sha256')" = "$(digest_of root.pem)" ] || fail "the root is another"
case $(field ".certificates[0].days_left") in 99 | 100) ;; *) fail "$(certs list --json)" ;; esac
openssl genrsa -out other.key 2048 2>/dev/null
chmod 644 other.key
status 2 certs renew -k other.key
grep -q 'chmod 600 other.key' err || fail "$(cat err)"
chmod 600 other.key
status 1 certs renew -k other.key
status 2 certs renew -k nowhere.key

# A bought one: key, certificate, intermediate and root in four files, in any order.
ca() { # NAME SUBJECT: a root
	openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 100 -subj "$2" -keyout "$1.key" \
		-out "$1.pem" 2>/dev/null -addext basicConstraints=critical,CA:TRUE
}
sign() { # NAME CA SUBJECT EXTENSIONS [OPTION...]
	local name=$1 ca=$2 subject=$3 extensions=$4
	shift 4
	openssl req -new -newkey rsa:2048 -nodes -subj "$subject" -keyout "$name.key" -out "$name.csr" 2>/dev/null
	openssl x509 -req -sha256 -in "$name.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial \
		-out "$name.pem" -days 100 -extfile <(printf '%b' "$extensions") "$@" 2>/dev/null
}
AMT='extendedKeyUsage=serverAuth,2.16.840.1.113741.1.2.3\n'
ca vendor '/CN=Vendor Root'
sign middle vendor '/CN=Vendor Issuing' 'basicConstraints=critical,CA:TRUE\n'
sign leaf middle '/CN=amt.example.com' "${AMT}subjectAltName=DNS:amt.example.com\n"
openssl x509 -in middle.pem -outform DER -out middle.der
status 0 certs check vendor.pem middle.der leaf.pem leaf.key
grep -q '^The server can use this certificate' out || fail "$(cat out)"
status 1 certs check leaf.pem leaf.key --json
jq -e '.certificates[0] | .served == false and any(.findings[]; .code == "incomplete")' out >/dev/null ||
	fail "$(cat out)"
status 0 certs add vendor.pem middle.der leaf.pem leaf.key
[ "$(field '.certificates[] | select(.name == "amt.example.com") | .chain | length')" = 3 ] ||
	fail "$(certs list --json)"
status 0 certs add vendor.pem middle.pem leaf.pem leaf.key
grep -q 'is this certificate already' err || fail "$(cat err)"
[ "$(find certificates -type f | wc -l)" = 2 ] || fail "$(ls certificates)"
# A file with another password than its own, and then with the right one.
openssl pkcs12 -export -inkey leaf.key -in leaf.pem -certfile <(cat middle.pem vendor.pem) -out all.pfx \
	-passout pass:Secret.Pfx1 -legacy -certpbe PBE-SHA1-RC2-40 2>/dev/null
status 0 certs remove amt.example.com --yes
(umask 077; echo Wrong.Pfx1 >wrong; echo Secret.Pfx1 >all.pfx.password)
status 2 certs check all.pfx --password-file wrong
status 0 certs add all.pfx
[ "$(field '.certificates[] | select(.name == "amt.example.com") | .served')" = true ] || fail "PFX"

# What no machine would accept is refused, with the reason, and changes nothing.
find certificates -type f | sort >have
refuse() { # CODE FILE...
	local code=$1
	shift
	status 1 certs add "$@"
	[ -s err ] || fail "no reason is given: $*"
	status 1 certs check --json "$@"
	jq -e --arg c "$code" 'any(.certificates[].findings[]; .code == $c and .severity == "refused" and
		(.hint // "") != "")' out >/dev/null || fail "$code: $(cat out)"
	find certificates -type f | sort | diff have - || fail "something was added: $*"
}
refuse no-key leaf.pem middle.pem vendor.pem
refuse incomplete leaf.pem leaf.key vendor.pem
refuse other-key leaf.pem middle.pem vendor.pem other.key
sign nothing vendor '/CN=amt.example.com' 'extendedKeyUsage=serverAuth\n'
refuse not-amt nothing.pem nothing.key vendor.pem
sign client vendor '/CN=amt.example.com' 'extendedKeyUsage=clientAuth,2.16.840.1.113741.1.2.3\n'
refuse not-server client.pem client.key vendor.pem
sign expired vendor '/CN=amt.example.com' "$AMT" -days -1
refuse expired expired.pem expired.key vendor.pem
status 1 certs add vendor.pem
status 2 certs add conf
status 2 certs add nowhere.pem

# One that was not made here is renewed where it was made; others of its root are not touched.
chmod 600 vendor.key
status 2 certs renew -k vendor.key
grep -q 'was not made by new-ca' err || fail "$(cat err)"

# Removed only when a person says so.
status 2 certs remove amt.example.com </dev/null
grep -q 'give --yes' err || fail "$(cat err)"
[ -e certificates/amt.example.com.pem ] || fail "it is gone"
status 0 certs remove amt.example.com --yes
[ ! -e certificates/amt.example.com.pem ] || fail "it is there"
status 1 certs remove amt.example.com --yes
status 1 certs remove ../conf --yes
[ -e conf ] || fail "a file elsewhere was removed"

# The authority of the machines: a file for the server, and its certificate for all.
status 0 certs new-ca --machines --suffix example.com
[ "$(stat -c %a machines.pem)" = 644 ] || fail "machines.pem"
! grep -q 'PRIVATE KEY' machines.pem || fail "the key of the machines' authority is public"
grep -q 'PRIVATE KEY' etc/machines-key.pem || fail "no key"
openssl x509 -in machines.pem -noout -ext nameConstraints | grep -q 'DNS:example.com' || fail "not constrained"
status 2 certs new-ca --machines --suffix example.com

# With a map, all that was done is in its log, under the name of who did it.
"$BIN/amt-keygen" generate -q -n 1 --random-passwords --map map.db -o keys.csv
status 0 certs renew
status 0 certs add vendor.pem middle.pem leaf.pem leaf.key
status 0 certs remove amt.example.com --yes
mkdir second
status 0 certs new-ca --suffix example.com --name second.example.com -o second --rsa 3072 --sha 384
"$BIN/amt-provisionctl" log -m map.db >events
for event in certificate-renewed certificate-added certificate-removed authority-made; do
	grep -q "$event.*, by " events || fail "the log has no $event"
done
[ "$(field '.certificates[] | select(.name == "second.example.com") | .chain[1] | [.bits, .digest] | join(" ")')" = \
	"3072 SHA384" ] || fail "$(certs list --json)"

# Which one a machine would accept: one that lists our root, one that lists others, none at all.
machine=939b524b-13d4-1d18-e487-1c697a6b7a2b
status 1 certs match $machine
grep -q 'no such machine' err || fail "$(cat err)"
sqlite3 map.db "INSERT INTO csti_amts(uuid, address, state, hello_version, first_seen, last_seen)
	VALUES(x'${machine//-/}', '192.0.2.1', 5, 3, 1, 1)"
status 1 certs match $machine
grep -q 'listed no root' err || fail "$(cat err)"
lists() { sqlite3 map.db "INSERT OR REPLACE INTO csti_amts_digests SELECT id, x'0220$1' FROM csti_amts"; }
lists "$(printf '%064d' 1)"
status 1 certs match $machine
grep -q 'does not know the root "AMT root example.com"' err || fail "$(cat err)"
grep -q 'start it with a stick that has this root' err || fail "$(cat err)"
lists "$(digest_of root.pem)"
status 0 certs match $machine
grep -qE '^provision.example.com.pem +provision.example.com +SHA-256 +20' out || fail "$(cat out)"
status 0 certs match $machine --json
[ "$(jq -c '.matches' out)" = '[{"id":"provision.example.com.pem","known_by":2,"valid":true}]' ] ||
	fail "$(cat out)"
! grep -aqE 'PRIVATE KEY|Secret\.Pfx1' events map.db* out err made || fail "a secret was shown"
echo ok
