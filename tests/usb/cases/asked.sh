# The question on the terminal: what it shows, and that only the whole word counts.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sda
ask() {
	echo "HOST: $1"
	timeout 60 ukpu prepare /dev/sda /five.bin --second-stick </dev/ttyS0 >/out 2>/dev/ttyS0
	echo $? >/status
}
ask y
[ "$(cat /status)" = 2 ] && echo "ok: y is not yes" || echo "BAD: y was taken for yes"
try 1 ukpu verify /dev/sda
ask yes
[ "$(cat /status)" = 0 ] && echo "ok: yes" || echo "BAD: yes was not taken"
try 0 ukpu verify /dev/sda
