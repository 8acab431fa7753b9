#!/bin/bash
# Other files on a stick, also strangely named, deep, or of other systems: listed, saved, never lost
# unasked.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"
need sfdisk mkfs.fat mkfs.ext4 mcopy mmd openssl python3
export MTOOLS_SKIP_CHECK=1 PYTHONIOENCODING=utf-8
untouched() { cmp -s s.img before.img || fail "the stick was written"; }

amt-keygen generate -n 7 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null

# For the changes by hand below: where the FATs and the root directory of that volume begin.
cat >volume.py <<'PY'
import struct
def places(f):
    f.seek(1 << 20)
    boot = f.read(512)
    reserved, fat = (struct.unpack_from("<H", boot, i)[0] for i in (14, 22))
    return [(1 << 20) + (reserved + i * fat) * 512 for i in range(3)]
PY

# A FAT16 volume with a setup.bin in its root directory, at 1 MiB.
stick() {
	rm -f s.img
	truncate -s 40M s.img
	printf 'label: dos\nstart=2048, size=77824, type=6\n' | sfdisk -q s.img
	mkfs.fat -F 16 -s 2 -R 1 -h 2048 --offset=2048 s.img 38912 >/dev/null 2>&1
	mcopy -i s.img@@1M setup.bin ::SETUP.BIN
}

# named NAME...: files of 4 bytes, each under a long name, the clusters from 1000 on.
named() {
	python3 - "$@" <<-'PY'
	import struct, sys, volume
	with open("s.img", "r+b") as f:
	    *fats, root = volume.places(f)
	    f.seek(root)
	    at = next(i for i in range(0, 16384, 32) if not f.read(32)[0])
	    for n, name in enumerate(sys.argv[1:]):
	        cluster = 1000 + n
	        short = b"LONG%04d" % n + b"BIN"
	        total = 0
	        for c in short:
	            total = ((total >> 1 | total << 7) + c) & 255
	        units = name.encode("utf-16-le") + b"\0\0"
	        units += b"\xff" * (-len(units) % 26)
	        parts = [units[i:i + 26] for i in range(0, len(units), 26)]
	        out = b""
	        for i in range(len(parts), 0, -1):
	            p = parts[i - 1]
	            out += bytes([i | (0x40 if i == len(parts) else 0)]) + p[:10] + \
	                bytes([15, 0, total]) + p[10:22] + b"\0\0" + p[22:]
	        out += short + bytes([32]) + bytes(14) + struct.pack("<HI", cluster, 4)
	        f.seek(root + at)
	        f.write(out)
	        at += len(out)
	        for fat in fats:
	            f.seek(fat + 2 * cluster)
	            f.write(b"\xff\xff")
	        f.seek(root + 16384 + (cluster - 2) * 1024)
	        f.write(b"no%02d" % n)
	PY
}

# Names that are longer than names are here, that differ only in what is cut, that have no
# letters of the Basic Multilingual Plane: each is saved under a name of its own.
long=$(printf '\346\274\242%.0s' {1..240})
stick
named "$long one.txt" "$long two.txt" $'\360\237\230\200.txt' $'\360\237\230\201.txt' "a.b"
cp s.img before.img
expect 2 ukpu repair --image s.img --yes
says "--save-other-files"
untouched
expect 0 ukpu repair --image s.img --yes --save-other-files saved
says "5 other files saved"
[ "$(cat saved/*.txt saved/a.b | tr -d '\n' | sed 's/no/\n&/g' | sort | tr -d '\n')" = \
	no00no01no02no03no04 ] ||
	{ ls saved; fail "not what was on the stick"; }
[ "$(cat saved/$'\360\237\230\200.txt')" = no02 ] || fail "the name is another"

# Where a path is too long to be shown, it says that there is more, and loses nothing unasked.
stick
path=
for i in 1 2 3 4 5 6; do
	path=$path/$(printf "$i%.0s" {1..190})
	mmd -i s.img@@1M "::$path"
done
mcopy -i s.img@@1M setup.bin "::$path/other.txt"
cp s.img before.img
expect 2 ukpu repair --image s.img --yes
says "more, which cannot be listed"
untouched
expect 2 ukpu repair --image s.img --yes --save-other-files saved2
says "more than can be saved"
untouched
expect 0 ukpu repair --image s.img --yes --discard-other-files

# Nor is what a broken chain of a folder hides.
stick
mmd -i s.img@@1M ::D
for i in {1..40}; do
	printf 'FILE%s' "$i" >f
	mcopy -i s.img@@1M f "::D/F$i"
