#!/bin/bash
# The daemon reads its folder of certificates at the start and at a reload, says what is wrong with
# each file, serves the others, and counts days in its metrics. Made with openssl, as the manual of
# an authority says it.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
need openssl
need curl

subject='/CN=provision.example.com/OU=Intel(R) Client Setup Certificate'
printf '%s\n' 'basicConstraints=CA:FALSE' 'keyUsage=digitalSignature,keyEncipherment' \
	'extendedKeyUsage=serverAuth,2.16.840.1.113741.1.2.3' \
	'subjectAltName=DNS:provision.example.com' >leaf.ext
quiet() { "$@" >openssl.out 2>&1 || { cat openssl.out; fail "$1 $2"; }; }
# authority NAME: NAME.pem and NAME.key
authority() {
	quiet openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 7300 -subj "/CN=Authority $1" \
		-addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign,cRLSign -keyout "$1.key" -out "$1.pem"
}
# leaf NAME DAYS AUTHORITY [EXTENSIONS]: NAME.pem, for the key leaf.key
leaf() {
	quiet openssl req -new -key leaf.key -subj "${SUBJECT:-$subject}" -out leaf.csr
	quiet openssl x509 -req -sha256 -days "$2" -in leaf.csr -CA "$3.pem" -CAkey "$3.key" \
		-CAcreateserial -out "$1.pem" -extfile "${4:-leaf.ext}"
	sleep 1	# else it has a whole day more
}
umask 077
authority one
quiet openssl genrsa -out leaf.key 2048
leaf good 1000 one
make_map 1
mkdir certificates
free=$((10000 + RANDOM % 20000))
while listens ":$free"; do free=$((10000 + RANDOM % 20000)); done
write_conf '[certificates]' "folder = $PWD/certificates" '[pki]' 'suffix = example.com' \
	'[metrics]' "metrics_listen = 127.0.0.1:$free"
metrics() { curl -s "http://127.0.0.1:$free/metrics" | grep "^amt_certificate" >metrics || true; }
reloads() { grep -c 'configuration read again' log || true; }
more_reloads() { [ "$(reloads)" -gt "$1" ]; }
reload() {
	local before
	before=$(reloads)
	kill -HUP "$DAEMON"
	wait_for 30 more_reloads "$before" || fail "no reload"
}

# Nothing there, nothing said.
start
! grep -q 'certificate' log || fail "certificates are spoken of"
metrics
[ ! -s metrics ] || fail "metrics of no certificates"

# A bundle in any order is taken up by a reload; what is said has its digest and serial.
cat one.pem leaf.key good.pem >certificates/good.pem
reload
digest=$(openssl x509 -in one.pem -outform DER | sha256sum | cut -c1-64)
serial=$(openssl x509 -in good.pem -noout -serial | sed 's/.*=//' | tr A-F a-f)
grep -q "certificate good.pem: \"provision.example.com\", serial $serial, until .*$digest" log ||
	fail "the certificate is not said"
! grep -q 'warning certificate' log || fail "a warning of a good certificate"
metrics
grep -qx 'amt_certificate_days_left{certificate="good.pem"} 999' metrics || fail "days left"
grep -qx 'amt_certificate_served{certificate="good.pem"} 1' metrics || fail "served"

# An old PFX beside its password; files that are wrong, each for its reason.
quiet openssl pkcs12 -export -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-40 \
	-inkey leaf.key -in good.pem -certfile one.pem -out certificates/old.pfx \
	-passout file:password
cp password certificates/old.pfx.password
leaf soon 5 one
cat leaf.key one.pem soon.pem >certificates/soon.pem
printf 'extendedKeyUsage=serverAuth\n' >plain.ext
SUBJECT='/CN=www.example.com' leaf plain 100 one plain.ext
cat plain.pem one.pem >certificates/plain.pem
authority two
leaf other 100 two
cat other.pem >certificates/lonely.pem
quiet openssl genrsa -out other.key 2048
cp other.key certificates/other.key
chmod 0644 certificates/other.key
echo nonsense >certificates/nonsense.pem
reload
says() { grep -qF -- "$1" log || fail "the log lacks: $1"; }
says 'error certificate-refused: certificate plain.pem: it is not made for AMT'
says 'error certificate-refused: certificate lonely.pem: its chain ends at "provision.example.com": the certificate of the issuer "Authority two" is missing'
says 'error certificate-refused: other.key holds a private key, and its mode is 0644'
says 'error certificate-refused: nonsense.pem holds no certificate'
says 'warning certificate-warning: certificate soon.pem: it expires in 4 days'
metrics
grep -qx 'amt_certificate_days_left{certificate="soon.pem"} 4' metrics || fail "days left of soon.pem"
grep -qx 'amt_certificate_served{certificate="lonely.pem"} 0' metrics || fail "served though it is not"
grep -qx 'amt_certificate_served{certificate="soon.pem"} 1' metrics || fail "the others serve"
# All of the PFX is in good.pem already, but for where it came from.
rm certificates/good.pem
reload
metrics
grep -qx 'amt_certificate_served{certificate="old.pfx"} 1' metrics || fail "the PFX is not served"

# A folder that everybody can write to is not read; what was there stays.
chmod 0777 certificates
reload
says 'error certificates-failed: the certificates stay as they were: everybody can write'
metrics
grep -qx 'amt_certificate_served{certificate="old.pfx"} 1' metrics || fail "certificates are gone"

no_secrets
! grep -q 'PRIVATE KEY' log || fail "a key is in the log"
! grep -qF "$(sed -n 3p leaf.key)" log map.db* || fail "a key is in the log or the map"
stop
