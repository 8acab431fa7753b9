#!/bin/bash
# amt-setupbin edit, split, merge, compact: records changed, dealt, brought together, dropped.
set -eu
# shellcheck source=tests/support/setupbin.inc
. "$(dirname "$0")/../../support/setupbin.inc"
partly=$samples/v2.1-partly-used.bin
pids() { "$S" show --json "$1" | jq -r '.records[].variables[] | select(.name == "pid").value'; }

# Edit: all unused records, the consumed ones as they were.
status 0 "$S" edit "$partly" -o edited.bin --set dhcp=disabled --set new-mebx-password=@other.txt
says err '2 records changed, 2 left as before'
status 0 "$S" check --strict edited.bin
cmp <(head -c 1536 "$partly") <(head -c 1536 edited.bin) || fail "a consumed record was changed"
"$S" show --json --secrets edited.bin | jq -c '[.records[2].variables[] | [.name, .value]]' >got
says got '["new-mebx-password","N3w#pass"],["pid","SAMPLE3X"]'
says got '["domain-name","example.com"],["dhcp","disabled"]]'
# Taken out again, and with the old password the file is what it was.
printf 'Sample#3\n' >three.txt; printf 'Sample#4\n' >four.txt; chmod 600 three.txt four.txt
status 0 "$S" edit edited.bin -o edited.bin --force --set new-mebx-password=@three.txt \
	--set dhcp=enabled --records 3
status 0 "$S" edit edited.bin -o edited.bin --force --set new-mebx-password=@four.txt \
	--unset dhcp --records 4-4
cmp edited.bin "$partly" || fail "edit does not give the file back"
# What is new goes where firmware wants it.
status 0 "$S" edit "$samples/v4.0-acu-wizard.bin" -o acu.bin --unset manageability-feature \
	--set provisioning-halt-activate=start
status 0 "$S" edit acu.bin -o acu.bin --force --set manageability-feature=amt \
	--set provisioning-server-address=10.0.0.5
"$S" show --json acu.bin | jq -c '[.records[0].variables[].name]' >got
says got '["current-mebx-password","new-mebx-password","manageability-feature","dhcp"'
says got '"provisioning-server-address","provisioning-halt-activate"]'
! grep -qa 'example.com' acu.bin || fail "the record is not scrambled any more"
# A module that the header does not name is added to it.
status 0 "$S" edit "$partly" -o odd.bin --set 7/1=hex:0102
"$S" show --json odd.bin | jq -e '.header.modules == [1, 2, 7]' >/dev/null || fail "modules"
says err 'unknown-variable'
status 2 "$S" edit "$samples/v2.1-odd.bin" -o x.bin --unset kvm --records 2
says err 'runs out of it'
status 2 "$S" edit "$partly" -o x.bin
for records in 0 5 2-1 1- -2 a 1,,2 '1,' 99999999999; do
	status 2 "$S" edit "$partly" -o x.bin --unset dhcp --records "$records"
done
status 2 "$S" edit "$partly" -o x.bin --set pps=NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ
lacks err NKLD
status 2 "$S" edit "$partly" -o x.bin --unset colour
status 2 "$S" edit "$partly" -o x.bin --set "static-ipv4=$(printf '%0900d' 0)"
says err 'needs'
status 2 "$S" edit /dev/zero -o x.bin --unset kvm
status 0 "$S" edit - -o - --unset kvm <"$partly"
cmp out "$partly" || fail "edit as a filter"

# What no document knows stays, behind the variables and behind the last record.
odd=$samples/v2.1-odd.bin
status 0 "$S" edit "$odd" -o odd.bin --force --set kvm=disabled --records 1
says err '1 record changed, 1 left as before'
"$S" show --json --secrets odd.bin |
	sed 's/"kvm", "value": "disabled"/"kvm", "value": "enabled"/' >got
cmp got <("$S" show --json --secrets "$odd" | sed 's/, "reserved": 513//') ||
	fail "edit lost what it does not know"
status 0 "$S" edit "$odd" -o odd.bin --force --unset dhcp --records 1
says err '0 records changed, 2 left as before'
cmp odd.bin "$odd" || fail "an edit without effect changed the file"
status 0 "$S" edit - -o - --unset dhcp --records 1 <"$odd"
cmp out "$odd" || fail "edit as a filter lost something"
status 2 "$S" edit "$odd" -o x.bin --records 1 --set "vlan=$(printf '%0680d' 0)"
says err 'what follows its last variable'
{ cat "$partly"; head -c 1048577 /dev/zero; } >long-tail.bin
status 2 "$S" edit long-tail.bin -o x.bin --unset dhcp
says err 'follow the last record'
"$S" show "$odd" >got
says got '(bytes behind the last variable)'

