#!/bin/bash
# A server gives a simulated machine a certificate of its own: the key pair is made in the machine, and
# from the commit on the machine serves with it, also when it is switched on again. curl and openssl
# are the server here.
set -eu
# shellcheck source=tests/support/sim-pki.inc
. "$(dirname "$0")/../../support/sim-pki.inc"
openssl genrsa -out leaf.key 2048 2>/dev/null
authority root -newkey rsa:2048 -sha256
leaf server root /CN=server.example.org serverAuth,$OID
authority machines -newkey rsa:2048 -sha256

# said NAME: the value of the element NAME in the answer
said() { sed -n "s/.*<g:$1>//p" answer | sed 's/<.*//'; }
# ok WHAT: the request went well
ok() { [ "$(post server)" = 200 ] || fail "$1: $(cat error answer)"; }
zero() { ok "$1"; [ "$(said ReturnValue)" = 0 ] || fail "$1: $(cat answer)"; }
transfer() { # HOW CLASS FIELDS
	envelope "http://schemas.xmlsoap.org/ws/2004/09/transfer/$1" "$amt/$2" \
		"<g:$2 xmlns:g=\"$amt/$2\">$3</g:$2>" >request.xml
}
keys=AMT_PublicKeyManagementService
reference="<g:ElementInContext><a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>$amt/AMT_PublicKeyCertificate</w:ResourceURI><w:SelectorSet><w:Selector Name=\"InstanceID\">Intel(r) AMT Certificate: Handle: 0</w:Selector></w:SelectorSet></a:ReferenceParameters></g:ElementInContext>"
# give HOW: the machine gets a certificate by Create or Put, and an account, and commits
give() {
	get AMT_GeneralSettings
	ok "the settings"
	digest=$(printf 'admin:%s:N3w!Secret' "$(said DigestRealm)" | openssl md5 -binary | base64)
	invoke AMT_AuthorizationService SetAdminAclEntryEx \
		"<g:Username>admin</g:Username><g:DigestPassword>$digest</g:DigestPassword>"
	zero "the account"
	invoke $keys GenerateKeyPair '<g:KeyAlgorithm>0</g:KeyAlgorithm><g:KeyLength>2048</g:KeyLength>'
	[ "$(post server)" = 400 ] || fail "the first key pair came at once"
	zero "the key pair"
	envelope http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull "$amt/AMT_PublicPrivateKeyPair" \
		'<e:Pull xmlns:e="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><e:EnumerationContext>AMT_PublicPrivateKeyPair</e:EnumerationContext></e:Pull>' >request.xml
	ok "the public key"
	said DERKey | base64 -d >public.der
	openssl rsa -RSAPublicKey_in -inform DER -in public.der -pubout -out public.pem 2>/dev/null ||
		fail "the public key is not PKCS#1"
	openssl req -new -key leaf.key -subj /CN=pc1.example.org -out request 2>/dev/null
	openssl x509 -req -in request -force_pubkey public.pem -CA machines.pem -CAkey machines.key \
		-set_serial 9 -days 100 -out pc1.pem 2>/dev/null
	invoke $keys AddCertificate \
		"<g:CertificateBlob>$(openssl x509 -in pc1.pem -outform DER | base64 -w0)</g:CertificateBlob>"
	zero "the certificate"
	transfer "$1" AMT_TLSCredentialContext "$reference"
	ok "the context"
	transfer Put AMT_TLSSettingData '<g:InstanceID>Intel(r) AMT 802.3 TLS Settings</g:InstanceID><g:Enabled>true</g:Enabled><g:MutualAuthentication>false</g:MutualAuthentication><g:AcceptNonSecureConnections>false</g:AcceptNonSecureConnections>'
	ok "the settings of TLS"
	invoke AMT_SetupAndConfigurationService CommitChanges ''
	zero "the commit"
}
# serves CA: the machine is managed over TLS and shows a certificate under CA
serves() {
	get AMT_GeneralSettings
	wait_for 20 answers "$1" || fail "it is not to be managed: $(cat error)"
}
# shellcheck disable=SC2317 # wait_for calls it
answers() {
	[ "$(curl -sS -o answer -w '%{http_code}' --max-time 5 --tlsv1.0 --ciphers 'ALL:@SECLEVEL=0' \
		--cacert "$1" --resolve "pc1.example.org:$port:$net.1" --digest -u 'admin:N3w!Secret' \
		--data-binary @request.xml "https://pc1.example.org:$port/wsman" 2>error)" = 200 ]
}

# AMT 14: the context is created, the port without TLS stays closed.
machine 14.0.10 --not-ready 1 --state pcs
give Create
serves machines.pem
[ "$(curl -s -o answer -w '%{http_code}' "http://$net.1:$((port - 1))/wsman")" = 000 ] ||
	fail "the port without TLS is open"
off
machine 14.0.10 --state pcs
serves machines.pem
off
[ "$(stat -c %a pcs/00000)" = 600 ] || fail "the key is not private"

# AMT 16: there is a context already, and to create one is not enough.
machine 16.0.5 --not-ready 1 --commit-needs-mebx no
give Create
# shellcheck disable=SC2317 # wait_for calls it
shows() { openssl s_client -connect "$net.1:$port" </dev/null 2>/dev/null |
	openssl x509 -noout -subject 2>/dev/null | grep -q "$1"; }
wait_for 20 shows 'CN = AMT RCFG' || fail "a second context was taken"
off
machine 16.0.5 --not-ready 1 --commit-needs-mebx no
give Put
serves machines.pem
off
exit 0
