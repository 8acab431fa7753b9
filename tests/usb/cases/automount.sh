# Something tries to mount the stick all the time; ukpu holds it alone, or does not begin.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sda
try 0 ukpu prepare /dev/sda /five.bin $YES
await sda
cat >/tmp/automount <<'END'
#!/bin/sh
while [ ! -e /tmp/stop ]; do
	if mount -t vfat -o ro /dev/sda1 /mnt2 2>/dev/null || mount -t vfat -o ro /dev/sda /mnt2 2>/dev/null; then
		echo mounted >>/tmp/mounts
		umount /mnt2
		sleep 0.1
	else
		echo refused >>/tmp/refusals
	fi
done
END
sh /tmp/automount &
good=0 refused=0 n=0
# Who comes first is chance: go on until either side has had to stand back.
while [ $n -lt 12 ] || { [ $n -lt 80 ] && { [ $good -lt 3 ] || [ ! -s /tmp/refusals ] || [ ! -s /tmp/mounts ]; }; }; do
	n=$((n + 1))
	timeout 60 ukpu prepare /dev/sda /five.bin $YES --overwrite-unused --second-stick >/out 2>&1
	case $? in
	0) good=$((good + 1)) ;;
	2) grep -q "in use\|mounted at\|locked" /out || { echo "BAD: refused for another reason"; cat /out; }
	   refused=$((refused + 1)) ;;
	*) echo "BAD: status"; cat /out ;;
	esac
done
touch /tmp/stop
wait
touch /tmp/mounts /tmp/refusals
echo "note: $good written, $refused refused; $(wc -l </tmp/mounts) mounts, $(wc -l </tmp/refusals) refused"
[ -s /tmp/mounts ] && [ -s /tmp/refusals ] && echo "ok: there was a race" ||
	echo "BAD: there was no race"
[ $good -ge 3 ] && [ $((good + refused)) = $n ] && echo "ok: $n times" ||
	echo "BAD: not written, or ended badly"
try 0 ukpu prepare /dev/sda /five.bin $YES --overwrite-unused --second-stick
try 0 ukpu verify --strict /dev/sda
