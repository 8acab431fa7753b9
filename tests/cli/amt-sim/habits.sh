#!/bin/bash
# What machines of their time do otherwise than new ones: TLS without extensions, ports that close
# with the commit, logins and connections of their own kind. openssl and curl are the clients here.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
fail() { echo "FAIL: $*"; [ ! -f sim.log ] || cat sim.log; exit 1; }
umask 077
port=$((20000 + RANDOM % 12000)) plain=
plain=$((port - 1))
net=127.$((2 + RANDOM % 200)).$((RANDOM % 250))
pps=NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ
cat >key.csv <<'KEY'
pid,pps,current_password,admin_password
0000-037M,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ,admin,Str0ng!Pass
KEY
sim=
# shellcheck disable=SC2317 # wait_for calls it
started() { listens "$1" || is_gone "$sim"; }
# machine PORT [OPTION...]: a new machine with the known key at $net.1, in the background, until it
# listens at PORT
machine() {
	local at=$1
	shift
	"$BIN/amt-sim" fleet -n 1 --keys key.csv --state pc --address "$net.1" --port $port --verbose \
		"$@" >sim.out 2>sim.log &
	sim=$!
	trap 'kill -9 $sim 2>/dev/null || true' EXIT
	wait_for 30 started "$net.1:$at" || fail "the machine does not listen"
	listens "$net.1:$at" || fail "the machine did not start"
}
off() { kill $sim; wait $sim || fail "amt-sim ended with status $?"; sim=; rm -rf pc; }
# The same machine, set up already.
configured() {
	cp -r served pc
	machine "$@"
}
"$BIN/amt-sim" fleet -n 1 --keys key.csv --state served --address "$net.1" --port $port \
	--server 127.0.0.1:1 --hellos 0 --until-configured 1 >/dev/null 2>&1 || true
sed -i 's/^state: in/state: post/' served/00000
# tls [OPTION...]: what openssl says of the handshake and of a request
tls() {
	printf 'POST /wsman HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' |
		timeout "${wait:-5}" openssl s_client -connect "$net.1:$port" -psk_identity 0000037M \
			-psk "$(printf %s $pps | od -An -v -tx1 | tr -d ' \n')" \
			-cipher PSK-AES128-CBC-SHA:@SECLEVEL=0 -ign_eof -msg "$@" >tls 2>&1 || true
}
soap12=http://www.w3.org/2003/05/soap-envelope
intel=http://intel.com/wbem/wscim/1/amt-schema/1
# request FILE CLASS METHOD [INPUT]: a call of WS-Management
request() {
	cat >"$1" <<XML
<s:Envelope xmlns:s="$soap12" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>
<a:Action>$intel/$2/$3</a:Action><w:ResourceURI>$intel/$2</w:ResourceURI></s:Header>
<s:Body><r:$3_INPUT xmlns:r="$intel/$2">${4:-}</r:$3_INPUT></s:Body></s:Envelope>
XML
}
request uuid.xml AMT_SetupAndConfigurationService GetUuid
request commit.xml AMT_SetupAndConfigurationService CommitChanges
request mebx.xml AMT_SetupAndConfigurationService SetMEBxPassword \
	'<r:Password>An0ther!Pass</r:Password>'
# (The digest is of no password that anybody has.)
request admin.xml AMT_AuthorizationService SetAdminAclEntryEx \
	'<r:Username>admin</r:Username><r:DigestPassword>AAECAwQFBgcICQoLDA0ODw==</r:DigestPassword>'
cat >version.xml <<'XML'
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetCoreVersion
 xmlns="http://schemas.intel.com/platform/client/SecurityAdministration/2004/01"/></s:Body></s:Envelope>
XML
# post FILE [OPTION...]: HTTP status at the port without TLS; the answer is in "answer"
post() {
	curl -s -o answer -w '%{http_code}' --max-time 5 --digest -u 'admin:Str0ng!Pass' \
		--data-binary "@$1" "http://$net.1:$plain/wsman" "${@:2}" || true
}

# ServerHello: an old machine answers no extension, a new one those of its time.
machine $port --tls-extensions old
tls -tls1 -legacy_server_connect
grep -q '^HTTP/1.1 401' tls || { cat tls; fail "old TLS"; }
grep -q 'Secure Renegotiation IS NOT supported' tls || { cat tls; fail "RFC 5746 before its time"; }
grep -q 'Extended master secret: no' tls || { cat tls; fail "an extended master secret"; }
# 74 bytes: random, a session of 32 bytes, suite and compression, and no extension.
grep -q '^<<< TLS 1.0, Handshake .length 004a., ServerHello' tls ||
	{ cat tls; fail "ServerHello has extensions"; }