# Compact.
status 0 "$S" compact "$partly" -o compact.bin
says err '2 records kept, 2 dropped'
status 0 "$S" check --strict compact.bin
[ "$(pids compact.bin | tr '\n' ' ')" = 'SAMPLE3X SAMPLE4Y ' ] || fail "compact keeps the wrong"
"$S" show --json compact.bin | jq -e '.header.consumed == 0 and [.records[].number] == [1, 2]' \
	>/dev/null || fail "compact does not number again"
cp "$partly" same.bin
status 0 "$S" compact same.bin -o same.bin --force
cmp same.bin compact.bin || fail "compact in place"
printf '\4' | dd of=same.bin bs=1 seek=32 conv=notrunc 2>/dev/null
status 2 "$S" compact nowhere.bin -o x.bin
cp "$partly" used.bin
printf '\4' | dd of=used.bin bs=1 seek=32 conv=notrunc 2>/dev/null
# What makes files could not do it; only "next" asks, and the answer is no.
status 2 "$S" compact used.bin -o x.bin
says err 'no unused record'
status 2 "$S" merge used.bin -o x.bin
says err 'unused record'
status 2 "$S" split used.bin -n 1 -o x%.bin
says err 'no unused record'
for made in x.bin x1.bin; do [ ! -e $made ] || fail "a file without records was made"; done
status 2 "$S" compact "$samples/v4.0-acu-wizard.bin" -o x.bin
says err 'not consumed'

# Split: every unused record in one file, none in two.
keys keys.csv 23
"$S" create -o all.bin --keys keys.csv --quiet
status 0 "$S" split all.bin -n 10 -o part-%.bin
says err 'put it away'
parts=(part-*.bin)
[ ${#parts[@]} = 10 ] || fail "not ten files"
[ -e part-01.bin ] || fail "names do not sort"
for f in "${parts[@]}"; do
	status 0 "$S" check --strict "$f"
	pids "$f"
done >parts
pids all.bin >wanted
cmp parts wanted || fail "split lost or doubled a record"
status 2 "$S" split all.bin -n 10 -o part-%.bin
says err 'part-01.bin exists already'
rm part-0*
touch part-10.bin
status 2 "$S" split all.bin -n 10 -o part-%.bin
[ ! -e part-01.bin ] || fail "split began although a name was taken"
status 0 "$S" split "$partly" -n 2 -o two-%.bin
[ "$(pids two-1.bin) $(pids two-2.bin)" = 'SAMPLE3X SAMPLE4Y' ] || fail "split of a used file"
cp two-1.bin old-2.bin
status 2 "$S" split all.bin -n 2 -o old-%.bin
cp all.bin old-1.bin
status 2 "$S" split old-1.bin -n 2 -o old-%.bin --force
says err 'old-1.bin is the file that is split'
cmp all.bin old-1.bin || fail "a part took the place of the file that is split"
status 0 "$S" split all.bin -n 2 -o old-%.bin --force
status 2 "$S" split "$partly" -n 3 -o x-%.bin
says err 'too few'
status 2 "$S" split "$partly" -n 0 -o x-%.bin
status 2 "$S" split "$partly" -n 2 -o x.bin
status 2 "$S" split "$partly" -n 2 -o x%-%.bin
status 2 "$S" split "$samples/v4.0-acu-wizard.bin" -n 1 -o x-%.bin

# Merge: back to what it was; a key that comes twice is refused.
status 0 "$S" split all.bin -n 4 -o four-%.bin
status 0 "$S" merge four-1.bin four-2.bin four-3.bin four-4.bin -o merged.bin
cmp merged.bin all.bin || fail "split and merge do not give the file back"
status 2 "$S" merge four-1.bin four-2.bin four-1.bin -o x.bin
says err 'two machines would share it'
status 2 "$S" merge all.bin "$samples/v2.0-two-pairs.bin" -o x.bin
says err 'files of one version'
status 2 "$S" merge all.bin "$samples/v4.0-acu-wizard.bin" -o x.bin
status 2 "$S" merge used.bin -o x.bin
status 2 "$S" merge -o x.bin
# The longest records set the length of all.
"$S" create -o long.bin --keys all.bin --chunks 3 --force --quiet
"$S" split long.bin -n 2 -o long-%.bin --quiet
status 0 "$S" merge compact.bin long-1.bin -o mixed.bin
status 0 "$S" check --strict mixed.bin
[ "$(pids mixed.bin | wc -l)" = 14 ] || fail "merge of records of two lengths"

rm -f part-10.bin
[ -z "$(compgen -G 'x*')" ] || fail "misuse left a file behind"
