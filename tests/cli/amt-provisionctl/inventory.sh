#!/bin/bash
# amt-provisionctl inventory import: lists as others write them; what is wrong by line; all or none.
set -eu
fail() { echo "FAIL: $*"; exit 1; }
umask 077
# A site without keys begins with its list: the import makes the map, a dry run does not.
printf 'uuid\n939b524b-13d4-1d18-e487-1c697a6b7a2b\n' >uuids.csv
! "$BIN/amt-provisionctl" inventory import -m new.db uuids.csv --dry-run 2>err || fail "there was no map"
grep -q 'import keys or machines' err || fail "$(cat err)"
[ ! -e new.db ] || fail "a dry run made a map"
"$BIN/amt-provisionctl" inventory import -m new.db uuids.csv --quiet || fail "no map, no inventory"
[ "$(sqlite3 new.db 'SELECT count(*) FROM inventory')" = 1 ] || fail "the map lacks the machine"
"$BIN/amt-keygen" generate -q -n 1 --map map.db -o keys.csv 2>/dev/null
# import STATUS LIST [OPTION...]: LIST with \n as line ends.
import() {
	local want=$1 got=0
	# shellcheck disable=SC2059 # it is meant to be a format
	printf "$2" >list.csv
	shift 2
	"$BIN/amt-provisionctl" inventory import -m map.db list.csv "$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || { cat list.csv out err; fail "status $got, not $want"; }
}
says() { grep -q -- "$1" err || fail "not said: $1: $(cat err)"; }
A=939b524b-13d4-1d18-e487-1c697a6b7a2b B=939b524b-13d4-1d18-e487-1c697a6b7a2c

# Any order and case, byte order mark, CRLF, semicolons, tabs, quotes, braces, a dot at the end.
import 0 "\xef\xbb\xbfSite;FQDN;UUID\r\nx;pc1.example.com.;{${A^^}}\r\n"
says '1 machine imported'
import 0 "uuid\tfqdn\tprofile\n\"$A\"\tpc1.example.com\toffice\n\n"
says '1 machine imported'
import 0 "fqdn,uuid\npc1.example.com,${A//-/}\npc2.example.com,$B\n" --json
[ "$(jq -c '[.rows, .imported]' out)" = '[2,true]' ] || fail "$(cat out)"

# Bad lines: each by number, field and rule, and what to do about them; nothing comes in.
import 2 "uuid,fqdn\n$A,pc9.example.com\nnone,pc1.example.com\n$B,pc 1\n$B\n00000000${A:8:28},-\n"
says 'line 3: uuid: 32 hex digits'
says 'line 4: fqdn: a host name'
says 'line 6: fqdn'
says '3 bad lines; nothing of it was imported; .*--skip-bad'
import 1 "uuid,fqdn\n$A,pc9.example.com\n$B,pc 1\n" --dry-run
import 2 "name,fqdn\nx,pc9.example.com\n"
says 'line 1 has no column "uuid"'
import 2 ''

# As makers and Excel write them; what was read as what is said, and a person may know better.
import 0 "Machines of building 3\n\nsep=;\nName, short;SMBIOS GUID;DNS Name;\npc1;$A;pc1.example.com;\n"
says 'columns read: "SMBIOS GUID" as uuid, "DNS Name" as fqdn; not read: "Name, short"'
import 0 "machine,uuid\npc1.example.com,$A\n" --column fqdn=machine
says 'columns read: "machine" as fqdn, "uuid"'
import 2 "fqdn,guide\npc1.example.com,$A\n"
says 'column uuid=NAME'
import 0 "machine,uuid\npc1.example.com,$A\n"
says 'not read: "machine"'
printf 'UUID\tFQDN\r\n%s\tpc1.example.com\r\n' "$A" | iconv -t UTF-16 >unicode.txt
"$BIN/amt-provisionctl" inventory import -m map.db unicode.txt --json >out || fail "UTF-16"
[ "$(jq -c '[.rows, .bad, .columns]' out)" = '[1,0,"columns read: \"UUID\" as uuid, \"FQDN\" as fqdn"]' ] ||
	fail "$(cat out)"

# Two names of one machine: which of them is stale, the list does not say.
import 2 "uuid,fqdn\n$A,pc1.example.com\n$B,pc2.example.com\n$A,old.example.com\n"
says 'line 4: uuid: listed further up with another name'
import 0 "uuid,fqdn\n$A,pc1.example.com\n$A,old.example.com\n" --skip-bad --json
[ "$(jq -c '[.rows, .bad, .imported]' out)" = '[1,1,true]' ] || fail "$(cat out)"
import 0 "uuid,fqdn\n$A,pc1.example.com\n$A,PC1.example.com\n"
! grep -q warning err || fail "the same name twice: $(cat err)"
# One name of two machines, in one list or two, is taken and reported.
import 0 "uuid,fqdn\n$A,PC2.example.com\n"
says 'names that the inventory now gives to more than one machine: 1, the first is pc2.example.com'
# The UUID alone makes a machine known; what a list does not say of it stays, an empty cell does not.
import 0 "uuid\n$A\n$B\n"
says '2 machines imported'
import 0 "uuid,fqdn,otp\n$A,,0ne.Time.Only\n$B,pc2.example.com,\n"
import 0 "uuid,otp\n$A,0ne.Time.Only\n$A,0ther.Time.Only\n" --skip-bad
says 'line 3: uuid: listed further up with another name, profile or one-time password'
import 2 "uuid,otp\n$A,short\n$B,this one-time password is much too long\n"
says 'line 2: otp: 8 to 32 printable'
says 'line 3: otp'
! grep -rq '0ne.Time' map.db* err out || fail "a one-time password is in the clear"
echo ok
