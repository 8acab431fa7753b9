#!/bin/bash
# amt-setupbin create as a person uses it: from lists, from variables, by profile, from JSON.
set -eu
# shellcheck source=tests/support/setupbin.inc
. "$(dirname "$0")/../../support/setupbin.inc"

# From a list: a record for each pair, private, sound, and nothing on standard output.
keys keys.csv 25
status 0 "$S" create -o setup.bin --keys keys.csv
says err '25 records, file version 2.1'
[ ! -s out ] || fail "something on standard output"
[ "$(stat -c %a setup.bin)" = 600 ] || fail "setup.bin is not private"
[ "$(stat -c %s setup.bin)" = $((26 * 512)) ] || fail "setup.bin has not 26 chunks"
status 0 "$S" check --strict setup.bin
status 0 "$BIN/amt-keygen" check setup.bin
says out '25 good pairs'
cut -d, -f1 keys.csv | tail -n +2 | sort >wanted
"$S" show setup.bin | awk '$1 == "pid" { print $2 } $3 == "pid" { print $4 }' | sort >got
cmp wanted got || fail "the PIDs of the list are not those of the file"

# An existing file is kept, unless --force is given.
cp setup.bin before
status 2 "$S" create -o setup.bin --keys keys.csv
says err 'exists already'
cmp setup.bin before || fail "setup.bin was touched"
status 0 "$S" create -o setup.bin --keys keys.csv --force --quiet
[ ! -s err ] || fail "--quiet says something"

# From standard input, from text, from another setup.bin; passwords that the list lacks.
"$S" show setup.bin >/dev/null
status 0 "$S" create -o again.bin --keys - <keys.csv
cmp setup.bin again.bin || fail "another file from standard input"
status 0 "$S" create -o again.bin --force --keys setup.bin
cmp setup.bin again.bin || fail "another file from its own records"
# The key of a consumed record was given to a machine: no second one gets it.
status 0 "$S" create -o left.bin --keys "$samples/v2.1-partly-used.bin"
says err '1 pair marked as used was left out'
status 0 "$S" check left.bin
says out '2 records, 0 consumed, 2 left, next is 1, PID SAMP-LE3X'
"$S" show --json --secrets left.bin | jq '.header.consumed = 2' >taken.json
status 0 "$S" create -q -o taken.bin --json taken.json
status 2 "$S" create -o x.bin --keys taken.bin
says err 'has no unused pairs'
printf 'pid,pps,used\n0000037M,NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ,%s\n' 1 >twice.csv
printf '0000037M,NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ,0\n' >>twice.csv
status 2 "$S" create -o x.bin --keys twice.csv --new-password-file new.txt
says err 'line 3, pid: a PID may be in a list only once'
echo '0000-037M NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ' >one.txt
status 2 "$S" create -o one.bin --keys one.txt
says err "the factory's password must be followed by a new one"
[ ! -e one.bin ] || fail "a file of bad records was written"
status 0 "$S" create -o one.bin --keys one.txt --new-password-file new.txt --file-version 1.0
cmp one.bin "$samples/v1.0-example-pair.bin" || fail "not Intel's example pair"
status 0 "$S" create -o three.bin --keys one.txt --new-password-file new.txt --chunks 3
[ "$(stat -c %s three.bin)" = 2048 ] || fail "a record of three chunks has not three"
status 0 "$S" check --strict three.bin
status 0 "$S" create -o kvm.bin --keys one.txt --new-password-file new.txt --file-version 3.0 \
	--set kvm=enabled --set manageability-feature=amt
"$S" show kvm.bin | awk 'NR > 2 { print $(NF - 1) }' | tr '\n' ' ' >got
says got 'current-mebx-password new-mebx-password manageability-feature pid pps kvm'

# Bad lines are reported by number and field, and nothing is written.
{ cat keys.csv; echo '0000037N,NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ,,'; tail -n 1 keys.csv; } >bad.csv
status 2 "$S" create -o bad.bin --keys bad.csv
says err 'line 27, pid: the last character must be the check character'
says err 'line 28, pid: a PID may be in a list only once'
says err 'has 2 bad lines'
lacks err NKLD
[ ! -e bad.bin ] || fail "a file of bad lines was written"

