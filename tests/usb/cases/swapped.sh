# While the question is on the screen somebody swaps the stick for another.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sda
before=$(head -c 4000000 /dev/sda | md5sum)
echo "HOST: swap-and-yes"
timeout 60 ukpu prepare /dev/sda /five.bin </dev/ttyS0 >/out 2>&1
status=$?
[ $status = 2 ] && echo "ok: refused" || echo "BAD: status $status"
said "was removed"
await "$(stick)"
[ "$(cat /sys/block/"$(stick)"/device/../../../../serial)" = AMT0002 ] && echo "ok: another stick" ||
	echo "BAD: not the other stick"
[ "$(head -c 4000000 /dev/"$(stick)" | md5sum)" = "$before" ] && echo "ok: it is untouched" ||
	echo "BAD: the other stick was written to"