done
python3 - <<'PY'
import struct, volume
with open("s.img", "r+b") as f:
    *fats, root = volume.places(f)
    f.seek(root)
    entries = f.read(512)
    cluster = next(struct.unpack_from("<H", entries, i + 26)[0] for i in range(0, 512, 32)
                   if entries[i:i + 11] == b"D          ")
    for fat in fats:
        f.seek(fat + 2 * cluster)
        f.write(b"\0\0")
PY
cp s.img before.img
expect 2 ukpu repair --image s.img --yes --save-other-files saved3
says "more, which cannot be listed"
untouched

# The same name in two partitions.
rm -f s.img
truncate -s 60M s.img
printf 'label: dos\nstart=2048, size=40960, type=6\nstart=43008, size=40960, type=6\n' |
	sfdisk -q s.img
for start in 2048 43008; do
	mkfs.fat -F 16 -s 2 -R 1 -h $start --offset=$start s.img 20480 >/dev/null 2>&1
	echo "$start" >note
	mcopy -i s.img@@$((start * 512)) setup.bin note ::
done
expect 0 ukpu repair --image s.img --yes --save-other-files saved4
[ "$(cat saved4/NOTE saved4/NOTE~* | tr '\n' ' ')" = "2048 43008 " ] ||
	{ ls saved4; fail "one of two is lost"; }

# What is on the stick already is not overwritten, and the stick neither. Verify says how to go on.
stick
mcopy -i s.img@@1M note ::
cp s.img before.img
expect 1 ukpu verify --image s.img
says "fat-only .*fix: ukpu repair --image s.img --save-other-files"
says "root-only .*fix: ukpu repair --image s.img --save-other-files"
expect 2 ukpu repair --image s.img --yes --save-other-files saved4
says "name a folder that is empty"
untouched

# A partition, or a whole stick, of another system: it cannot be listed, and is not lost unasked.
mkdir folder
cp setup.bin keys.csv folder
stick
truncate -s 80M s.img
printf 'start=81920, size=80000, type=83\n' | sfdisk -q --append s.img
mkfs.ext4 -q -d folder -E offset=$((81920 * 512)) s.img 39M
cp s.img before.img
for verb in repair "retire --overwrite-unused"; do
	# shellcheck disable=SC2086 # two words
	expect 2 ukpu $verb --image s.img --yes
	says "partition 2 (ext4)"
	untouched
done
expect 2 ukpu repair --image s.img --yes --save-other-files saved5
untouched
expect 0 ukpu repair --image s.img --yes --discard-other-files
rm -f s.img
truncate -s 40M s.img
mkfs.ext4 -q -d folder s.img
cp s.img before.img
expect 1 ukpu verify --image s.img
says "^FAIL  boot-volume .*ext4: firmware reads only FAT"
expect 2 ukpu repair --image s.img --yes
says "all of it (ext4)"
untouched
expect 0 ukpu repair --image s.img --yes --discard-other-files

# So may a partition whose file system is broken, but not an empty one.
stick
truncate -s 80M s.img
printf 'start=81920, size=80000, type=6\n' | sfdisk -q --append s.img
cp s.img empty.img
expect 0 ukpu repair --image empty.img --yes --second-stick
rm sticks.db
mkfs.fat -F 16 -s 2 -R 1 -h 81920 --offset=81920 s.img 40000 >/dev/null 2>&1
mcopy -i s.img@@40M keys.csv ::
dd if=/dev/zero of=s.img bs=512 seek=81920 count=1 conv=notrunc status=none
cp s.img before.img
expect 2 ukpu repair --image s.img --yes
says "cannot be listed: partition 2 (unknown data)"
says "holds other data, which would be lost"
untouched
expect 0 ukpu repair --image s.img --yes --discard-other-files
stick
mcopy -i s.img@@1M keys.csv ::
dd if=/dev/zero of=s.img bs=512 seek=2048 count=1 conv=notrunc status=none
cp s.img before.img
expect 2 ukpu repair --image s.img --yes
says "partition 1 (unknown data)"
untouched
expect 0 ukpu repair --image s.img --yes --discard-other-files

