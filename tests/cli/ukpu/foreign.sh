#!/bin/bash
# Sticks that other people's tools made: their setup.bin is found, read and rebuilt the kit's way.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"
need sfdisk mkfs.fat mcopy mmd mdel
export MTOOLS_SKIP_CHECK=1
amt-keygen generate -n 20 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null

# check NAME [LAYOUT]: verify says no, repair brings the same bytes back, and verify says yes.
check() {
	local name=$1 layout=${2:-fat16} at=@@1M
	[ "$layout" = superfloppy ] && at=
	ukpu verify --image s.img >out 2>&1 && { cat out; fail "$name: firmware would not take this"; }
	ukpu repair --image s.img --yes --discard-other-files >out 2>&1 ||
		{ cat out; fail "$name: no repair"; }
	ukpu verify --image --strict s.img >out 2>&1 || { cat out; fail "$name: still not good"; }
	ukpu verify --image --json s.img >out
	grep -q "\"layout\": \"$layout\"" out || fail "$name: not $layout"
	rm -f back.bin
	mcopy -n -i s.img$at ::SETUP.BIN back.bin
	cmp back.bin setup.bin || fail "$name: other bytes"
	echo "$name: good"
	rm -f s.img
}

# volume SIZE OFFSET-IN-MIB MKFS-OPTIONS...
volume() {
	local size=$1 at=$2
	shift 2
	mkfs.fat "$@" --offset=$((at * 2048)) s.img "$size" >/dev/null 2>&1
}

# GPT with FAT32, the file under a long name.
truncate -s 80M s.img
printf 'label: gpt\nstart=2048, size=155648, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n' |
	sfdisk -q s.img
volume 77824 1 -F 32 -s 1
mcopy -i s.img@@1M setup.bin "::my amt setup.bin"
check "GPT, FAT32, long name"

# An old table with a logical drive, FAT12, in a sub-folder.
truncate -s 40M s.img
printf 'label: dos\nstart=2048, size=4096, type=83\nstart=8192, type=5\nstart=10240, size=16384, type=1\n' |
	sfdisk -q s.img
volume 8192 5 -F 12 -s 8
mmd -i s.img@@5M ::AMT ::AMT/OLD
mcopy -i s.img@@5M setup.bin ::AMT/OLD/keys.dat
check "logical drive, FAT12, sub-folder"

# No table, FAT16 as "mkfs.fat" makes it, beside other files, deleted and put back.
truncate -s 64M s.img
volume 65536 0 -F 16 -n MYSTICK
head -c 100000 /dev/urandom >junk
mcopy -i s.img junk ::JUNK.BIN
mcopy -i s.img setup.bin ::setup.bin
mdel -i s.img ::JUNK.BIN
check "superfloppy, label, deleted file" superfloppy

# FAT32 as the usual tools make it: only the boot code is missing, so it stays FAT32.
truncate -s 80M s.img
printf 'label: dos\nstart=2048, size=155648, type=c\n' | sfdisk -q s.img
volume 77824 1 -F 32 -s 1 -h 2048
mcopy -i s.img@@1M setup.bin ::keys.bin
check "MBR, FAT32, another name" fat32

# Fragmented by other files coming and going.
truncate -s 40M s.img
printf 'label: dos\nstart=2048, size=77824, type=6, bootable\n' | sfdisk -q s.img
volume 38912 1 -F 16 -s 2
for i in 1 2 3 4 5 6; do
	head -c 1500 /dev/urandom >f$i
	mcopy -i s.img@@1M f$i ::F$i
done
mdel -i s.img@@1M ::F1 ::F3 ::F5
mcopy -i s.img@@1M setup.bin ::SETUP.BIN
mdel -i s.img@@1M ::F2 ::F4 ::F6
check "fragmented, bootable"

# Clusters of 32 KiB, one FAT, sectors reserved, an unaligned start.
truncate -s 200M s.img
printf 'label: dos\nstart=63, size=400000, type=c\n' | sfdisk -q s.img
mkfs.fat -F 16 -s 64 -f 1 -R 8 --offset=63 s.img 200000 >/dev/null 2>&1
mcopy -i s.img@@32256 setup.bin ::S.BIN
check "one FAT, large clusters, sector 63"

# A quick format over a good stick: the bytes still stand.
ukpu prepare --image s.img --size 64M --second-stick setup.bin --yes --quiet
volume 63000 1 -F 16 -s 2 -R 1 -h 2048
check "formatted over"

# Used records stay used.
ukpu prepare --image s.img --size 64M --second-stick setup.bin --yes --quiet
printf '\003' | dd of=s.img bs=1 seek=$((2048 * 512 + (1 + 2 * 247 + 32) * 512 + 32)) \
	conv=notrunc status=none
for i in 1 2 3; do
	printf '\000' | dd of=s.img bs=1 seek=$((2048 * 512 + (1 + 2 * 247 + 32 + i) * 512 + 4)) \
		conv=notrunc status=none
done
ukpu status --image s.img >out
grep -q '^used  *3$' out || { cat out; fail "the place of the counter is another"; }
printf '\203' | dd of=s.img bs=1 seek=450 conv=notrunc status=none
ukpu repair --image s.img --yes --quiet
ukpu status --image s.img >out
grep -q '^next  *record 4' out || { cat out; fail "used records were lost"; }
