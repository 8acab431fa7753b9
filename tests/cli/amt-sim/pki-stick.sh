#!/bin/bash
# Simulated machines boot with a stick that is about certificates: one record serves all of them.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
says() { grep -q -- "$1" out err || { cat out err; fail "nothing says \"$1\""; }; }
need openssl jq
umask 077
printf 'Str0ng!Pass\n' >password
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=Root -keyout root.key -out root.pem 2>/dev/null
digest=$(openssl x509 -in root.pem -outform DER | sha256sum | cut -d' ' -f1)
port=$((20000 + RANDOM % 12000))
net=127.$((2 + RANDOM % 200)).$((RANDOM % 250))
# stick NAME OPTION...: a stick with a record of these
stick() {
	local name=$1
	shift
	"$BIN/amt-setupbin" create -q --force -o "$name.bin" --new-password-file password "$@" >made 2>&1 ||
		{ cat made; fail "no $name.bin"; }
	rm -f "$name.img"
	"$BIN/ukpu" prepare --image "$name.img" --size 64M "$name.bin" --yes --quiet --second-stick \
		>prepared 2>&1 || { cat prepared; fail "no stick $name"; }
}
# shellcheck disable=SC2317 # status calls it
boot() { "$BIN/amt-sim" boot --state "$@"; }
of() { "$BIN/amt-sim" show --json "$1" | jq -r ".$2"; }

# One record, not used up, for machines of different ages.
stick all --pki --dns-suffix example.org --cert root.pem --set manageability-feature=1 \
	--set preinstalled-certs=0 --set config-server-fqdn=server.example.org \
	--set provisioning-server-address=$net.200 --set provisioning-server-port=$port \
	--set remote-configuration=1 --set provisioning-halt-activate=1
cp all.img before.img
for version in 6.2.0 11.8.50 16.1.25; do
	status 0 boot pc-$version --stick all.img --firmware $version
	says 'set-up by certificate; not to be marked used'
	[ "$(of pc-$version mode) $(of pc-$version state) $(of pc-$version own_roots)" = 'pki in 1' ] ||
		fail "AMT $version took something else"
done
cmp all.img before.img || fail "the stick has changed"
grep -q "^root-1: 2:$digest\$" pc-16.1.25 || fail "another digest"
grep -q '^pki-suffix: example.org$' pc-16.1.25 || fail "another suffix"
grep -q '^server-fqdn: server.example.org$' pc-16.1.25 || fail "another name"
grep -q '^builtin-roots: off$' pc-16.1.25 || fail "the firmware's own roots still count"
status 2 boot again --stick all.img --firmware 5.1
says 'knows versions up to 2.1'
status 2 boot pc-16.1.25 --stick all.img
says '2209 - USB provisioning error'

# It says hello to the server that the stick names: version 3, one SHA-256.
cat >listener.py <<'PYTHON'
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
c, peer = s.accept()
with open("heard", "wb") as heard:
    while data := c.recv(4096):
        heard.write(data)
PYTHON
python3 listener.py $net.200 $port &
wait_for 10 listens "$net.200:$port" || fail "nobody listens"
status 1 "$BIN/amt-sim" run --state pc-16.1.25 --server stick --address $net.1 --port $port \
	--until-configured 1 --hellos 1
wait
[ "$(od -An -v -tx1 heard | tr -d ' \n' | cut -c1-8,49-)" = "01000300010220$digest" ] ||
	fail "the hello is $(od -An -v -tx1 heard)"

# A record with both: PID and PPS up to AMT 10, certificates after that.
"$BIN/amt-keygen" generate -q -n 1 --new-password-file password -o one.csv 2>generated
"$BIN/amt-setupbin" create -q -o both.bin --keys one.csv --file-version 4.0 --no-consume \
	--set pki-dns-suffix=example.org --set user-defined-certs=1 --set user-defined-cert-add=@root.pem
"$BIN/ukpu" prepare --image both.img --size 64M both.bin --yes --quiet --second-stick >prepared 2>&1
status 0 boot both10 --stick both.img --firmware 10.0.2
says 'PID '
[ "$(of both10 mode)" = psk ] || fail "AMT 10 did not take PID and PPS"
status 0 boot both11 --stick both.img --firmware 11.0.0
[ "$(of both11 mode) $(of both11 pid)" = 'pki ' ] || fail "AMT 11 took PID and PPS"

exit 0
