#!/bin/bash
# No room at all beside the map: said so by every verb, nothing is lost, and it goes on afterwards.
set -eu
if [ -z "${INSIDE:-}" ]; then
	unshare -rm true 2>/dev/null || { echo "no name spaces for mounts here"; exit 77; }
	INSIDE=1 exec unshare -rm bash "$0"
fi
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
ctl() { local verb; read -ra verb <<<"$1"; shift; "$BIN/amt-provisionctl" "${verb[@]}" -m disk/map.db "$@"; }
umask 077
mkdir disk
mount -t tmpfs -o size=3m none disk 2>/dev/null || { echo "no tmpfs can be mounted here"; exit 77; }
"$BIN/amt-keygen" generate -n 500 -q --map disk/map.db --random-passwords -o keys.csv
status 0 ctl backup saved.db
dd if=/dev/zero of=disk/rest bs=1k 2>/dev/null || true
for verb in 'keys list' 'keys import' 'keys rotate-master' 'systems list' 'restore'; do
	case $verb in
	'keys import') status 2 ctl "$verb" keys.csv ;;
	restore) status 2 ctl "$verb" saved.db --yes ;;
	*) status 2 ctl "$verb" ;;
	esac
	grep -q 'the disk is full' err || fail "$verb does not say why: $(cat err)"
	grep -q 'make room' err || fail "$verb does not say what to do: $(cat err)"
	grep -q 'away' err && fail "$verb wants a sound map moved: $(cat err)"
done
# The doctor sees the cause, though the map cannot be opened.
status 1 ctl doctor --no-network --json
jq -e '.checks[] | select(.check == "disk" and .verdict == "warn")' out >/dev/null ||
	fail "$(cat out)"

# Room for the copy that is put aside, not for the change: the map stays as it was.
rm disk/rest
dd if=/dev/zero of=disk/rest bs=1k count=2600 2>/dev/null
status 2 ctl restore saved.db --yes
grep -q 'the disk is full' err || fail "$(cat err)"
rm disk/rest
status 0 ctl 'keys export' --all --again -o all.csv
[ "$(wc -l <all.csv)" = 501 ] || fail "keys are lost: $(wc -l <all.csv)"
status 0 ctl restore saved.db --yes
status 0 ctl 'keys rotate-master'
echo ok
