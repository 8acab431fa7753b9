#!/bin/bash
# ukpu on targets that are not sticks, are named twice, are full, read-only or of the wrong kind.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"

amt-keygen generate -n 7 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null
prepare() { expect "$1" ukpu prepare --yes --second-stick "${@:2}" setup.bin; }

# Neither a pipe, a folder nor a character device is an image.
mkfifo fifo
mkdir folder
for verb in verify status "repair --yes" "retire --yes"; do
	for target in fifo folder /dev/null; do
		# shellcheck disable=SC2086 # two words
		expect 2 ukpu $verb --image $target
	done
done
expect 2 ukpu verify --image fifo
says "not an ordinary file"
prepare 2 --size 32M --image fifo
: >empty
expect 2 ukpu verify --image empty
says "empty is not an image of a stick: it has 0 bytes"
head -c 4096 /dev/zero >small
expect 2 ukpu repair --image small --yes
says "name an image of 17 MiB or more$"
prepare 2 --image small
says "make one with --size"
expect 2 ukpu status --image none
grep -q "ukpu verify" out && fail "verify cannot say more of what is not there"

# A link that leads nowhere is not followed to make something there.
ln -s nowhere dangling
prepare 2 --size 32M --image dangling
[ -L dangling ] || fail "the link is gone"
[ ! -e nowhere ] || fail "something was made at its end"

# A plan changes nothing, not even an empty file.
prepare 0 --size 32M --dry-run --image empty
[ ! -s empty ] || fail "the dry run made the image larger"
prepare 0 --size 32M --image empty
prepare 2 --size 64M --dry-run --image empty
says "exists already"

# Every stick once, and never the file itself.
prepare 2 --deal --size 32M --image one.img ./one.img
says "./one.img is the same stick as one.img"
[ ! -e one.img ] || fail "an image was left behind"
prepare 2 --deal --size 32M --dry-run --image one.img ./one.img
says "./one.img is the same stick as one.img"
prepare 0 --deal --size 32M --dry-run --image one.img two.img
amt-keygen generate -n 36000 -q --random-passwords -o many.csv --setupbin big.bin 2>/dev/null
ln big.bin same.bin
expect 2 ukpu prepare --yes --image big.bin same.bin
says "overwritten with itself"
prepare 2 --size 32M --serial 123 --image one.img
says "no serial number"
prepare 2 --size 32M /dev/null
says "--image"

# An image that a loop device stands on may be mounted: it is read, but not written.
prepare 0 --size 32M --image loop.img
if loop=$(losetup -f --show loop.img 2>/dev/null); then
	trap 'losetup -d "$loop"' EXIT
	cp loop.img before.img
	ln loop.img link.img
	for image in loop.img link.img; do
		prepare 2 --overwrite-unused --image "$image"
		says "$image is in use: the loop device $loop is made of it"
		says "losetup -d $loop"
		expect 2 ukpu retire --image "$image" --yes --overwrite-unused
		expect 2 ukpu repair --image "$image" --yes --dry-run
		expect 0 ukpu verify --image "$image"
	done
	cmp loop.img before.img || fail "it was written"
	losetup -d "$loop"
	trap - EXIT
else
	echo "no loop devices here: that images behind them are refused was not tried" >&2
fi

