#!/bin/bash
# ukpu as a person uses it: plans, refusals, splitting, the journal, what is asked and what is not.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"

amt-keygen generate -n 7 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null
amt-keygen generate -n 3 -q --random-passwords -o keys3.csv --setupbin three.bin 2>/dev/null

# The plan, and nothing but the plan.
expect 0 ukpu prepare --image a.img --size 64M setup.bin --dry-run
says "SETUP.BIN (4096 bytes)"
says "partition table"
[ ! -e a.img ] || fail "the dry run made the image"

# The stick, its verdict, its records.
expect 0 ukpu prepare --image a.img --size 64M setup.bin
says "7 records, 7 left; next is record 1, PID $(sed -n '2s/^\(....\)\([^,]*\),.*/\1-\2/p' keys.csv)"
says "Expect about"
expect 0 ukpu verify --image --strict a.img
says "firmware will see setup.bin"
expect 0 ukpu verify --image a.img --json
jq -e '.good and .failed == 0 and .layout == "fat16" and .contents.left == 7 and
	(.rules | length) >= 48 and all(.rules[]; .verdict == "pass")' out >/dev/null || fail "verify --json"
expect 0 ukpu status --image a.img
says "^left  *7$"
expect 0 ukpu status --image a.img --json
jq -e '.records == 7 and .used == 0 and .next == 1 and .version == "2.1" and .consumable' out \
	>/dev/null ||
	fail "status --json"

# Nothing secret in what is printed, kept or said.
pps=$(sed -n 2p keys.csv | cut -d, -f2)
password=$(sed -n 2p keys.csv | cut -d, -f4)
expect 0 ukpu verify --image a.img
if grep -qF -e "$pps" -e "${pps//-/}" -e "$password" out sticks.db; then
	fail "a secret shows"
fi

# A stick that is still good is not overwritten by accident.
expect 2 ukpu prepare --image a.img three.bin --yes
says "7 unused records"
says "--overwrite-unused"
# With no one to ask, and no --yes, nothing happens either.
expect 2 ukpu prepare --image a.img three.bin --overwrite-unused
says "standard input is not a terminal"
says "or give --yes"
expect 0 ukpu status --image a.img
says "^left  *7$"
expect 0 ukpu prepare --image a.img three.bin --yes --overwrite-unused
says "copy of its setup.bin with 7 unused records"
cmp setup.bin ukpu/backup-a.img-*.bin || fail "the copy is not the same"
[ "$(stat -c %a ukpu/backup-a.img-*.bin)" = 600 ] || fail "the copy is not private"

# One key, one stick.
expect 2 ukpu prepare --image b.img --size 32M three.bin
says "or give --second-stick"
expect 2 ukpu prepare --image b.img --size 32M three.bin --yes
says "3 of these keys"
[ ! -e b.img ] || fail "an image was left behind"
expect 0 ukpu prepare --image b.img --size 32M three.bin --yes --second-stick
# What has been overwritten is free again: the seven went off a.img.
expect 0 ukpu prepare --image c.img --size 32M setup.bin --yes

