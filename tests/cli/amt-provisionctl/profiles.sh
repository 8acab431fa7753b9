#!/bin/bash
# amt-provisionctl profiles: made, changed, shown from map and file, removed; refused values.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
profiles() { "$BIN/amt-provisionctl" profiles "$@"; }
# refused MESSAGE PROPERTY=VALUE: with that message; nothing of the profile changes.
refused() {
	status 2 profiles set -c conf office rekey=no "$2"
	grep -q -- "$1" err || fail "$2: $(cat err)"
	[ "$(profiles show -c conf office --json | jq .rekey)" = true ] || fail "$2 changed something"
}
umask 077
printf 'Secret.Pa55\n' >mebx.txt
printf 'weak\n' >weak.txt
cp mebx.txt open.txt
chmod 644 open.txt
printf '%s\n' '[server]' "map = $PWD/map.db" '[profile default]' 'admin_password = keep' \
	'[profile office]' 'admin_user = fromfile' '[profile lab]' 'set_clock = no' >conf
"$BIN/amt-keygen" generate -n 1 --map map.db -o keys.csv -q

# Those of the configuration; with -m alone there are none.
status 0 profiles list -c conf --json
[ "$(jq -c '[.profiles[] | [.name, .source]] | sort' out)" = \
	'[["default","file"],["lab","file"],["office","file"]]' ] || fail "$(cat out)"
[ "$(jq -r '.profiles[] | select(.name == "lab") | .set_clock' out)" = false ] || fail "$(cat out)"
status 0 profiles list -m map.db --json
[ "$(jq '.profiles | length' out)" = 0 ] || fail "$(cat out)"
status 1 profiles show -m map.db office

# One of the map beats the file's; its properties stay when another is set.
status 0 profiles set -c conf office admin_password=random mebx_password=file:mebx.txt rekey=yes \
	amt_versions=3.0-9.255
status 0 profiles set -c conf office 'admin_user=amt-admin'
status 0 profiles show -c conf office --json
[ "$(jq -c '[.admin_user, .admin_password, .mebx_password, .rekey, .set_names, .amt_versions]' out)" = \
	'["amt-admin","random","one",true,true,"3.0-9.255"]' ] || fail "$(cat out)"
status 0 profiles show -c conf office
grep -q '^mebx_password  *one for all$' out || fail "$(cat out)"
grep -q '^amt_versions  *3.0-9.255$' out || fail "$(cat out)"
status 0 profiles list -c conf
[ "$(grep -c '^office ' out)" = 1 ] || fail "office is listed more than once: $(cat out)"
grep -q '^office  *map  *amt-admin  *random  *one for all' out || fail "$(cat out)"
! cat out err | grep -q 'Secret' || fail "a password was shown"
! grep -aq 'Secret' map.db map.db-wal 2>/dev/null || fail "a password is in the map as it is"

# Refused, each with what is wrong and what to do; a password given the wrong way is not repeated.
refused 'neither keep, random nor file:PATH.*' admin_password=Secret.Pa55
grep -q 'write a password into a file of mode 0600' err || fail "no advice: $(cat err)"
! grep -q 'Secret' err || fail "a password was repeated"
refused 'the mebx_password in weak.txt cannot serve' mebx_password=file:weak.txt
refused 'chmod 600' mebx_password=file:open.txt
refused 'No such file' mebx_password=file:nowhere.txt
grep -q 'name a file of mode 0600' err || fail "no advice: $(cat err)"
refused 'neither auto, keep, random nor file:PATH' mebx_password=file:-
refused 'yes or no' set_clock=maybe
refused '1 to 16 letters' admin_user=
refused '1 to 16 letters' admin_user=12345678901234567
refused 'a version or a range' amt_versions=9.0-3.0
refused 'a version or a range' amt_versions=3
refused 'a version or a range' amt_versions=3.0-256.0
refused 'no property "colour".*' colour=blue
grep -q 'the properties are admin_user' err || fail "no advice: $(cat err)"
status 2 profiles set -c conf 'a/b' rekey=yes
grep -q 'is not a name for a profile' err || fail "$(cat err)"

# Removed from the map, the file's counts again.
status 0 profiles remove -c conf office
status 1 profiles remove -c conf office
status 0 profiles show -c conf office --json
[ "$(jq -r .admin_user out)" = fromfile ] || fail "$(cat out)"
status 1 profiles show -c conf nowhere
echo ok