rm -f sticks.db ./*.img

# A limit on file sizes is an error like a full disk, and not the stick's fault.
prepare 0 --size 32M --image full.img
printf '\203' | dd of=full.img bs=1 seek=450 conv=notrunc status=none
(ulimit -f 256 && expect 2 ukpu repair --yes --image full.img) || exit 1
says "writing failed at byte [0-9]*: File too large"
says "free space"
expect 0 ukpu repair --yes --second-stick --image full.img --from "$(ls ukpu/backup-full.img-*)"
(ulimit -f 256 && prepare 2 --size 32M --image new.img) || exit 1
says "File too large"
[ ! -e new.img ] || fail "an image was left behind"

# After a write that failed the old keys may still be on the stick: they are asked for, too.
amt-keygen generate -n 3 -q --random-passwords -o keys3.csv --setupbin three.bin 2>/dev/null
rm -f sticks.db ./*.img
expect 0 ukpu prepare --yes --image a.img --size 32M setup.bin
(ulimit -f 256 && expect 2 ukpu prepare --yes --image a.img --overwrite-unused three.bin) || exit 1
says "File too large"
expect 2 ukpu prepare --yes --image b.img --size 32M setup.bin
says "7 of these keys"
expect 2 ukpu prepare --yes --image b.img --size 32M three.bin
says "3 of these keys"
expect 0 ukpu prepare --yes --image a.img --overwrite-unused three.bin
expect 0 ukpu prepare --yes --image b.img --size 32M setup.bin

# What a stick did not get, when sticks of a split fail, is reported.
rm -f sticks.db ./*.img
truncate -s 32M 1.img 2.img
(ulimit -f 256 && expect 2 ukpu prepare --yes --deal --image 1.img 2.img three.bin) || exit 1
[ "$(sed -n 's/.*PIDs that were meant for it: //p' out | wc -w)" = 3 ] ||
	{ cat out; fail "which PIDs?"; }

# No machine would get anything from a file that is used up.
cp setup.bin used.bin
printf '\007' | dd of=used.bin bs=1 seek=32 conv=notrunc status=none
for i in 1 2 3 4 5 6 7; do
	printf '\000' | dd of=used.bin bs=1 seek=$((512 * i + 4)) conv=notrunc status=none
done
expect 2 ukpu prepare --yes --image used.img --size 32M used.bin
says "no record left"
[ ! -e used.img ] || fail "an image was left behind"
expect 1 ukpu prepare --yes --force-contents --image used.img --size 32M used.bin

# The copy that makes a repair safe goes neither to a terminal nor over the stick itself.
rm -f sticks.db
expect 0 ukpu prepare --yes --image own.img --size 32M setup.bin
printf '\203' | dd of=own.img bs=1 seek=450 conv=notrunc status=none
expect 2 ukpu repair --yes --image own.img --backup -
says "not to standard output"
ln own.img own.bin
expect 2 ukpu repair --yes --image own.img --backup own.bin --force
says "its own backup"
expect 2 ukpu repair --yes --image own.img --backup other.bin --from setup.bin
expect 0 ukpu repair --yes --image own.img --backup other.bin
cmp other.bin setup.bin || fail "not what was on it"

# A backup that is not there is no answer.
expect 2 ukpu repair --yes --image used.img --from nothing.bin
says "nothing.bin"

# What is not consumed cannot be dealt out.
cp setup.bin same.bin
python3 -c '
f = open("same.bin", "r+b")
f.seek(26)
f.write(b"\1")
f.seek(28)
f.write(b"\1")
f.truncate(1024)'
expect 2 ukpu prepare --yes --deal --image 8.img 9.img --size 32M same.bin
says "without --deal"

# Repair has nothing to do, but firmware's no stays a no.
expect 1 ukpu repair --yes --image used.img
says "nothing to repair"
says "firmware would refuse it"

# Two who take the same file at the same moment: one of them gets its keys.
for _ in {1..20}; do
	rm -f sticks.db ./*.img
	first=0 second=0
	ukpu prepare --yes --image a.img --size 17M three.bin >/dev/null 2>&1 &
	ukpu prepare --yes --image b.img --size 17M three.bin >/dev/null 2>&1 || second=$?
	wait $! || first=$?
	case $first$second in
	02 | 20) ;;
	*) fail "status $first and $second: both got the keys, or neither" ;;
	esac
done

# A date for reproducible sticks is a number of seconds, or nothing is written.
rm -f sticks.db ./*.img
got=0; SOURCE_DATE_EPOCH=abc ukpu prepare --yes --image a.img --size 17M three.bin 2>err || got=$?
[ $got = 2 ] || fail "SOURCE_DATE_EPOCH=abc: status $got"
grep -q 'SOURCE_DATE_EPOCH is not a number of seconds' err || fail "$(cat err)"
