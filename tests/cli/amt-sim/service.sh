#!/bin/bash
# What listens on a simulated machine: TLS-PSK, Digest, who is let in, and what age of firmware
# speaks what. curl and openssl are the clients here, not the kit's server.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
fail() { echo "FAIL: $*"; [ ! -f sim.log ] || cat sim.log; exit 1; }
umask 077
port=$((20000 + RANDOM % 12000))
net=127.$((2 + RANDOM % 200)).$((RANDOM % 250))
pps=NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ
cat >key.csv <<'KEY'
pid,pps,current_password,admin_password
0000-037M,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ,admin,Str0ng!Pass
KEY
sim=
# shellcheck disable=SC2317 # wait_for calls it
started() { listens "$1" || is_gone "$sim"; }
# machine N [OPTION...]: the machine with the known key, at $net.N, in the background
machine() {
	local n=$1
	shift
	"$BIN/amt-sim" fleet -n 1 --keys key.csv --state "pc$n" --address "$net.$n" --port $port \
		--plain-port $((port + 1)) --habits modern --verbose "$@" >sim.out 2>sim.log &
	sim=$!
	trap 'kill -9 $sim 2>/dev/null || true' EXIT
	wait_for 30 started "$net.$n:$port" || fail "machine $n does not listen"
	listens "$net.$n:$port" || fail "machine $n did not start"
}
off() { kill $sim; wait $sim || fail "amt-sim ended with status $?"; sim=; }
# tls N IDENTITY KEY [OPTION...]: what openssl says of the handshake and of a request
tls() {
	printf 'POST /wsman HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' |
		timeout 5 openssl s_client -connect "$net.$1:$port" -psk_identity "$2" \
			-psk "$(printf %s "$3" | od -An -v -tx1 | tr -d ' \n')" \
			-cipher PSK-AES128-CBC-SHA:@SECLEVEL=0 -ign_eof "${@:4}" >tls 2>&1 || true
}
# post N PATH FILE [OPTION...]: HTTP status; the answer is in "answer"
post() {
	curl -s -o answer -w '%{http_code}' --max-time 5 --digest -u 'admin:Str0ng!Pass' \
		-H 'Content-Type: application/soap+xml' --data-binary "@$3" \
		"http://$net.$1:$((port + 1))$2" "${@:4}" || true
}
soap12=http://www.w3.org/2003/05/soap-envelope
cat >get.xml <<XML
<s:Envelope xmlns:s="$soap12" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>
<a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action><a:MessageID>1</a:MessageID>
<w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings</w:ResourceURI>
</s:Header><s:Body/></s:Envelope>
XML
cat >version.xml <<'XML'
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetCoreVersion
 xmlns="http://schemas.intel.com/platform/client/SecurityAdministration/2004/01"/></s:Body></s:Envelope>
XML
soap=/SecurityAdministrationService

# Being set up: TLS 1.0 with PID and PPS, and nothing else.
machine 1
tls 1 0000037M $pps -tls1
grep -q 'Protocol  : TLSv1$' tls || { cat tls; fail "no TLS 1.0"; }
grep -q 'Cipher    : PSK-AES128-CBC-SHA' tls || { cat tls; fail "another cipher"; }
grep -q '^HTTP/1.1 401' tls || { cat tls; fail "no demand to log in"; }
grep -Eq 'WWW-Authenticate: Digest realm="Digest:[0-9A-F]{32}"' tls || { cat tls; fail "realm"; }
tls 1 0000037M ${pps}X -tls1
grep -q 'alert bad record mac' tls || { cat tls; fail "a wrong PPS"; }
tls 1 0000037N $pps -tls1
grep -q 'alert unknown psk identity' tls || { cat tls; fail "a wrong PID"; }
tls 1 0000037M $pps -tls1_2
grep -q 'HTTP/1.1' tls && { cat tls; fail "TLS 1.2 was taken"; }
grep -q 'has another PPS' sim.log || fail "the wrong PPS is not logged"
[ "$(post 1 /wsman get.xml)" = 000 ] || fail "plain HTTP before set-up"
off
machine 1 --tls 1.1
tls 1 0000037M $pps -tls1_1
grep -q 'Protocol  : TLSv1.1$' tls || { cat tls; fail "no TLS 1.1"; }
off
machine 1 --login none
tls 1 0000037M $pps -tls1
grep -q '^HTTP/1.1 400' tls || { cat tls; fail "--login none"; }
off

# Set up: plain HTTP with Digest. Each generation has its protocols.
for age in 2.2.1/404/200 3.2.3/200/200 9.1.40/200/404 8.1.0/200/200; do
	rm -rf pc2
	machine 2 --firmware ${age%%/*}
	off
	sed -i 's/^state: in/state: post/' pc2/00000
	machine 2
	want=${age#*/}
	[ "$(post 2 /wsman get.xml)" = "${want%/*}" ] || fail "WS-Management of AMT ${age%%/*}"
	[ "$(post 2 $soap version.xml)" = "${want#*/}" ] || fail "SOAP of AMT ${age%%/*}"
	[ "${want#*/}" = 404 ] || grep -q "<Version>${age%%/*}</Version>" answer || fail "version"
	off
