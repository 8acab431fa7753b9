#!/bin/bash
# What root does to the service's map leaves it the service's: import, rotation, restore.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
[ "$(id -u)" = 0 ] || { echo "not run by root"; exit 77; }
need setpriv
service() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
# The folders of build and test may be closed to others; the program itself and its map may not.
work=$(mktemp -d /tmp/kit-owner-XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$BIN/amt-provisionctl" "$work/ctl"
mkdir "$work/state"
chown nobody:nogroup "$work/state"
chmod 700 "$work/state"
ctl="$work/ctl" map="$work/state/map.db"
owned() {
	for f in "$map"*; do
		case $f in *before-restore*) continue ;; esac
		[ "$(stat -c %U:%a "$f")" = nobody:600 ] || fail "$1: $f is $(stat -c %U:%a "$f")"
	done
	service "$ctl" keys show -m "$map" 0000-037M >/dev/null || fail "$1: the service cannot read"
	service "$ctl" config set -m "$map" max_setups 7 -q || fail "$1: the service cannot write"
}
umask 077
printf 'pid,pps\n0000-037M,NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ\n' >one.csv
"$ctl" keys import -q -m "$map" one.csv
owned "after the first import"
"$ctl" keys rotate-master -q -m "$map"
owned "after a rotation"
"$ctl" backup -q -m "$map" saved.db
[ "$(stat -c %U:%a saved.db saved.db.key | sort -u)" = root:600 ] ||
	fail "the backup is not root's own"
"$ctl" restore -q -y -m "$map" saved.db
owned "after a restore"
rm "$map" "$map.key"
"$ctl" restore -q -y -m "$map" saved.db
owned "after a restore where no map was"
# While somebody else has it open, its -wal and -shm are there: the service's, too.
"$ctl" log -m "$map" --follow >/dev/null &
follower=$!
wait_for 30 test -e "$map-wal" || fail "the log does not open the map"
"$ctl" config set -q -m "$map" max_setups 8
owned "with the map open by root"
kill $follower
echo ok
