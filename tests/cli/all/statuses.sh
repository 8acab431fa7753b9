#!/bin/bash
# Every row of the table of exit statuses in amt-one-touch(7) is true: what it names says no with 1.
set -eu
fail() { echo "FAIL: $*"; exit 1; }
awk '/^\.Sh/ { on = $2 == "EXIT" } on && /^\.It [a-z]/' "$TOP/keygen/amt-one-touch.7" >table
# "PROGRAM VERB" a line; "keys show, revoke" are two verbs.
sed -E 's/^\.It //; s/ Ta .*//' table | while read -r program rest; do
	case $rest in
	*,*)
		words=${rest%%,*} first=''
		case $words in *\ *) first="${words% *} " ;; esac
		tr ',' '\n' <<<"${rest#"$first"}" | sed "s/^ *//; s/^/$program $first/" ;;
	*) echo "$program $rest" ;;
	esac
done | sort -u >listed

umask 077
printf 'Secret.Pa55\n' >password
"$BIN/amt-keygen" generate -q -n 2 --new-password-file password --map map.db -o keys.csv
"$BIN/amt-keygen" generate -q -n 1 --new-password-file password -o others.csv 2>/dev/null
{ cat keys.csv; echo 'no,pair'; } >bad.csv
echo pid,pps >none.csv
printf 'uuid,fqdn\nno,uuid\n' >machines.csv
"$BIN/amt-setupbin" create -q -o setup.bin --keys keys.csv
"$BIN/amt-setupbin" create -q -o others.bin --keys others.csv
{ cat setup.bin; echo more; } >longer.bin
"$BIN/amt-setupbin" show --json --secrets setup.bin |
	jq '.header.consumed = 2 | .records[].valid = false' >used.json
"$BIN/amt-setupbin" create -q -o used.bin --json used.json 2>/dev/null
truncate -s 64M empty.img

: >seen
# no "PROGRAM VERB" [WORD...]: ends with 1, and says why.
no() {
	local verb=$1 status=0
	shift
	# shellcheck disable=SC2086 # a verb may be two words
	"$BIN/"$verb "$@" >out 2>&1 || status=$?
	[ $status = 1 ] || { cat out; fail "$verb $*: status $status"; }
	[ -s out ] || fail "$verb $* says nothing"
	echo "$verb" >>seen
}
M=(--map map.db) UUID=939b524b-13d4-1d18-e487-1c697a6b7a2b
no "amt-keygen check" bad.csv
no "amt-keygen check" none.csv
no "amt-setupbin check" longer.bin
no "amt-setupbin next" used.bin
no "ukpu verify" --image empty.img
no "ukpu status" --image empty.img
no "ukpu repair" --image empty.img --yes
no "ukpu retire" --image empty.img --yes
no "ukpu prepare" --image used.img --size 64M used.bin --force-contents --yes
no "amt-provisionctl keys show" 0000-037M "${M[@]}"
no "amt-provisionctl keys revoke" 0000-037M "${M[@]}"
for verb in show retry "forget --yes"; do
	# shellcheck disable=SC2086 # with its option
	no "amt-provisionctl systems ${verb%% *}" ${verb#"${verb%% *}"} $UUID "${M[@]}"
done
no "amt-provisionctl profiles show" nobody "${M[@]}"
no "amt-provisionctl profiles remove" nobody "${M[@]}"
no "amt-provisionctl config show" nothing "${M[@]}"
no "amt-provisionctl config unset" max_setups "${M[@]}"
C=(--folder certificates "${M[@]}")
"$BIN/amt-provisionctl" certificates new-ca -q --suffix example.com "${C[@]}"
no "amt-provisionctl certificates show" nothing "${C[@]}"
no "amt-provisionctl certificates remove" nothing --yes "${C[@]}"
no "amt-provisionctl certificates check" root.pem "${C[@]}"
no "amt-provisionctl certificates add" root.pem "${C[@]}"
openssl genrsa -out other.key 2048 2>/dev/null
no "amt-provisionctl certificates renew" -k other.key "${C[@]}"
no "amt-provisionctl certificates match" $UUID "${C[@]}"
no "amt-provisionctl reconcile" others.bin "${M[@]}"
no "amt-provisionctl keys import" --dry-run bad.csv "${M[@]}"
no "amt-provisionctl inventory import" --dry-run machines.csv "${M[@]}"
cp map.db.key key
chmod 644 map.db.key
no "amt-provisionctl doctor" --no-network "${M[@]}"
chmod 600 map.db.key

sed 's/^amt-provisionctl \(keys\|inventory\) import$/amt-provisionctl ... import --dry-run/' seen |
	sort -u | diff listed - || fail "the table (<) has not what was seen to say no (>)"

# What was done is 0; what cannot be done is 2, whether the table has the verb or not.
status() { # STATUS PROGRAM WORD...
	local want=$1 program=$2 got=0
	shift 2
	"$BIN/$program" "$@" >out 2>&1 || got=$?
	[ $got = "$want" ] || { cat out; fail "$program $*: status $got, not $want"; }
}
status 0 amt-keygen check keys.csv
status 0 amt-setupbin check setup.bin
status 0 amt-provisionctl systems list --state failed --map map.db
status 0 amt-provisionctl log --pid 0000-037M --map map.db
status 2 amt-keygen check nowhere.csv
status 2 amt-setupbin check nowhere.bin
status 2 amt-setupbin split -n 2 -o part-%.bin used.bin
status 2 amt-setupbin merge -o left.bin used.bin
status 2 amt-setupbin compact -o left.bin used.bin
status 2 ukpu prepare --image used.img longer.bin --yes
status 2 ukpu verify --image nowhere.img
status 2 amt-provisionctl keys import bad.csv --map map.db
status 2 amt-provisionctl keys export --all -o left.csv --map map.db
status 2 amt-provisionctl keys show no-pid --map map.db
status 2 amt-provisionctl restore --yes nowhere.db --map map.db
grep -q "cannot open nowhere.db: No such file" out || fail "a backup that is not there: $(cat out)"
# A counter past the records says nothing of which are taken.
cp setup.bin over.bin
printf '\011' | dd of=over.bin bs=1 seek=32 conv=notrunc status=none
status 1 amt-provisionctl reconcile over.bin --map map.db
grep -q 'over.bin counts 9 records as used and holds 2: the counter is wrong' out || fail "$(cat out)"
# Nobody writes into that pipe: it is not waited for.
mkfifo pipe
status 2 amt-provisionctl reconcile pipe --map map.db
status 2 amt-provisiond -c nowhere.conf
echo ok
