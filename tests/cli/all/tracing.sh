#!/bin/bash
# No program lets others of its own user trace it or read its memory: what the system has of it
# belongs to root.
set -eu
fail() { echo "FAIL: $*"; exit 1; }
as=()
if [ "$(id -u)" = 0 ]; then
	# Root may trace everything: somebody else runs them, in a folder that they can enter.
	mkdir open
	cp "$BIN"/{amt-keygen,amt-setupbin,ukpu,amt-provisiond,amt-provisionctl} open
	chmod -R a+rX . && chmod 777 open
	as=(setpriv --reuid 65534 --regid 65534 --clear-groups) BIN=$PWD/open
fi
mkdir -p open
cd open
printf '[server]\nmap = map.db\nlisten = 127.0.0.1:0\n' >conf
mkfifo silence
chmod a+r conf && chmod a+rw silence
exec 9<>silence		# nothing ever comes, so that they wait

# owner PROGRAM WORD...: whose /proc/PID/environ of the running program is
PID=
trap '[ -z "$PID" ] || kill -9 "$PID" 2>/dev/null' EXIT
owner() {
	local name=${1##*/} running i
	"${as[@]}" "$@" <silence >/dev/null 2>&1 9>&- &
	PID=$!
	for ((i = 0; i < 200; i++)); do
		# The name first: what has not changed its program yet belongs to root, too.
		running=$(cat /proc/$PID/comm) || fail "$* has ended"
		OWNER=$(stat -c %u /proc/$PID/environ) || fail "$* has ended"
		if [ "$running" = "${name:0:15}" ] && [ "$OWNER" = "$WANT" ]; then break; fi
		sleep 0.05
	done
	kill -9 $PID
	wait $PID 2>/dev/null || true
	PID=
	[ "$running" = "${name:0:15}" ] || fail "$* does not run"
	[ "$OWNER" = "$WANT" ] || fail "$*: it belongs to user $OWNER, not $WANT"
}
WANT=$(if [ ${#as[@]} = 0 ]; then id -u; else echo 65534; fi)
owner cat
WANT=0
owner "$BIN/amt-keygen" check -
owner "$BIN/amt-setupbin" check -
owner "$BIN/ukpu" prepare --image stick.img --size 64M - --yes
owner "$BIN/amt-provisionctl" keys import --map new.db -
owner "$BIN/amt-provisiond" -c conf
echo ok