# refuses TEXT: repair --from and retire name what is on s.img, and do not touch it unasked.
refuses() {
	cp s.img before.img
	expect 2 ukpu repair --image s.img --yes --from setup.bin --second-stick
	says "cannot be listed: $1"
	says "let them go with --discard-other-files"
	expect 2 ukpu retire --image s.img --yes --whole --overwrite-unused
	says "cannot be listed: $1"
	untouched
	expect 0 ukpu repair --image s.img --yes --from setup.bin --second-stick --discard-other-files
	expect 0 ukpu verify --image s.img
	cp before.img s.img
	expect 0 ukpu retire --image s.img --yes --whole --overwrite-unused --discard-other-files
}
empty() { rm -f s.img; truncate -s 40M s.img; }

# A file system beside a signature that an older one left.
empty
mkfs.ext4 -q -d folder s.img
printf '\001CD001\001' | dd of=s.img bs=1 seek=32768 conv=notrunc status=none
printf '\377CD001\001' | dd of=s.img bs=1 seek=34816 conv=notrunc status=none
refuses 'all of it (several file systems)'

# Encrypted as a whole, also where an old FAT volume still shows at its usual place.
empty
openssl enc -aes-128-ctr -K 00 -iv 00 -in s.img -out random 2>/dev/null
cp random s.img
expect 0 ukpu prepare --image s.img setup.bin --dry-run --second-stick
says "^s.img .*now: unknown data"
refuses 'all of it (unknown data)'
stick
dd if=random of=s.img bs=64K count=1 conv=notrunc status=none
refuses 'all of it (unknown data)'
# Data that begins late is data, too; nothing at all is not.
empty
dd if=random of=s.img bs=1M seek=20 count=2 conv=notrunc status=none
refuses 'all of it (unknown data)'
empty
expect 0 ukpu prepare --image s.img setup.bin --dry-run --second-stick
says "^s.img .*now: nothing found"
expect 0 ukpu repair --image s.img --yes --from setup.bin --second-stick

# A table of a kind that is not read: Apple's.
empty
python3 - <<-'PY'
	import struct
	with open("s.img", "r+b") as f:
	    f.write(b"ER" + struct.pack(">HI", 512, 81920))
	    for n, (start, size, kind) in enumerate([(1, 63, b"Apple_partition_map"),
	                                            (2048, 60000, b"Apple_HFS")]):
	        f.seek(512 * (n + 1))
	        f.write(b"PM" + struct.pack(">HIII", 0, 2, start, size) + b"x".ljust(32, b"\0") +
	                kind.ljust(32, b"\0") + struct.pack(">IIII", 0, size, 0, 0))
PY
refuses 'all of it (a partition table of the kind mac)'

# An entry that begins where the table is, as on sticks made of an ISO image.
empty
printf 'label: dos\nstart=2048, size=2048, type=6\n' | sfdisk -q s.img
dd if=random of=s.img bs=32K seek=1 count=4 conv=notrunc status=none
printf '\000\000\000\000' | dd of=s.img bs=1 seek=454 conv=notrunc status=none
refuses 'partition 1 (unknown data)'

# An entry whose size is lost: nobody knows where it ends.
empty
printf 'label: dos\nstart=2048, size=77824, type=83\n' | sfdisk -q s.img
dd if=random of=s.img bs=1M seek=1 count=30 conv=notrunc status=none
printf '\000\000\000\000' | dd of=s.img bs=1 seek=458 conv=notrunc status=none
refuses 'partition 1 (unknown data)'

# Data in no partition: a partition that was deleted by mistake, behind one that others made.
empty
printf 'label: dos\nstart=2048, size=36864, type=6\n' | sfdisk -q s.img
mkfs.fat -F 16 -s 2 -h 2048 --offset=2048 s.img 18432 >/dev/null 2>&1
# What a boot loader has behind the table is not a reason to ask.
dd if=random of=s.img bs=512 seek=1 count=60 conv=notrunc status=none
cp s.img bootable.img
expect 0 ukpu prepare --image s.img setup.bin --dry-run --second-stick
says "^s.img .*now: MBR; 1: vfat 18.0 MiB$"
expect 0 ukpu repair --image bootable.img --yes --from setup.bin --second-stick
dd if=random of=s.img bs=1M seek=25 count=10 conv=notrunc status=none
expect 0 ukpu prepare --image s.img setup.bin --dry-run --second-stick
says "^s.img .*now: MBR; 1: vfat 18.0 MiB; unknown data in no partition$"
refuses 'unknown data in no partition'
# What is behind a volume that ukpu made was given up then, whatever happened to its table.
expect 0 ukpu prepare --image s.img setup.bin --yes --second-stick --overwrite-unused
truncate -s 80M s.img
dd if=random of=s.img bs=1M seek=66 count=12 conv=notrunc status=none
expect 0 ukpu prepare --image s.img setup.bin --yes --second-stick --overwrite-unused
expect 0 ukpu prepare --image s.img setup.bin --dry-run --second-stick --overwrite-unused
says "^s.img .*now: MBR; 1: vfat 63.0 MiB$"
for spoil in 'bs=1 count=1' 'bs=512 count=1'; do
	# shellcheck disable=SC2086 # words
	dd if=/dev/zero of=s.img $spoil conv=notrunc status=none
	expect 0 ukpu repair --image s.img --yes --second-stick
