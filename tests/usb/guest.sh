# What every guest script begins with: commands are run with a limit, judged, and reported to the host.
# shellcheck shell=sh
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root XDG_STATE_HOME=/state
dmesg -n 1
mkdir -p /root /state /mnt /mnt2 /var/lib
LIMIT=${LIMIT:-90}

# try STATUS COMMAND...: must end with that status within the limit; what it prints is in /out.
try() {
	want=$1
	shift
	timeout "$LIMIT" "$@" >/out 2>&1 </dev/null
	got=$?
	if [ $got = "$want" ]; then
		echo "ok: $*"
	else
		echo "BAD: status $got instead of $want: $*"
		sed 's/^/  | /' /out
	fi
}

# said WORDS: the last command printed them. unsaid: it did not.
said() {
	grep -q -- "$1" /out && echo "ok: said \"$1\"" && return
	echo "BAD: nothing said of \"$1\""
	sed 's/^/  | /' /out
}
unsaid() {
	grep -q -- "$1" /out || { echo "ok: not said \"$1\""; return; }
	echo "BAD: said \"$1\""
}

# same A B: the files are the same.
same() {
	if cmp -s "$1" "$2"; then echo "ok: $1 is $2"; else echo "BAD: $1 is not $2"; fi
}

# host WORD: ask the host to do something, and go on when it has.
host() {
	echo "HOST: $1"
	read -r _ </dev/ttyS0
}

# await DEVICE, and gone DEVICE: at most 10 seconds.
await() {
	n=0
	while [ ! -e "/sys/block/$1/size" ] || [ "$(cat "/sys/block/$1/size")" = 0 ]; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "BAD: $1 does not come"; return; }
		sleep 0.1
	done
	sleep 0.3
}
gone() {
	n=0
	while [ -e "/sys/block/$1" ]; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "BAD: $1 does not go"; return; }
		sleep 0.1
	done
}

# The stick's name, as soon as there is one: put in again, it may have become sdb.
stick() {
	n=0
	while ! ls -d /sys/block/sd* >/dev/null 2>&1 && [ $n -lt 100 ]; do
		n=$((n + 1))
		sleep 0.1
	done
	# shellcheck disable=SC2012
	basename "$(ls -d /sys/block/sd* | tail -n 1)"
}
# The kernel names disks as they turn up: by unit number, and by serial number.
unit() {
	for u in /sys/block/sd*; do
		case $(basename "$(readlink -f "$u/device")") in *:"$1") basename "$u" ;; esac
	done
}
of_serial() {
	for u in /sys/block/sd*; do
		[ "$(cat "$u/device/../../../../serial")" != "$1" ] || basename "$u"
	done
}

# shellcheck disable=SC2034
YES="--yes --serial AMT0001"
