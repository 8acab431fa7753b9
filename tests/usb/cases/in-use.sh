# Mounted, used as swap, held by device mapper: refused, a mount is let go only on demand.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sda
try 0 ukpu prepare /dev/sda /five.bin $YES
await sda
mount -t vfat /dev/sda1 /mnt
try 0 ukpu list
said "no: mounted at /mnt"
sum=$(md5sum </dev/sda)
try 2 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused
said "mounted at /mnt"
said "--allow-mounted"
try 2 ukpu repair /dev/sda $YES --from /three.bin
try 2 ukpu retire /dev/sda $YES --overwrite-unused
# Even when allowed, nothing is taken out of use before somebody said which stick is meant.
try 2 ukpu prepare /dev/sda /three.bin --overwrite-unused --allow-mounted </dev/null
try 2 ukpu prepare /dev/sda /three.bin --yes --overwrite-unused --allow-mounted </dev/null
grep -q " /mnt " /proc/mounts && echo "ok: still mounted" || echo "BAD: unmounted"
[ "$sum" = "$(md5sum </dev/sda)" ] && echo "ok: untouched" || echo "BAD: written to"
# Busy with an open file it does not let go, and nothing is written.
sleep 60 </mnt/SETUP.BIN &
try 2 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused --allow-mounted
said "cannot unmount"
kill $!
wait
try 0 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused --allow-mounted
grep -q " /mnt " /proc/mounts && echo "BAD: still mounted" || echo "ok: unmounted"
try 0 ukpu verify --strict /dev/sda

# What the running system itself needs is not let go for --allow-mounted.
await sda
mkdir -p /home
mount -t vfat /dev/sda1 /home
try 2 ukpu prepare /dev/sda /five.bin $YES --overwrite-unused --second-stick --allow-mounted
said "running system uses it (/home)"
umount /home
mount -t vfat /dev/sda1 /mnt
cp /usr/bin/ukpu /mnt/ukpu
try 2 /mnt/ukpu prepare /dev/sda /five.bin $YES --overwrite-unused --second-stick --allow-mounted
said "running system uses it (this program)"
try 0 ukpu list
said "this program\|no: mounted"
umount /mnt
try 0 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused --second-stick

await sda
mkswap /dev/sda1 >/dev/null && swapon /dev/sda1
try 2 ukpu prepare /dev/sda /five.bin $YES --overwrite-unused
said "swap is on it"
said "swapoff /dev/sda1"
try 2 ukpu prepare /dev/sda /five.bin $YES --overwrite-unused --allow-swap
said "warning: --allow-swap"
grep -q sda /proc/swaps && echo "ok: swap is on" || echo "BAD: swap is off"
swapoff /dev/sda1
try 0 ukpu prepare /dev/sda /five.bin $YES --overwrite-unused

await sda
loadmod dm_mod
if command -v dmsetup >/dev/null && [ -e /sys/module/dm_mod ]; then
	mkdir -p /dev/mapper
	[ -e /dev/mapper/control ] || mknod /dev/mapper/control c 10 236
	dmsetup create --noudevsync held --table "0 2000 linear /dev/sda1 0"
	try 2 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused
	said "in use by dm-0"
	said "dmsetup remove /dev/dm-0"
	dmsetup remove held
	try 0 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused --second-stick
else
	echo "note: no device mapper here"
fi
# Another program has locked it.
await sda
flock /dev/sda sleep 20 &
sleep 1
try 2 ukpu prepare /dev/sda /three.bin $YES --overwrite-unused --second-stick
said "locked"