tls -tls1
grep -q 'unsafe legacy renegotiation disabled' tls || { cat tls; fail "openssl did not mind"; }
off
machine $port --tls-extensions new
tls -tls1
grep -q 'Secure Renegotiation IS supported' tls || { cat tls; fail "no RFC 5746"; }
off
# By generation: up to 8 old, from 9 on new; TLS 1.0 alone before 10.
for age in 2.2.1/NOT/no 8.1.71/NOT/no 9.1.40//no 10.0.55//1.1; do
	want=${age#*/}
	machine $port --firmware ${age%%/*}
	tls -tls1 -legacy_server_connect
	grep -q "Secure Renegotiation IS ${want%/*} *supported" tls ||
		{ cat tls; fail "RFC 5746 of AMT ${age%%/*}"; }
	tls -tls1_1 -legacy_server_connect
	if [ "${want#*/}" = no ]; then
		grep -q '^HTTP/1.1' tls && { cat tls; fail "TLS 1.1 of AMT ${age%%/*}"; }
	else
		grep -q 'Protocol  : TLSv1.1$' tls || { cat tls; fail "no TLS 1.1 in AMT ${age%%/*}"; }
	fi
	off
done

# A ClientHello of TLS 1.1 is too much for it, one of TLS 1.0 is not.
for how in alert-70/version alert-20/mac reset/errno=104 silence/CONNECTED; do
	machine $port --tls11-hello ${how%/*} --tls-extensions old
	wait=1 tls -tls1_1 -legacy_server_connect
	grep -q "${how#*/}" tls || { cat tls; fail "--tls11-hello ${how%/*}"; }
	grep -q 'ServerHello' tls && { cat tls; fail "--tls11-hello ${how%/*} let it in"; }
	tls -tls1 -legacy_server_connect
	grep -q '^HTTP/1.1 401' tls || { cat tls; fail "TLS 1.0 with --tls11-hello ${how%/*}"; }
	off
done

# The commit: the port of TLS-PSK closes, the other opens when the machine has settled.
machine $port --firmware 4.0.1 --login none --pace 20 --commit answer
listens "$net.1:$plain" && fail "port 16992 is open before the set-up"
psk() {
	{ printf 'POST /wsman HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
		printf 'Content-Length: %d\r\n\r\n' "$(stat -c %s "$1")"
		cat "$1"; } | timeout 5 openssl s_client -connect "$net.1:$port" -tls1 -quiet -ign_eof \
		-legacy_server_connect -psk_identity 0000037M \
		-psk "$(printf %s $pps | od -An -v -tx1 | tr -d ' \n')" \
		-cipher PSK-AES128-CBC-SHA:@SECLEVEL=0 >answer 2>&1 || true
}
psk mebx.xml
grep -q 'ReturnValue>16<' answer || { cat answer; fail "it took a MEBx password"; }
psk admin.xml
grep -q 'ReturnValue>0<' answer || { cat answer; fail "no admin entry"; }
began=$(date +%s%N)
psk commit.xml
grep -q 'ReturnValue>0<' answer || { cat answer; fail "no commit"; }
listens "$net.1:$port" && fail "the port of TLS-PSK is open after the commit"
# shellcheck disable=SC2317 # wait_for calls it
open() { listens "$net.1:$plain"; }
wait_for 10 open || fail "port 16992 stays closed"
took=$((($(date +%s%N) - began) / 1000000))
[ $took -ge 1400 ] || fail "30 s at pace 20 took $took ms"
curl -s --data-binary @uuid.xml "http://$net.1:$plain/wsman" | grep -q 'ReturnValue>0<' ||
	fail "no answer at 16992"
off
machine $port --firmware 4.0.1 --login none --settle 0
psk admin.xml
psk commit.xml
grep -q 'HTTP/1.1' answer && { cat answer; fail "the commit was answered"; }
wait_for 10 open || fail "port 16992 stays closed"
off

# After the commit: TLS with its own certificate, or nothing.
configured $port --after-commit tls --tls-extensions new
timeout 5 openssl s_client -connect "$net.1:$port" -tls1 -cipher ALL:@SECLEVEL=0 </dev/null \
	>tls 2>&1 || true
grep -q 'subject=CN = AMT' tls || { cat tls; fail "no certificate"; }
curl -sk --tls-max 1.0 --tlsv1.0 --ciphers ALL:@SECLEVEL=0 --digest -u 'admin:Str0ng!Pass' \
	--data-binary @uuid.xml -o answer -w '%{http_code}\n' "https://$net.1:$port/wsman" |
	grep -qx 200 || fail "no answer by TLS of its own"
listens "$net.1:$plain" && fail "port 16992 is open, too"
off
cp -r served pc
"$BIN/amt-sim" fleet -n 1 --keys key.csv --state pc --address "$net.1" --port $port \
	--after-commit closed --plain-port $plain >sim.out 2>sim.log &
sim=$!
sleep 0.5
listens "$net.1:$port" || listens "$net.1:$plain" && fail "a port is open"
off

# Connections and logins.
configured $plain --close-each
curl -sv --digest -u 'admin:Str0ng!Pass' --data-binary @uuid.xml -o answer \
	"http://$net.1:$plain/wsman" 2>trace || true
grep -q '^< HTTP/1.1 200' trace || { cat trace; fail "--close-each"; }
grep -qi '^< Connection: close' trace && fail "--close-each says a word"
[ "$(grep -c 'Connected to' trace)" = 2 ] || { cat trace; fail "--close-each keeps a connection"; }
off
configured $plain --nonce-each
nonce() { curl -si --data-binary @uuid.xml "http://$net.1:$plain/wsman" | grep -o 'nonce="[0-9a-f]*"'; }
[ "$(nonce)" != "$(nonce)" ] || fail "one nonce for two connections"
curl -sv --digest -u 'admin:Str0ng!Pass' --data-binary @uuid.xml -o answer \
	"http://$net.1:$plain/wsman" 2>trace || true
grep -q '^< HTTP/1.1 200' trace || { cat trace; fail "--nonce-each on one connection"; }
# The login of that connection on another one: a new nonce, and no word of its age.
login=$(sed -n 's/^> \(Authorization: .*response.*[^\r]\)\r*$/\1/p' trace | tail -n 1)
curl -sv -H "$login" \
	--data-binary @uuid.xml -o answer "http://$net.1:$plain/wsman" 2>trace || true
grep -q '^< HTTP/1.1 401' trace || { cat trace; fail "the nonce of another connection"; }
grep -q 'stale="false"' trace || { cat trace; fail "it says stale"; }
off
configured $plain --login auth-int
curl -si --data-binary @uuid.xml "http://$net.1:$plain/wsman" >answer
grep -q 'qop="auth-int"' answer || { cat answer; fail "--login auth-int"; }
off
configured $plain --login unknown
curl -si --data-binary @uuid.xml "http://$net.1:$plain/wsman" >answer
grep -q 'algorithm=AMT-NEXT' answer || { cat answer; fail "--login unknown"; }
off
configured $plain --login any
[ "$(post uuid.xml -u admin:made-up)" = 200 ] || fail "--login any refuses"
[ "$(curl -s -o answer -w '%{http_code}' --data-binary @uuid.xml "http://$net.1:$plain/wsman")" = \
	401 ] || fail "--login any does not ask"
off

# WS-Management that is refused, where SOAP is not.
for how in 302/302 403/403 405/405 501/501 drop/000; do
	configured $plain --wsman ${how%/*}
	[ "$(post uuid.xml)" = ${how#*/} ] || fail "--wsman ${how%/*}"
	[ "$(curl -s -o answer -w '%{http_code}' --digest -u 'admin:Str0ng!Pass' --data-binary \
		@version.xml "http://$net.1:$plain/SecurityAdministrationService")" = 200 ] ||
		fail "SOAP with --wsman ${how%/*}"
	off
done

# An admin entry that is forgotten: the login of the stick counts again.
configured $plain --forget-admin at-once
post admin.xml >code
grep -q 'ReturnValue>0<' answer || { cat answer; fail "no admin entry"; }
[ "$(post uuid.xml)" = 200 ] || fail "--forget-admin at-once: the old login is gone"
off
configured $plain --forget-admin connection
curl -s --digest -u 'admin:Str0ng!Pass' --data-binary @admin.xml "http://$net.1:$plain/wsman" \
	--next -s -o second -w '%{http_code}' --digest -u 'admin:Str0ng!Pass' \
	--data-binary @uuid.xml "http://$net.1:$plain/wsman" >answer
grep -q '401$' answer || { cat answer; fail "--forget-admin connection: forgotten too early"; }
[ "$(post uuid.xml)" = 200 ] || fail "--forget-admin connection: not forgotten"
off
configured $plain
[ "$(post admin.xml)" = 200 ] || fail "no admin entry"
[ "$(post uuid.xml)" = 401 ] || fail "the old login still counts"
off
grep -rq 'Str0ng!Pass\|NKLDG5DC' sim.log sim.out && fail "a secret was printed"
exit 0