done
expect 0 ukpu retire --image s.img --yes --whole --overwrite-unused
# A superfloppy that is smaller than the stick.
empty
mkfs.fat -F 16 -s 2 s.img 20480 >/dev/null 2>&1
expect 0 ukpu prepare --image s.img setup.bin --dry-run --second-stick
says "^s.img .*now: vfat$"
dd if=random of=s.img bs=1M seek=25 count=10 conv=notrunc status=none
expect 0 ukpu prepare --image s.img setup.bin --dry-run --second-stick
says "^s.img .*now: vfat; unknown data behind it$"
refuses 'unknown data in no partition'

# More partitions than are looked at: a chain of 70 logical drives.
empty
printf 'label: dos\nstart=2048, size=79872, type=5\n' | sfdisk -q s.img
python3 - <<-'PY'
	import struct
	with open("s.img", "r+b") as f:
	    for n in range(70):
	        f.seek((2048 + n * 64) * 512 + 446)
	        f.write(struct.pack("<B3sB3sII", 0, b"", 6, b"", 1, 63))
	        if n < 69:
	            f.write(struct.pack("<B3sB3sII", 0, b"", 5, b"", (n + 1) * 64, 64))
	        f.seek((2048 + n * 64) * 512 + 510)
	        f.write(b"\x55\xaa")
PY
refuses 'more partitions than can be read'

# A setup.bin with one bad record has good ones still: they are neither overwritten nor wiped unasked.
cp setup.bin bad.bin
printf '\011' | dd of=bad.bin bs=1 seek=528 conv=notrunc status=none
rm -f s.img
expect 1 ukpu prepare --image s.img --size 32M --force-contents --second-stick --yes bad.bin
cp s.img before.img
expect 2 ukpu prepare --image s.img --second-stick --yes setup.bin
says "unused records"
expect 2 ukpu retire --image s.img --yes
untouched
rm -f ukpu/backup-*
expect 0 ukpu retire --image s.img --yes --overwrite-unused
cmp bad.bin ukpu/backup-s.img-*.bin || fail "no copy was kept"

# Keys that went onto another stick do not come back with a file that was deleted here, unasked.
rm -f sticks.db ./*.img
expect 0 ukpu prepare --image s.img --size 32M --yes setup.bin
printf '\203' | dd of=s.img bs=1 seek=450 conv=notrunc status=none
cp s.img before.img
expect 0 ukpu prepare --image t.img --size 32M --yes --second-stick setup.bin
for dry in "" --dry-run; do
	expect 2 ukpu repair --image s.img --yes $dry
	says "7 of these keys .* went onto the stick .*/t.img"
	untouched
done
expect 0 ukpu retire --image t.img --yes --overwrite-unused
expect 0 ukpu repair --image s.img --yes

# Names that are no UTF-8, or no longer when they are cut, do not tear holes into JSON.
stick
named "a$long"
cp s.img $'bad\377.img'
expect 1 ukpu verify --image $'bad\377.img' --json
jq -e '(.rules | length) >= 48 and
	any(.rules[]; .rule == "root-only" and .verdict == "fail" and (.fix | test("^ukpu repair"))) and
	all(.rules[]; has("mend") | not)' out \
	>/dev/null ||
	{ cat out; fail "a rule is missing"; }

# A label is what a stranger says: it does not reach the terminal as a command.
stick
python3 - <<'PY'
import volume
with open("s.img", "r+b") as f:
    f.seek(volume.places(f)[2] + 32)
    f.write(b"\xc2\x9b2J\x1b[\xff\xc3\xa4  \x08" + bytes(20))
PY
expect 0 ukpu prepare --image s.img setup.bin --dry-run --overwrite-unused --second-stick
says '"??2J?\[?'$'\303\244'
