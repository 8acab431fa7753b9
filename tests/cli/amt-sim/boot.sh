#!/bin/bash
# A simulated machine boots with a stick in it: what it takes, marks and refuses.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
says() { grep -q -- "$1" out err || { cat out err; fail "nothing says \"$1\""; }; }
umask 077
printf 'Str0ng!Pass\n' >password
keys() { "$BIN/amt-keygen" generate -q -n "$1" --new-password-file password --setupbin "$2" --force \
	"${@:3}" 2>generated || { cat generated; fail "no keys"; }; }
stick() { rm -f "$1"; "$BIN/ukpu" prepare --image "$1" --size 64M "$2" --yes --quiet \
	--second-stick "${@:3}" >prepared 2>&1 || { cat prepared; fail "no stick $1"; }; }
boot() { "$BIN/amt-sim" boot --state "$@"; }
# Bytes of an image as hex: bytes FILE OFFSET COUNT
bytes() { od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n'; }

# Record after record is taken, counted and marked.
keys 3 setup.bin
stick stick.img setup.bin
file=$(LC_ALL=C grep -aboP '\x96\xb2\x81\x58\xcf\x6b' stick.img | head -n1 | cut -d: -f1)
for i in 1 2 3; do
	cp stick.img before.img
	status 0 boot pc$i --stick stick.img
	says "took record $i of 3"
	says 'marked used'
	[ "$(stat -c %a pc$i)" = 600 ] || fail "the state is not private"
	[ "$(bytes stick.img $((file + 32)) 4)" = 0${i}000000 ] || fail "the counter is not $i"
	[ "$(bytes stick.img $((file + i * 512 + 4)) 4)" = 00000000 ] || fail "record $i is not marked"
	# Nothing else on the stick has changed: at most the two bytes above.
	[ "$(cmp -l before.img stick.img | wc -l)" = 2 ] || fail "more than two bytes have changed"
	status 0 "$BIN/amt-sim" show pc$i --json
	[ "$(jq -r .state out)" = in ] || fail "state $(jq -r .state out)"
	grep -q "$(jq -r .pid out | tr -d -)" setup.bin || fail "the PID is not from the stick"
done
status 2 boot pc4 --stick stick.img
says 'no record of setup.bin is left, of 3'
[ ! -e pc4 ] || fail "a machine without a key was kept"

# A machine whose password is no longer the record's, and one that says nothing of it.
stick stick.img setup.bin
status 2 boot pc1 --stick stick.img
says '2209 - USB provisioning error'
says 'clear CMOS'
status 0 "$BIN/amt-sim" clear-cmos pc1
status 0 "$BIN/amt-sim" show pc1
says 'state  *pre'
status 0 boot pc1 --stick stick.img
printf '0ther!Pass\n' >other
status 2 boot pc5 --stick stick.img --mebx-password-file other
says '2209'
keys 1 other.bin --current-password-file other
stick other.img other.bin
status 0 boot pc5 --stick other.img --mebx-password-file other
grep -q 'Str0ng!Pass' out err && fail "a password was printed"

# Layouts, and firmware that does not know them.
stick fat32.img setup.bin --layout fat32
status 2 boot pc6 --stick fat32.img --fat16-only
says 'this firmware reads FAT16 only'
status 0 boot pc6 --stick fat32.img
says 'FAT32'
stick floppy.img setup.bin --layout superfloppy
status 0 boot pc7 --stick floppy.img

# File versions: too new for old firmware, read by newer.
for v in 1.0/2.2 2.0/3.2 2.1/4.0 3.0/6.0 4.0/7.1; do
	keys 1 v.bin --file-version ${v%/*}
	stick v.img v.bin
	rm -f v
	status 0 boot v --stick v.img --firmware ${v#*/}
done
stick stick.img setup.bin
status 2 boot pc8 --stick stick.img --firmware 2.2
says 'this BIOS knows versions up to 1.0'
status 0 boot pc8 --stick stick.img --firmware 2.2 --reads-version 2.1
status 2 boot pc0 --stick stick.img --firmware 11.0.0
says 'AMT 11.0.0 takes no PID and PPS'
[ ! -e pc0 ] || fail "a machine of AMT 11 was made"

# Records that are not to be consumed serve everybody, and the stick stays as it was.
if "$BIN/amt-setupbin" create --help | grep -q no-consume; then
	"$BIN/amt-keygen" generate -q -n 1 --new-password-file password -o one.csv 2>generated
	"$BIN/amt-setupbin" create -o forever.bin --no-consume --keys one.csv >made 2>&1
	stick forever.img forever.bin
	cp forever.img before.img
	for i in 1 2; do
		status 0 boot forever$i --stick forever.img
		says 'not to be marked used'
	done
	cmp forever.img before.img || fail "the stick has changed"
fi

# The body of the used record may be wiped too.
stick wiped.img setup.bin
status 0 boot wiped --stick wiped.img --wipe-record
pps=$(sed -n 's/^pps: //p' wiped)
[ ${#pps} = 32 ] || fail "no PPS in the state"
grep -q "$pps" wiped.img && fail "the used record was not wiped"
status 0 "$BIN/ukpu" status --image wiped.img
says 'used  *1'

# A stick that is not what firmware wants: as copied by an ordinary file manager.
mkfs.fat -C -F 16 -n STICK plain.img 40000 >/dev/null
mcopy -i plain.img setup.bin ::setup.bin
status 2 boot pc9 --stick plain.img
says 'the first root entry is a volume label'
: >empty.img
status 2 boot pc9 --stick empty.img
truncate -s 10M zeros.img
status 2 boot pc9 --stick zeros.img
says 'neither a partition table nor a boot sector'
status 2 boot pc9 --stick nowhere.img
[ ! -e pc9 ] || fail "a machine without a key was kept"

# A forged header: nothing is taken.
for forged in "32:ff" "0:00" "24:03" "36:00" "16:00"; do
	stick forged.img setup.bin
	printf '%b' "\\x${forged#*:}" | dd of=forged.img bs=1 conv=notrunc status=none \
		seek=$((file + ${forged%:*}))
	cp forged.img before.img
	status 2 boot forged --stick forged.img
	[ -s err ] || fail "nothing is said about a forged header"
	cmp forged.img before.img || fail "a forged stick was written"
	[ ! -e forged ] || fail "a machine took a key from a forged header"
done

# State files: others may not read them, and nonsense is refused.
chmod 644 pc2
status 2 "$BIN/amt-sim" show pc2
says 'chmod 600'
echo nonsense >pc10
status 2 "$BIN/amt-sim" show pc10
says "not a machine's state"
status 2 "$BIN/amt-sim" run --state nothing
status 2 "$BIN/amt-sim" boot --state x --stick stick.img --uuid nonsense
status 2 "$BIN/amt-sim" boot --state x