# The profiles.
if command -v openssl >/dev/null; then
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out root.pem -days 9 \
		-subj '/CN=Sample Root' 2>/dev/null
	openssl x509 -in root.pem -outform DER -out root.der
	status 0 "$S" create -o pki.bin --pki --dns-suffix example.com --cert root.pem \
		--new-password-file new.txt
	status 0 "$S" check --strict pki.bin
	says out 'version 3.0, 1 record, not consumed'
	hash=$(openssl x509 -in root.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' |
		tr A-F a-f)
	"$S" show pki.bin >got
	says got "sha256:$hash:Sample Root"
	status 0 "$S" create -o acu.bin --pki --cert root.der --new-password-file new.txt \
		--file-version 4.0 --scramble --set user-defined-cert-add=sha1:@root.pem
	status 0 "$S" check --strict acu.bin
	"$S" show acu.bin >got
	says got "sha256:$hash:Sample Root"
	says got 'sha1:'
	! grep -qa 'Sample Root' acu.bin || fail "a scrambled record can be read"
	status 2 "$S" create -o x.bin --pki --cert new.txt --new-password-file new.txt
	says err 'is not a certificate'

	# One stick for all machines: whom to trust, where to say hello, and the start, in this order.
	status 0 "$S" create -o all.bin --pki --bare-metal --dns-suffix example.com --cert root.pem \
		--server 10.0.0.5 --new-password-file - <new.txt
	status 0 "$S" check --strict all.bin
	says out 'version 3.0, 1 record, not consumed'
	order() { "$S" show "$1" --json | jq -r '[.records[0].variables[].name] | join(" ")' >got; }
	order all.bin
	says got "current-mebx-password new-mebx-password manageability-feature user-defined-certs \
user-defined-cert-add pki-dns-suffix provisioning-server-address provisioning-server-port \
remote-configuration provisioning-halt-activate"
	status 0 "$S" create -o all.bin --force --pki --bare-metal --dns-suffix example.com --cert root.pem \
		--server-fqdn amt.example.com --no-public-roots --port 9999 --server 10.0.0.5 \
		--new-password-file new.txt --no user-defined-certs --set remote-configuration=disabled
	says err 'cert-config-missing'
	order all.bin
	says got ' user-defined-cert-add preinstalled-certs pki-dns-suffix config-server-fqdn provisioning'
	lacks got 'user-defined-certs'
	status 0 "$S" create -o old.bin --pki --bare-metal --dns-suffix example.com --cert root.pem \
		--file-version 2.0 --new-password-file new.txt
	status 0 "$S" check --strict old.bin
	"$S" show old.bin >got
	says got 'sha1:'
	lacks got 'provisioning-'
	status 2 "$S" create -o x.bin --pki --bare-metal --dns-suffix example.com --server 10.0.0.5 \
		--file-version 2.0 --new-password-file new.txt
	says err 'does not know provisioning-server-address'
	status 2 "$S" create -o x.bin --pki --dns-suffix example.com --no kvm --new-password-file new.txt
	says err 'no kvm: the profile does not set it'

	# The server's own certificate is not a root: refused with its issuer's name, unless it is meant.
	openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj '/CN=amt.example.com' \
		2>/dev/null
	openssl x509 -req -in leaf.csr -CA root.pem -CAkey key.pem -CAcreateserial -out leaf.pem \
		-days 9 2>/dev/null
	status 2 "$S" create -o leaf.bin --pki --cert leaf.pem --new-password-file new.txt
	says err 'leaf.pem has no root certificate: "Sample Root" issued it'
	[ ! -e leaf.bin ] || fail "a leaf went into a file"
	status 2 "$S" create -o leaf.bin --pki --cert leaf.pem --new-password-file new.txt --not-a
	status 0 "$S" create -o leaf.bin --pki --cert leaf.pem --new-password-file new.txt --not-a-root
	"$S" show leaf.bin >got
	says got 'amt.example.com'
	cat leaf.pem root.pem >fullchain.pem
	status 0 "$S" create -o chain.bin --pki --cert fullchain.pem --new-password-file new.txt
	says err 'fullchain.pem has 2 certificates; its root "Sample Root" is used'
	"$S" show chain.bin >got
	says got "sha256:$hash:Sample Root"
	status 2 "$S" edit chain.bin -o edited.bin --set user-defined-cert-add=@leaf.pem
	status 0 "$S" edit chain.bin -o edited.bin --set user-defined-cert-add=@leaf.pem --not-a-root
fi
status 0 "$S" create -o bare.bin --bare-metal --server 10.0.0.5 --port 1234 \
	--new-password-file new.txt
"$S" show bare.bin >got
says got '10.0.0.5'
says got '1234'
tail -n 1 got >last
says last 'provisioning-halt-activate   start'
status 0 "$S" create -o bare.bin --force --bare-metal --server 10.0.0.5 --halt --keys one.txt \
	--new-password-file new.txt
