#!/bin/bash
# Many machines in one process: each with its own address, UUID and key, and kept if asked to.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../../support/daemon.inc"
make_map 64
write_conf ''
start
# fleet HOST OPTION...: machines from the address NET.HOST on
fleet() { "$BIN/amt-sim" fleet --server "$SERVER" --port "$PORT" --address "$NET.$1" "${@:2}"; }

fleet 1 -n 30 --keys keys.csv --state machines --uuid 00000000-1111-2222-3333-4444444444f0 \
	--hello-window 100 --until-configured 20 --json >out || { cat out; fail "not all set up"; }
[ "$(jq -c '[.devices, .configured, .hellos_failed]' out)" = '[30,30,0]' ] || fail "$(cat out)"
[ "$(find machines -type f | wc -l)" = 30 ] || fail "not 30 state files"
ctl systems list --json >listed
[ "$(jq '[.systems[] | select(.state == "configured") | .address] | unique | length' listed)" = \
	30 ] ||
	{ cat listed; fail "not 30 addresses"; }
[ "$(jq '[.systems[].uuid] | unique | length' listed)" = 30 ] || fail "not 30 UUIDs"
jq -e '.systems[] | select(.uuid == "00000000-1111-2222-3333-44444444450d")' listed >/dev/null ||
	fail "UUIDs do not count up"
for f in machines/*; do
	grep -q '^state: post$' "$f" || fail "$f is not set up"
	[ "$(stat -c %a "$f")" = 600 ] || fail "$f is not private"
done

# Going on with them: nothing is left to do, and no key is needed.
fleet 1 -n 30 --state machines --until-configured 5 --json >out || { cat out; fail "going on"; }
[ "$(jq -c '[.configured, .hellos]' out)" = '[30,0]' ] || fail "$(cat out)"
# One more has no key.
! fleet 1 -n 31 --state machines --until-configured 5 >out 2>err || fail "a machine without a key"
grep -q 'machine 31: new machines need keys' err || { cat err; fail "it does not say which"; }
! fleet 1 -n 65 --keys keys.csv >out 2>err || fail "more machines than keys"
grep -q 'machine 65: the list of keys has too few entries' err || { cat err; fail "too few keys"; }

# Slow ones are set up side by side: 9 answers of 0.2 s each are far less than 30 times that.
sed -n '1p;32,61p' keys.csv >slow.csv
fleet 100 -n 30 --keys slow.csv --delay 200 --hello-window 100 --until-configured 30 --json >out ||
	 { cat out; fail "slow machines"; }
jq -e '.seconds > 1.6 and .seconds < 15' out >/dev/null || { cat out; fail "one after another"; }

# None is set up when all misbehave: the answer is no.
sed -n '1p;62,65p' keys.csv >bad.csv
got=0
fleet 200 -n 3 --keys bad.csv --answer garbage --until-configured 2 >out 2>err || got=$?
[ $got = 1 ] || fail "status $got for machines that were not set up"
grep -q '0 of 3 configured' out || { cat out; fail "the count"; }
# A call that no machine has would be refused by none: no test of anything.
for option in --refuse --answer-to; do
	got=0
	fleet 200 -n 3 --keys bad.csv $option ComitChanges >out 2>err || got=$?
	[ $got = 2 ] || fail "status $got for $option with a call that there is not"
	grep -q -- "$option: \"ComitChanges\" is not a call.*AMT_GeneralSettings" err || fail "$(cat err)"
	# The list of those that there are, whatever comes to it, and nothing behind it.
	calls=$(sed -n 's/.*calls: //p' err)
	for call in CommitChanges GetAdminAclEntryStatus; do
		tr ' ' '\n' <<<"$calls" | grep -qx "$call" || fail "$call is not listed: $(cat err)"
	done
	grep -qE '^[A-Za-z_]+( [A-Za-z_]+)*$' <<<"$calls" || fail "not a list: $calls"
done
got=0
fleet 200 -n 3 --keys bad.csv --refuse CIM_SoftwareIdentity >out 2>err || got=$?
[ $got = 2 ] || fail "status $got for a class that cannot be written"
grep -q 'Secret.Pa55' out err listed && fail "a password was printed"
stop
