#!/bin/bash
# Machines that say a hello of version 3 are set up by certificate: firmware of each time, whoever may
# come, what vouches for it, and how they refuse.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
need openssl jq
make_map 1

# authority NAME: NAME.pem and NAME.key; leaf NAME AUTHORITY HOST: certificates/NAME.pem
mkdir certificates
authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj "/CN=$1" -keyout "$1.key" \
		-out "$1.pem" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
}
leaf() {
	openssl req -new -key leaf.key -subj "/CN=$3/OU=Intel(R) Client Setup Certificate" -out request
	printf 'extendedKeyUsage=serverAuth,2.16.840.1.113741.1.2.3\nsubjectAltName=DNS:%s\n' "$3" >ext
	openssl x509 -req -sha256 -days 700 -in request -CA "$2.pem" -CAkey "$2.key" -set_serial "$4" \
		-extfile ext -out alone.pem 2>/dev/null
	cat leaf.key alone.pem "$2.pem" >"certificates/$1.pem"
}
openssl genrsa -out leaf.key 2048 2>/dev/null
authority root
authority strange
# The first has a name that no machine here takes: then comes the next.
leaf 1 root provision.example.net 1
leaf 2 root provision.example.com 2

uuid() { printf '00000000-0000-4000-8000-0000000000%02d' "$1"; }
printf '%s\n' St1ck.Pass >stick-password
printf '%s\n' 0ne-T1me.Pass >otp1-password
printf '%s\n' An0ther-Pass >otp6-password
printf '%s\n' Fl33t.Pass >fleet-password
cat stick-password otp?-password fleet-password >>password
{
	echo uuid,fqdn,otp
	for i in 0 1 2 3 4 5 6 7 8; do
		echo "$(uuid $i),pc$i.example.com,$(cat "otp$i-password" 2>/dev/null || true)"
	done
	echo "$(uuid 10),,"
} >key-inventory.csv
FQDN_REQUIRED=yes write_conf '[certificates]' "folder = $PWD/certificates" '[pki]' \
	"stick_password_file = $PWD/stick-password" "ondie_roots = $PWD/ondie.pem" '[profile default]' \
	"admin_password = file:$PWD/fleet-password"
# What the machines share: a key of their own, and a root of on-die certificates, which the first makes.
openssl genrsa -out own.key 2048 2>/dev/null
"$BIN/amt-sim" fleet -n 1 --pki --own-certificate on-die --on-die-root ondie.pem \
	--address "$NET.99" --port "$PORT" --until-configured 1 --quiet >/dev/null 2>&1 || true
[ -s ondie.pem ] || fail "there is no root of on-die certificates"
ctl inventory import key-inventory.csv --quiet
start

# pc I [OPTION...]: the machine with that number, in the background
pc() {
	local i=$1
	shift
	# shellcheck disable=SC2086 # an option and its value
	"$BIN/amt-sim" fleet -n 1 --pki --uuid "$(uuid "$i")" --address "$NET.$((i + 1))" --server "$SERVER" \
		--port "$PORT" --pace 50 --hello-window 1 --own-key own.key --on-die-root ondie.pem \
		--until-configured "${WAIT:-40}" ${TRUST:---trust root.pem} \
		${SUFFIX:---dhcp-suffix example.com} "$@" >>"sim$i.out" 2>&1
}
pc 1 --firmware 16.1.25 --own-certificate p384 --otp-file otp1-password & jobs=$!
pc 2 --firmware 2.6.0 & jobs+=" $!"
pc 3 --firmware 7.1.20 --pki-login mebx --mebx-password-file stick-password & jobs+=" $!"
pc 4 --firmware 14.0.1 --commit drop --own-certificate rsa & jobs+=" $!"
pc 5 --firmware 19.0.0 --own-certificate on-die & jobs+=" $!"
pc 0 --firmware 12.0.35 --mebx refuse & jobs+=" $!"
# These come to nothing: another one-time password; another network; a root of somebody else's; nobody knows it.
WAIT=600 pc 6 --firmware 16.1.25 --otp-file otp1-password & others=$!
SUFFIX='--dhcp-suffix example.org' WAIT=600 pc 7 --firmware 16.1.25 & others+=" $!"
TRUST='--trust strange.pem' WAIT=600 pc 8 --firmware 16.1.25 & others+=" $!"
WAIT=600 pc 9 --firmware 16.1.25 & others+=" $!"
# This one has no name yet, and is asked to wait for it.
WAIT=600 pc 10 --firmware 16.1.25 --verbose & others+=" $!"
trap 'kill -9 $DAEMON $jobs $others 2>/dev/null || true' EXIT
for job in $jobs; do
	wait "$job" || fail "a machine was not configured: $(tail -n 3 sim*.out)"