says err 'consumed one by one'
status 0 "$S" check --strict bare.bin

# Variables alone; what firmware would refuse is not written.
status 0 "$S" create -o set.bin --set current-mebx-password=@new.txt --set host-name=pc-one
says err '1 record'
status 2 "$S" create -o x.bin --set host-name=pc-one
says err 'current-password-missing'
status 2 "$S" create -o x.bin --set current-mebx-password=@new.txt --set kvm=7
says err 'none of: 0=disabled 1=enabled'
status 2 "$S" create -o x.bin --set current-mebx-password=@new.txt --set ipv6=hex:00
status 2 "$S" create -o x.bin --keys one.txt --new-password-file new.txt \
	--set "static-ipv4=$(printf '%0800d' 0)"
says err '--chunks 2'
status 0 "$S" create -o - --set current-mebx-password=@new.txt --set host-name=pc-one
cmp out set.bin || fail "another file on standard output"

# Secrets are not taken from the command line, nor from files that others can read.
for v in pps=NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ new-mebx-password=S3cret!x enrollment-passcode=x; do
	status 2 "$S" create -o x.bin --set $v
	says err 'not taken from the command line'
	lacks err "${v#*=}"
done
chmod 644 other.txt
status 2 "$S" create -o x.bin --keys one.txt --new-password-file other.txt
lacks err 'N3w#pass'
chmod 600 other.txt
status 0 "$S" create -o typed.bin --keys one.txt --set new-mebx-password=- <new.txt
status 0 "$S" check --strict typed.bin

# JSON: every sample, and only with its secrets.
for sample in "$samples"/*.bin; do
	status 0 "$S" show --json --secrets "$sample"
	cmp out "${sample%.bin}.json" || fail "$sample is not what its JSON says"
	mv out whole.json
	status 0 "$S" create -o made.bin --force --json whole.json
	cmp made.bin "$sample" || fail "$sample does not come back"
	{ printf '\xef\xbb\xbf'; cat whole.json; } >marked.json
	status 0 "$S" create -o made.bin --force --json marked.json
	cmp made.bin "$sample" || fail "$sample does not come back behind a byte order mark"
	"$S" show --json "$sample" >masked.json
	status 2 "$S" create -o x.bin --json masked.json
	says err '--secrets'
done

# Misuse.
status 2 "$S" create --keys keys.csv
says err '--output is missing'
status 2 "$S" create -o x.bin
status 2 "$S" create -o x.bin --keys keys.csv --json whole.json
status 2 "$S" create -o x.bin --json whole.json --scramble
status 2 "$S" create -o x.bin --keys keys.csv --pki --dns-suffix example.com
status 2 "$S" create -o x.bin --pki --new-password-file new.txt
status 2 "$S" create -o x.bin --pki --dns-suffix example.com --file-version 1.0
status 2 "$S" create -o x.bin --bare-metal --server 10.0.0.5 --file-version 2.1
status 2 "$S" create -o x.bin --psk --pki --dns-suffix example.com
status 2 "$S" create -o x.bin --bare-metal --server 10.0.0.5 --no-public-roots
status 2 "$S" create -o x.bin --keys keys.csv --no kvm
status 2 "$S" create -o x.bin --keys keys.csv --dns-suffix example.com
status 2 "$S" create -o x.bin --keys keys.csv --server 10.0.0.5
status 2 "$S" create -o x.bin --keys keys.csv --scramble --file-version 3.0
status 2 "$S" create -o x.bin --keys keys.csv --no-consume --file-version 1.0
status 2 "$S" create -o x.bin --keys keys.csv --file-version 5.0
status 2 "$S" create -o x.bin --keys keys.csv --chunks 65
status 2 "$S" create -o x.bin --keys keys.csv --set pid=0000037M
status 2 "$S" create -o x.bin --keys keys.csv --set kvm=enabled --set kvm=disabled
says err 'given twice'
status 2 "$S" create -o x.bin --keys keys.csv --set kvm
status 2 "$S" create -o x.bin --keys keys.csv --set colour=red
status 2 "$S" create -o - --keys keys.csv
status 2 "$S" create -o nowhere/x.bin --keys keys.csv
for list in /dev/null /dev/zero /tmp nowhere.csv "$samples/v4.0-acu-wizard.bin"; do
	status 2 timeout 20 "$S" create -o x.bin --keys "$list"
	status 2 timeout 20 "$S" create -o x.bin --json "$list"
done
[ ! -e x.bin ] || fail "misuse left a file behind"
