# A stick's whole life: listed, prepared, verified, served, spoiled, repaired, retired.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sda
try 0 ukpu list
said /dev/sda
said AMT0001
said "QEMU"
said " fit"
try 0 ukpu list --json
said '"usb": true'
said '"serial": "AMT0001"'

# Not without saying which stick is meant.
try 2 ukpu prepare /dev/sda /five.bin --yes
said "serial"
try 2 ukpu prepare /dev/sda /five.bin --yes --serial OTHER
said "AMT0001"
try 2 ukpu prepare /dev/sda /five.bin
said "not a terminal"
try 2 ukpu prepare --image /dev/sda /five.bin --yes
said "leave --image out"
try 0 ukpu prepare /dev/sda /five.bin --dry-run
cmp -n 65536 /dev/sda /dev/zero && echo "ok: the stick is as it was" ||
	echo "BAD: something was written"

try 0 ukpu prepare /dev/sda /five.bin $YES
said "5 records, 5 left"
said "Pull the stick now"
try 0 ukpu verify --strict /dev/sda
said "a USB device"
try 0 ukpu status /dev/sda

# The kernel has the new table, and its own driver reads the same bytes.
await sda
[ -e /dev/sda1 ] && echo "ok: sda1" || echo "BAD: the kernel does not know the partition"
mount -t vfat -o ro /dev/sda1 /mnt && same /mnt/SETUP.BIN /five.bin
[ "$(ls -A /mnt)" = SETUP.BIN ] && echo "ok: alone" || echo "BAD: not alone: $(ls -A /mnt)"
try 0 ukpu verify /dev/sda
said "warn  device-mounted"
umount /mnt

# A partition is not a stick.
try 2 ukpu verify /dev/sda1
said "whole stick"
# What is unused is not overwritten.
try 2 ukpu prepare /dev/sda /three.bin $YES
said "5 unused records"
try 0 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused
ls /state/ukpu/backup-AMT0001-*.bin >/dev/null 2>&1 && echo "ok: a copy" || echo "BAD: no copy"
same "$(ls /state/ukpu/backup-AMT0001-*.bin)" /five.bin

# Somebody's system leaves its droppings: files, a long name, deleted ones.
mount -t vfat /dev/sda1 /mnt
mkdir "/mnt/System Volume Information"
echo hello >"/mnt/System Volume Information/IndexerVolumeGuid"
cp /mnt/SETUP.BIN /tmp/x; rm /mnt/SETUP.BIN; cp /tmp/x /mnt/setup.bin
umount /mnt
try 1 ukpu verify /dev/sda
said "FAIL  root-"
try 2 ukpu repair /dev/sda $YES
said "other file: /System Volume Information/IndexerVolumeGuid"
try 0 ukpu repair /dev/sda $YES --save-other-files /tmp/saved
same "/tmp/saved/System Volume Information/IndexerVolumeGuid" /dev/stdin <<-'END'
	hello
END
try 0 ukpu verify --strict /dev/sda
try 0 ukpu status /dev/sda
said "^left  *3$"

try 2 ukpu retire /dev/sda $YES
said "3 unused records"
try 0 ukpu retire /dev/sda $YES --overwrite-unused
said "the stick is empty"
try 1 ukpu verify /dev/sda
said "SETUP.BIN is missing"
await sda
mount -t vfat /dev/sda1 /mnt && [ -z "$(ls -A /mnt)" ] && echo "ok: empty" || echo "BAD: not empty"
umount /mnt
for l in fat32 superfloppy; do
	try 0 ukpu prepare /dev/sda /three.bin $YES --layout $l --overwrite-unused
	try 0 ukpu verify --strict /dev/sda
done
mount -t vfat -o ro /dev/sda /mnt && same /mnt/SETUP.BIN /three.bin
umount /mnt