done
# field I JQ: of the machine with that number
field() { ctl systems list --json | jq -r --arg u "$(uuid "$1")" ".systems[] | select(.uuid == \$u) | $2"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; }
expect() { wait_for 30 is "$@" || fail "machine $1: $2 is $(field "$1" "$2"), not $3"; }
said() { wait_for 20 grep -q "$2.*uuid=$(uuid "$1") .*$3" log || fail "machine $1: no $2 that says $3"; }

for i in 0 1 2 3 4 5; do
	expect $i .state configured
	expect $i .credential pki
	expect $i .fqdn "pc$i.example.com"
	said $i certificate-taken 'provision.example.com (root '
done
said 1 configured 'machine proved by its one-time password'
expect 1 .proved_by otp
expect 2 .proved_by null
said 2 configured 'machine not proved'
said 2 certificate-taken 'TLS 1.0) (AMT 2.6.0, SOAP'
said 4 configured 'the connection ended at the commit, but it is set up'
said 5 configured 'genuine AMT, but which machine it is is not proved'
said 5 certificate-taken 'it is genuine AMT'
expect 5 .proved_by on-die
said 0 configured 'it refused the new MEBx password'
said 6 otp-differs 'one-time password is not the one of the inventory'
expect 6 .state refused
said 7 chain-refused 'does not accept this server.s certificate provision.example.com'
expect 7 .reason_code chain-refused
said 8 needs-certificate 'no certificate of this server has a root that the machine knows'
# Whole digests and names: what has no room is counted.
X='[0-9a-f]\{64\}'
said 8 needs-certificate "the digests $X, $X and 2[0-9] more; among them are .*, and [0-9]* more; no further"
expect 8 .state needs-certificate
expect 9 .state refused
expect 9 .reason_code not-known
! grep -q "certificate-taken.*uuid=$(uuid 9)" log || fail "a machine that nobody knows was called"

said 10 let-wait 'to wait a day'
expect 10 .state fqdn-missing
wait_for 20 grep -q ExtendProvisioningPeriod sim10.out || fail "it was not asked to wait: $(cat sim10.out)"
! grep -q 'Set[A-Z]' sim10.out || fail "a machine without a name was changed"

# The fleet's password went only to those for whom something vouched; all others have their own.
ctl systems export --all --secrets --format json -o secrets.json --force --quiet
for i in 0 1 2 3 4 5; do
	jq -r --arg u "$(uuid $i)" '.[] | select(.uuid == $u) | .admin_password' secrets.json >"secrets$i"
	case $i in
	1 | 5) cmp -s "secrets$i" fleet-password || fail "machine $i has not the fleet's password" ;;
	*) ! cmp -s "secrets$i" fleet-password || fail "machine $i got the fleet's password" ;;
	esac
	[ "$(wc -c <"secrets$i")" -ge 9 ] || fail "machine $i has no password in the map"
done

# Configured, it is not set up again because somebody says hello in its name.
sim_hello --uuid "$(uuid 4)" --interface-version 3 --address "$NET.44"
expect 4 .state needs-permission
expect 4 .address "$NET.5"
[ "$(grep -c ExtendProvisioningPeriod sim10.out)" = 1 ] || fail "it was asked to wait again"
# shellcheck disable=SC2086 # a list
kill $others 2>/dev/null || true
no_secrets
stop
echo ok
