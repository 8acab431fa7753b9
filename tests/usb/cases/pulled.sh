# Pulled in mid-write, early and late; put back; it is never half a key, and it can be rebuilt.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
LIMIT=40
await sda
for at in 1000 600000 1500000 2150000 2250000; do
	d=$(stick)
	echo "HOST: pull-at-$at"
	try 2 ukpu prepare /dev/$d /five.bin $YES --overwrite-unused --second-stick
	said "was removed"
	gone $d
	host plug
	d=$(stick)
	await $d
	try 1 ukpu verify /dev/$d
	unsaid "pass  contents-check"
done
# A sound stick, spoiled, and pulled while it is repaired.
d=$(stick)
host fast
try 0 ukpu prepare /dev/$d /five.bin $YES --overwrite-unused --second-stick
printf '\203' | dd of=/dev/$d bs=1 seek=450 conv=notrunc 2>/dev/null
sync
try 1 ukpu verify /dev/$d
rm -f /state/ukpu/backup-*
host slow
# (the ends are zero by now: there is less to write)
echo "HOST: pull-at-100000"
try 2 ukpu repair /dev/$d $YES
said "was removed"
gone $d
host plug
d=$(stick)
await $d
host fast
same "$(ls /state/ukpu/backup-*.bin)" /five.bin
try 1 ukpu verify /dev/$d
try 0 ukpu repair /dev/$d $YES --discard-other-files --from "$(ls /state/ukpu/backup-*.bin)"
try 0 ukpu verify --strict /dev/$d
await $d
mount -t vfat -o ro /dev/${d}1 /mnt && same /mnt/SETUP.BIN /five.bin
umount /mnt
