# Two sticks with one serial number, plugged in together, and a third with another one.
# shellcheck shell=sh disable=SC2015,SC2034,SC2046,SC2086,SC2154,SC2217
await sdc
other=$(of_serial AMT0001)
set -- $(of_serial 123456789ABC)
[ $# = 2 ] && echo "ok: two have it" || echo "BAD: $# have the serial number"
a=$1 b=$2
try 0 ukpu list
said "123456789ABC (USB port "
said "AMT0001 "
# --serial does not say which of them is meant.
try 2 ukpu prepare /dev/$a /five.bin --yes --serial 123456789ABC
said "2 drives have the serial number"
# answer DEVICE: "yes" to every question of prepare.
answer() {
	echo "HOST: yes"
	timeout 60 ukpu prepare "$@" </dev/ttyS0 >/out 2>/dev/ttyS0
	echo "$?" >/status
}
answer /dev/$a /five.bin
[ "$(cat /status)" = 0 ] && echo "ok: the first is written" || echo "BAD: not written"
# The same keys onto the second: refused, although its serial number is the same.
try 2 ukpu prepare /dev/$b /five.bin --dry-run
said "5 of these keys"
said "a stick of the same maker, model, serial number and size"
# Other keys onto the second; the first is not forgotten.
answer /dev/$b /three.bin
[ "$(cat /status)" = 0 ] && echo "ok: the second is written" || echo "BAD: not written"
try 2 ukpu prepare /dev/$other /five.bin --yes --serial AMT0001
said "5 of these keys"
try 2 ukpu prepare /dev/$other /three.bin --yes --serial AMT0001
said "3 of these keys"
# Each is known again.
try 0 ukpu prepare /dev/$a /five.bin --dry-run --overwrite-unused
try 0 ukpu prepare /dev/$b /three.bin --dry-run --overwrite-unused
try 2 ukpu prepare /dev/$b /five.bin --dry-run --overwrite-unused
said "5 of these keys"
[ "$(stat -c %a /var/lib/ukpu 2>/dev/null)" = 2770 ] && echo "ok: the folder is the group's" ||
	echo "BAD: the folder has another mode"
