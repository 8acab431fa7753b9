#!/bin/bash
# One touch from end to end, on this machine alone: certificates for today's machines and keys for
# older ones, sticks (image files), the server, and simulated machines that are set up. Touches no
# disk but a new temporary folder.
#
#   BIN=folder of the programs (build/bin)    KEEP=1: leave the temporary folder there
#
# Exit status 0 only if everything at the end is as it should be.
set -u
BIN=$(cd "${BIN:-$(dirname "$0")/../build/bin}" && pwd) || exit 2
PATH=$BIN:$PATH
umask 077

T=$(mktemp -d "${TMPDIR:-/tmp}/amt-demo.XXXXXX") || exit 2
export XDG_STATE_HOME=$T UKPU_JOURNAL=$T/sticks.db	# sticks of the demo are not this machine's
server=
clean_up() {
	[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
	if [ -n "${KEEP:-}" ]; then echo "Left in $T"; else rm -rf "$T"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
cd "$T" || exit 2

bad=0 step=0 n=0
title() { step=$((step + 1)); printf '\n=== %d. %s\n' $step "$*"; }
# Show a command, run it, show what it says; that stays in out.N for the checks at the end.
run() {
	local status=0
	n=$((n + 1))
	printf '\n$ %s\n' "$*"
	"$@" >"out.$n" 2>&1 </dev/null || status=$?
	cat "out.$n"
	return $status
}
must() { run "$@" || { echo "demo: this should have worked (exit status $?)"; exit 1; }; }
# check WHAT COMMAND...: the demo has failed if the command does.
check() {
	local what=$1
	shift
	if "$@" >/dev/null 2>&1; then echo "  as it should be: $what"; else
		echo "  NOT AS IT SHOULD BE: $what"
		bad=$((bad + 1))
	fi
}
listens() { grep -qs ":$(printf %04X "$1") 00000000[0-9]*:0000 0A" /proc/net/tcp /proc/net/tcp6; }
free_port() {
	local port
	for _ in $(seq 200); do
		port=$((20000 + RANDOM % 12000))
		listens $port || { echo $port; return; }
	done
	return 1
}
# Field NAME of a machine's state: field pc1 UUID
field() { amt-sim show "$1" | sed -n "s/^$2  *//p"; }

hello_port=$(free_port) back_port=$hello_port plain_port=$hello_port
while [ "$back_port" = "$hello_port" ] || [ "$plain_port" = "$hello_port" ] || listens "$plain_port"; do
	back_port=$(free_port) || { echo "demo: no free port"; exit 2; }
	plain_port=$((back_port - 1))
done

echo 'D3mo!Passw0rd' >new-password
title "Certificates: an authority of your own, and the server's certificate of it"
cat >server.conf <<CONF
[server]
map = $T/map.db
listen = 127.0.0.1:$hello_port
[certificates]
folder = $T/certificates
[pki]
suffix = example.com
# Old firmware asks for the password that its stick gave it.
stick_password_file = $T/new-password
[setup]
callback_port = $back_port
management_port = $plain_port
[names]
# The older machines of this demo have no names.
fqdn_required = no
CONF
must amt-provisionctl certificates new-ca --suffix example.com -c server.conf
must amt-provisionctl certificates list -c server.conf

title "One stick for all of today's machines: it has the root's digest, and is not used up"
must amt-setupbin create --pki --bare-metal --dns-suffix example.com --cert root.pem \
	--server 127.0.0.1 --port "$hello_port" --new-password-file new-password -o today.bin
must ukpu prepare --image today.img --size 64M today.bin --yes
cp today.img today-before.img

title "Keys, for machines up to AMT 10: five pairs, in the server's map first, then in setup.bin"
must amt-keygen generate -n 5 --map map.db --new-password-file new-password --setupbin setup.bin
must amt-provisionctl keys list --map map.db --count
grep -q '5 free, 0 reserved, 0 used' "out.$n" || { echo "demo: not five free keys"; exit 1; }

title "Their stick: an image of 256 MiB, laid out so that every BIOS finds the file"
must ukpu prepare --image stick.img --size 256M setup.bin --yes
must ukpu verify --image stick.img

title "The inventory: which machines may come by certificate, which proves the server, not them"
today=(16.1.25 12.0.45 6.2.0)	# versions of AMT
{
	echo uuid,fqdn
	for i in 1 2 3; do
		uuids[i]=$(tr a-f 0-9 </proc/sys/kernel/random/uuid)
		echo "${uuids[i]},pc$i.example.com"
	done
} >machines.csv
cat machines.csv
must amt-provisionctl inventory import machines.csv -c server.conf

title "The server: waits for hellos on port $hello_port, calls back at port $back_port"
cat server.conf
printf '\n$ amt-provisiond -c server.conf &\n'
amt-provisiond -c server.conf 2>server.log &
server=$!
for _ in $(seq 100); do
	listens "$hello_port" && break
	kill -0 $server 2>/dev/null || break
	sleep 0.05
done
listens "$hello_port" || { cat server.log; echo "demo: the server did not start"; exit 1; }

title "One touch: three of today's machines are switched on with the same stick in them"
for i in 1 2 3; do
	run amt-sim boot --pace 20 --firmware "${today[i - 1]}" --uuid "${uuids[i]}" \
		--state today$i --stick today.img --address 127.0.2.$i --server stick \
		--port "$back_port" --until-configured 30
	came[i]=$?
done

title "One touch: three older machines are switched on with theirs, one after another"
for i in 1 2 3; do
	run amt-sim boot --pace 20 --state pc$i --stick stick.img --address 127.0.1.$i \
		--server 127.0.0.1:"$hello_port" --port "$back_port" --until-configured 30
	booted[i]=$?
done

title "A machine has a key that nobody imported, and another one is in no inventory"
must amt-sim hello --server 127.0.0.1:"$hello_port" --address 127.0.1.4 --pid 0000037M \
	--uuid 939b524b-13d4-1d18-e487-1c697a6b7a2b
must amt-sim hello --server 127.0.0.1:"$hello_port" --address 127.0.2.4 --interface-version 3 \
	--uuid 13d4939b-524b-4d1d-8e48-71c697a6b7a2
for _ in $(seq 100); do
	grep -q 'invalid PID map' server.log && grep -q not-known server.log && break
	sleep 0.05
done

title "What an operator sees"
run amt-provisionctl systems list --map map.db
systems=out.$n
run amt-provisionctl keys list --map map.db
keys=out.$n
run amt-provisionctl certificates match "${uuids[1]}" -c server.conf
matched=$?
run ukpu status --image stick.img
stick=out.$n
run amt-provisionctl log --map map.db
log=out.$n

title "The server is stopped"
kill $server
wait $server
stopped=$?
server=
tail -n 2 server.log

title "Is all that as it should be?"
for i in 1 2 3; do
	check "today's machine $i, AMT ${today[i - 1]}, was set up in time" [ "${came[i]}" = 0 ]
	check "it says itself that it is set up" [ "$(field today$i state)" = "post, by certificate" ]
	check "the server lists it as configured, at its address, with its name" \
		grep -Eq "^${uuids[i]} +127\.0\.2\.$i +- +pki +configured, machine not proved +pc$i\.example\.com " \
		"$systems"
	check "it took the certificate before it was set up" \
		[ "$(sed -En "/uuid=${uuids[i]}/s/^[^ ]+ [a-z]+ (hello|certificate-taken|configured) .*/\1/p" \
			"$log" | uniq | tr '\n' ' ')" = "hello certificate-taken configured " ]
done
check "their stick is as it was, for any number of machines" cmp today.img today-before.img
check "a certificate is there that the first of them would accept" [ $matched = 0 ]
check "the machine that is in no inventory is refused" \
	grep -Eq '^13d4939b-.* 127\.0\.2\.4 .*refused' "$systems"
for i in 1 2 3; do
	uuid=$(field pc$i UUID) pid=$(field pc$i PID)
	check "machine $i was set up in time" [ "${booted[i]}" = 0 ]
	check "machine $i says itself that it is set up" [ "$(field pc$i state)" = post ]
	check "the server lists it as configured, at its address, with its PID $pid" \
		grep -Eq "^$uuid +127\.0\.1\.$i +$pid +psk +configured( |$)" "$systems"
	check "its key is used, by it" grep -Eq "^$pid +used .* $uuid *$" "$keys"
	# The log, in its order: heard, proved, configured.
	check "its key was used when it had proved it, after its hello and before it was set up" \
		[ "$(sed -En "/uuid=$uuid/s/^[^ ]+ [a-z]+ (hello|key-used|configured) .*/\1/p" "$log" |
			uniq | tr '\n' ' ')" = "hello key-used configured " ]
done
check "two keys are free, none is reserved, three are used" \
	grep -q '2 free, 0 reserved, 3 used' "$keys"
check "three of the stick's five records are used" grep -Eqx 'used +3' "$stick"
check "two are left" grep -Eqx 'left +2' "$stick"
next=$(sed -En 's/^next .*record 4, PID ([A-Z0-9]{4})-?([A-Z0-9]{4})$/\1-\2/p' "$stick")
check "the next one is record 4, and its key ${next:-(none)} is still free" \
	grep -Eq "^${next:-none} +free " "$keys"
check "the fourth machine is refused" grep -Eq '127\.0\.1\.4 .*refused' "$systems"
check "the log says why, and what to do about it" grep -Eq \
	'address=127\.0\.1\.4: .*invalid PID map.* -- .*amt-provisionctl keys import' "$log"
check "nobody proved that key" [ "$(grep -c 'key-used' "$log")" = 3 ]
check "the stick still passes every rule" ukpu verify --image stick.img
check "the server stopped in good order" [ $stopped = 0 ]
grep -ao '[A-Z0-9]\{32\}' setup.bin >secrets
check "setup.bin holds the five keys in question" [ "$(wc -l <secrets)" = 5 ]
cat new-password >>secrets
awk '/-BEGIN PRIVATE/ { on = 1; next } /-END PRIVATE/ { on = 0 } on' root.key certificates/*.pem >>secrets
no_secret() { ! grep -aqFf secrets out.* server.log server.conf map.db*; }
check "no PPS, no password and no private key is in a message, in the log or readable in the map" no_secret

if [ $bad != 0 ]; then
	printf '\nThe demo has FAILED: %d things are not as they should be.\n' $bad
	exit 1
fi
printf '\nSix machines set up by one touch each, two strangers refused. All as it should be.\n'
