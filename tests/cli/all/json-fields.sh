#!/bin/bash
# What is printed with --json has the fields that the pages list, and no others.
set -eu
# shellcheck source=tests/support/daemon.inc disable=SC1091
source "$TOP/tests/support/daemon.inc"

# "PROGRAM VERB<tab>FIELD" of the pages; an entry that speaks of another verb (@) has its fields
# too, but for those (-) that follow a line "but".
cat "$TOP/keygen/amt-json.5" "$TOP/samples/amt-sim/cli/amt-sim.1" >pages
awk '/^\.Sh/ { on = $2 == "DESCRIPTION" || $2 == "JSON" } !on { next }
	/^\.(It|El|Ss)/ { verb = "" }
	/^\.It Cm amt-|^\.It Cm ukpu/ { program = $3; verb = $0; sub(/^\.It Cm /, "", verb); print verb "\t" }
	verb != "" && /^\.Va/ { print verb "\t" (before == "but" ? "-" : "") $2 }
	verb != "" && /^\.Cm/ { sub(/^\.Cm /, ""); sub(/ [.,]$/, ""); print verb "\t@" program " " $0 }
	{ before = $0 }' \
	pages >listed
grep -q . listed || fail "the pages list no fields"
fields() { # VERB
	awk -F'\t' -v v="$1" '$1 == v && $2 ~ /^@/ { print substr($2, 2) }' listed | sort -u >others
	{ echo "$1"; cat others; } | while read -r verb; do
		awk -F'\t' -v v="$verb" '$1 == v && $2 ~ /^[a-z]/ { print $2 }' listed
	done | grep -vxFf <(awk -F'\t' -v v="$1" '$1 == v { print $2 }' listed | sed -n 's/^-//p') | sort -u
}

make_map 3
sed -n 2p key1.csv >>keys.csv	# one that comes twice
echo 'a,b' >>keys.csv
"$BIN/amt-setupbin" create -q -o setup.bin --keys key1.csv
{ cat setup.bin; echo more; } >spoiled.bin
"$BIN/ukpu" prepare -q --image --size 64M stick.img setup.bin --yes
printf 'uuid,fqdn\n939b524b-13d4-1d18-e487-1c697a6b7a2b,pc1.example.com\n' >machines.csv
write_conf '[metrics]'
ctl profiles set -q office rekey=yes
start
"$BIN/amt-sim" boot --json --state pc1 --stick stick.img --address "$NET.1" --server "$SERVER" \
	--port "$PORT" --until-configured 60 >booted
uuid=$(jq -r .boot.uuid booted)
[ "$uuid" != null ] || fail "the machine has no UUID"

: >checked
: >wrong
# check "PROGRAM VERB" [OPERAND...]: its JSON, which may say no, has these very fields.
check() {
	local verb=$1 program=${1%% *}
	shift
	# shellcheck disable=SC2086 # a verb may be two words
	if [ -s printed ]; then :; else "$BIN/$program" ${verb#* } --json "$@" >printed || [ $? = 1 ]; fi
	# Names of states and outcomes are counted: they are values of other fields.
	jq -r 'del(objects.counts | objects | select(has("total") | not) | .[]) | paths | map(strings) | last |
		select(. != null)' printed | sort -u >has
	fields "$verb" >says
	diff has says >differs || { echo "$verb: printed <, in the page >"; cat differs; } >>wrong
	[ -s has ] || fail "$verb printed no field"
	echo "$verb" >>checked
	: >printed
}
: >printed
M=(--map map.db)
check "amt-keygen check" keys.csv
check "amt-setupbin check" spoiled.bin
check "amt-setupbin next" setup.bin
check "amt-setupbin variables"
if [ -d /sys/block ]; then
	check "ukpu list" --all
else
	echo "ukpu list" >>checked	# it could not know
fi
check "ukpu verify" --image stick.img
check "ukpu status" --image stick.img
check "amt-provisionctl keys import" --dry-run keys.csv "${M[@]}"
check "amt-provisionctl keys list" "${M[@]}"
check "amt-provisionctl keys show" "$(pid_of 1)" "${M[@]}"
check "amt-provisionctl systems list" "${M[@]}"
check "amt-provisionctl systems show" "$uuid" "${M[@]}"
check "amt-provisionctl inventory import" machines.csv "${M[@]}"
check "amt-provisionctl profiles list" "${M[@]}"
check "amt-provisionctl profiles show" office "${M[@]}"
check "amt-provisionctl config show" "${M[@]}"
"$BIN/amt-provisionctl" certificates new-ca -q --suffix example.com --folder certificates "${M[@]}"
openssl pkey -in certificates/provision.example.com.pem -out certificates/alone.key 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out certificates/leaf.pem \
	-subj /CN=amt.example.com -addext basicConstraints=CA:FALSE 2>/dev/null
chmod 644 certificates/alone.key
check "amt-provisionctl certificates list" --folder certificates "${M[@]}"
check "amt-provisionctl certificates check" certificates/leaf.pem --folder certificates "${M[@]}"
check "amt-provisionctl certificates show" leaf --folder certificates "${M[@]}"
# A machine that lists the root of that certificate.
root=$(openssl x509 -in root.pem -outform DER | sha256sum | cut -d ' ' -f 1)
sqlite3 map.db "INSERT INTO csti_amts_digests SELECT id, x'0220$root' FROM csti_amts LIMIT 1"
check "amt-provisionctl certificates match" "$uuid" --folder certificates "${M[@]}"
check "amt-provisionctl log" -n 5 "${M[@]}"
check "amt-provisionctl doctor" --no-network "${M[@]}"
check "amt-provisionctl reconcile" setup.bin "${M[@]}"
cp booted printed
check "amt-sim boot"
"$BIN/amt-sim" run --json --state pc1 --address "$NET.1" --server "$SERVER" --port "$PORT" \
	--until-configured 1 >printed || [ $? = 1 ]
check "amt-sim run"
"$BIN/amt-sim" fleet --json -n 1 --keys key2.csv --address "$NET.2" --server "$SERVER" \
	--port "$PORT" --until-configured 60 >printed
check "amt-sim fleet"
check "amt-sim hello" --server "$SERVER"
check "amt-sim show" pc1
stop
[ ! -s wrong ] || fail "$(cat wrong)"

# No verb that has --json is left out, but those whose JSON is setup.bin itself.
for program in amt-keygen amt-setupbin ukpu amt-provisionctl amt-sim; do
	"$BIN/$program" --help | awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 }
		on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print }' >verbs
	while read -r verb; do
		case "$program $verb" in "amt-setupbin create" | "amt-setupbin show") continue ;; esac
		# shellcheck disable=SC2086 # a verb may be two words
		! "$BIN/$program" $verb --help | grep -q '^ .*--json' || grep -qx "$program $verb" checked ||
			fail "$program $verb --json is not checked"
	done <verbs
done
cut -f1 listed | sort -u | while read -r verb; do
	grep -qx "$verb" checked || fail "the pages list $verb --json, and there is none"
done
echo "$(wc -l <checked) verbs"