done
machine 2
[ "$(post 2 /wsman get.xml)" = 200 ] || fail "a good request"
grep -q '<g:DigestRealm>Digest:' answer || fail "no settings: $(cat answer)"
[ "$(post 2 /wsman get.xml -u 'admin:wrong')" = 401 ] || fail "a wrong password"
[ "$(post 2 /wsman get.xml -u 'root:Str0ng!Pass')" = 401 ] || fail "a wrong user"
[ "$(curl -s -o answer -w '%{http_code}' --basic -u 'admin:Str0ng!Pass' --data-binary @get.xml \
	"http://$net.2:$((port + 1))/wsman")" = 401 ] || fail "Basic is taken for Digest"
[ "$(post 2 /nothing get.xml)" = 404 ] || fail "a path that is not there"
[ "$(post 2 /wsman get.xml -X GET)" = 405 ] || fail "GET"
head -c 100000 /dev/zero | tr '\0' ' ' >large
[ "$(post 2 /wsman large)" = 413 ] || fail "a large request"
echo '<nonsense' >bad.xml
[ "$(post 2 /wsman bad.xml)" = 400 ] || fail "nonsense"
# Several requests of one conversation need one login; another path needs no other.
curl -sv --digest -u 'admin:Str0ng!Pass' --data-binary @get.xml \
	"http://$net.2:$((port + 1))/wsman" --next -sv --digest -u 'admin:Str0ng!Pass' \
	--data-binary @version.xml "http://$net.2:$((port + 1))$soap" >answer 2>trace
[ "$(grep -c '^< HTTP/1.1 200' trace)" = 2 ] || { cat trace; fail "two requests"; }
off

# Bad habits.
cp -r pc2 habit
bad() { rm -rf pc3; cp -r habit pc3; machine 3 "$@"; }
bad --answer garbage
post 3 /wsman get.xml >code
grep -q 'not closed' answer || fail "the garbage did not come: $(cat answer)"
off
bad --answer truncated
curl -s --digest -u 'admin:Str0ng!Pass' --data-binary @get.xml -o answer \
	"http://$net.3:$((port + 1))/wsman" && fail "a whole answer where it should be cut"
[ -s answer ] || fail "nothing at all, where half an answer should be"
off
bad --answer big --answer-bytes 3M
[ "$(post 3 /wsman get.xml)" = 200 ] || fail "a big answer"
[ "$(stat -c %s answer)" = 3145728 ] || fail "the big answer has $(stat -c %s answer) bytes"
off
bad --answer hang
[ "$(curl -s --max-time 1 --digest -u 'admin:Str0ng!Pass' --data-binary @get.xml -o answer \
	-w '%{http_code} %{exitcode}' "http://$net.3:$((port + 1))/wsman")" = '200 28' ] ||
	fail "it does not hang"
[ -s answer ] || fail "it hangs before it answers"
off
bad --answer drop --answer-times 1
# (On a connection that it used before, curl would try again by itself.)
[ "$(post 3 /wsman get.xml -H 'Connection: close' -w '%{exitcode}')" = 52 ] ||
	fail "an answer where none should be"
[ "$(post 3 /wsman get.xml)" = 200 ] || fail "no answer the second time"
off
bad --answer error --answer-to GetCoreVersion
[ "$(post 3 /wsman get.xml)" = 200 ] || fail "another call is answered badly"
[ "$(post 3 $soap version.xml)" = 500 ] || fail "no HTTP 500"
off
bad --delay 300
began=$(date +%s%N)
[ "$(post 3 /wsman get.xml)" = 200 ] || fail "a slow answer"
[ $(($(date +%s%N) - began)) -ge 600000000 ] || fail "401 and 200 took less than twice 0.3 s"
off
bad --handshake close
tls 3 0000037M $pps -tls1
grep -q 'BEGIN SSL SESSION\|HTTP/1.1' tls && { cat tls; fail "--handshake close"; }
off
bad --handshake hang
began=$(date +%s)
tls 3 0000037M $pps -tls1
[ $(($(date +%s) - began)) -ge 4 ] || { cat tls; fail "--handshake hang"; }
off

# A port that is taken is said.
machine 4
if "$BIN/amt-sim" fleet -n 1 --keys key.csv --address $net.4 --port $port >out 2>err; then
	fail "two machines at one address"
fi
grep -q "cannot listen on $net.4:$port" err || { cat err; fail "it does not say which port"; }
off
grep -rq 'Str0ng!Pass\|NKLDG5DC' sim.log sim.out out err && fail "a secret was printed"
exit 0