# Several sticks: not the same on each, but dealt out.
rm -f ./*.img sticks.db
expect 2 ukpu prepare --image 1.img 2.img setup.bin --size 32M --yes
says "--deal"
expect 2 ukpu prepare --image 1.img 1.img setup.bin --size 32M --yes --deal
expect 2 ukpu prepare --image 1.img 2.img 3.img 4.img three.bin --size 32M --yes --deal
says "three.bin has 3 unused records, too few to split it into 4"
[ ! -e 1.img ] || fail "images were left behind"
expect 0 ukpu prepare --image 1.img 2.img 3.img setup.bin --size 32M --yes --deal
sed -n 's/.*PIDs on it: //p' out | tr -d - | tr ' ' '\n' | sort >dealt
sed 1d keys.csv | cut -d, -f1 | sort >all
cmp dealt all || fail "the PIDs on the sticks are not those of the list, each once"
for i in 1 2 3; do
	expect 0 ukpu verify --image --strict $i.img
done

# Layouts, sizes, and what is wrong with them.
for layout in fat16 fat32 superfloppy; do
	rm -f l.img sticks.db
	expect 0 ukpu prepare --image l.img --size 35M --layout $layout setup.bin --yes
	expect 0 ukpu verify --image --strict l.img --json
	jq -e --arg l $layout '.layout == $l' out >/dev/null || fail "$layout is not named"
done
rm -f l.img sticks.db
expect 2 ukpu prepare --image l.img --size 10M setup.bin --yes
says "17"
expect 2 ukpu prepare --image l.img --size 34M --layout fat32 setup.bin --yes
says "35 MiB"
expect 2 ukpu prepare --image l.img --size 64M --layout ntfs setup.bin --yes
says "fat16, fat32, superfloppy"
expect 2 ukpu prepare --image l.img setup.bin --yes
says "--size"
[ ! -e l.img ] || fail "an image was left behind"
# A setup.bin that is larger than the volume, and one that is not valid.
amt-keygen generate -n 31000 -q --random-passwords -o many.csv --setupbin many.bin 2>/dev/null
expect 2 ukpu prepare --image l.img --size 17M many.bin --yes
says "split"
head -c 700 setup.bin >short.bin
expect 2 ukpu prepare --image l.img --size 32M short.bin --yes
expect 2 ukpu prepare --image l.img --size 32M keys.csv --yes
says "setup.bin"
expect 2 ukpu prepare --image l.img --size 32M nothing.bin --yes
says "nothing.bin"
expect 2 ukpu prepare --image . setup.bin --yes
expect 2 ukpu prepare setup.bin setup.bin --yes
says "--image"
[ ! -e l.img ] || fail "an image was left behind"

# From a pipe, under any name.
amt-keygen generate -n 2 -q --random-passwords -o k2.csv --setupbin two.bin 2>/dev/null
expect 0 bash -c 'cat two.bin | ukpu prepare --image p.img --size 32M - --yes'

# Errors in the file stop it, unless they are forced; firmware's no stays a no.
cp setup.bin bad.bin
printf '\011' | dd of=bad.bin bs=1 seek=528 conv=notrunc status=none
expect 2 ukpu prepare --image bad.img --size 32M bad.bin --yes
says "--force-contents"
says "error: bad.bin, record 1, byte 528"
# Of very many errors only the first.
cp many.bin worse.bin
python3 -c '
f = open("worse.bin", "r+b")
for i in range(1, 31001):
    f.seek(512 * i + 16)
    f.write(b"\t")'
expect 2 ukpu prepare --image bad.img --size 64M worse.bin --yes
[ "$(wc -l <out)" -lt 30 ] || fail "$(wc -l <out) lines of errors"
says "more; amt-setupbin check worse.bin shows them"
expect 1 ukpu prepare --image bad.img --size 32M bad.bin --yes --force-contents --second-stick
says "contents-check"
expect 1 ukpu verify --image bad.img

# What is not a stick at all.
truncate -s 32M empty.img
expect 1 ukpu verify --image empty.img
says "table-signature"
expect 1 ukpu status --image empty.img
says "ukpu verify --image empty.img"
expect 1 ukpu repair --image empty.img --yes
expect 2 ukpu verify --image none.img
: >nothing.img
expect 2 ukpu verify --image nothing.img
expect 2 ukpu status --image none.img

# A block device is not touched for a mere --yes, nor one that is not a stick.
expect 2 ukpu prepare /dev/null setup.bin --yes
says "not a block device"
if [ -d /sys/block ]; then
	expect 0 ukpu list
	expect 0 ukpu list --all
	expect 0 ukpu list --all --json
	jq -e '.drives | type == "array"' out >/dev/null || fail "list --json"
else
	# Not to know is not an empty list.
	expect 2 ukpu list --all --json
	says "see that /sys is mounted"
fi

# Somebody else at work on the image.
exec 9<p.img
flock 9
expect 2 ukpu prepare --image p.img three.bin --yes --overwrite-unused --second-stick
says "locked"
exec 9<&-

# Where nothing can be kept, nothing is overwritten.
expect 2 env UKPU_JOURNAL=/proc/none/sticks.db ukpu prepare --image q.img --size 32M three.bin --yes \
	--second-stick
says "cannot make the journal /proc/none/sticks.db"
[ ! -e q.img ] || fail "an image was left behind"
