#!/bin/bash
# Names of files may be a stranger's: no program sends what is in them to a terminal as it is.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$TOP/tests/support/ukpu.inc"
export XDG_STATE_HOME=$PWD UKPU_JOURNAL=$PWD/sticks.db AMT_MAP=
name=$(printf 'e\033]0;x\007v\nil')
# clean STATUS COMMAND...: ends with STATUS, names the file, and nothing that it prints moves a cursor.
clean() {
	expect "$@"
	! LC_ALL=C tr -d '\n' <out | grep -q '[[:cntrl:]]' || { cat -v out; fail "raw: ${*:2}"; }
	! grep -q '^il' out || { cat -v out; fail "a line of its own: ${*:2}"; }
	says 'e?]0;x?v?il'
}
clean 0 amt-keygen generate -n 3 --random-passwords -o "$name.csv" --setupbin "$name.bin"
clean 0 amt-keygen check "$name.csv"
clean 0 amt-setupbin show "$name.bin"
clean 0 amt-setupbin check "$name.bin"
clean 2 amt-setupbin show "$name.none"
clean 0 amt-provisionctl keys import --map map.db "$name.csv"
printf 'uuid,fqdn\n00112233-4455-6677-8899-aabbccddeeff,a.example.org\n' >"$name.list"
clean 0 amt-provisionctl inventory import --map map.db "$name.list"
clean 0 amt-provisionctl backup --map map.db "$name.backup"
clean 2 amt-provisionctl keys list --map "$name.db"
clean 2 amt-provisiond --check -c "$name.conf"
clean 0 ukpu prepare --image "$name.img" --size 20M "$name.bin" --dry-run
clean 0 ukpu prepare --image "$name.img" --size 20M "$name.bin" --yes
clean 0 ukpu verify --image "$name.img"
clean 0 ukpu repair --image "$name.img" --yes
printf '\203' | dd of="$name.img" bs=1 seek=450 conv=notrunc status=none
clean 1 ukpu verify --image "$name.img"
clean 0 ukpu repair --image "$name.img" --yes
clean 0 ukpu retire --image "$name.img" --yes --overwrite-unused
clean 1 ukpu status --image "$name.img"
cp "$name.bin" "$name.bad"
printf '\011' | dd of="$name.bad" bs=1 seek=528 conv=notrunc status=none
clean 2 ukpu prepare --image "$name.img" "$name.bad" --yes --second-stick
clean 2 amt-sim boot --state "$name.pc" --stick "$name.img"
