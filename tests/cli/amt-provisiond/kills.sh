#!/bin/bash
# The daemon is killed while machines of their time are set up, which close their ports with the
# commit or lose its answer: in the end each is configured, and the map has the password of each.
# KILLS: how many (10).
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

KILLS=${KILLS:-10}
WAVE=8		# machines at a time
make_map 1
write_conf '[profile default]' 'admin_password = random'
sed -i "s/^hello_seconds.*/&\nmax_unproved = 1000/" conf
start
# It starts on the same port again, so that the machines find it.
sed -i "s/^listen = .*/listen = $SERVER/" conf

# What the machines of a wave are like, two of each.
habits=('--firmware 2.2.1 --habits generation --pace 60' '--firmware 5.0.1 --habits generation --pace 60'
	'--firmware 7.1.20 --commit drop --after-commit tls' '--firmware 9.0.1')
begin_wave() {
	local i
	mkdir "pcs$wave"
	"$BIN/amt-keygen" generate -n $WAVE --map map.db --new-password-file password -o keywave.csv \
		--force --quiet
	tail -n +2 keywave.csv >>keys.csv
	sims=()
	for ((i = 0; i < WAVE; i++)); do
		{ sed -n 1p keywave.csv; sed -n "$((i + 2))p" keywave.csv; } >"keywave$i.csv"
		# shellcheck disable=SC2086
		"$BIN/amt-sim" fleet -n 1 --keys "keywave$i.csv" --address "$(address $i)" \
			--server "$SERVER" --port "$PORT" --delay 40 --retry 1 --hellos 200 \
			--state "pcs$wave/$i" --quiet ${habits[i / 2]} >>sim.out 2>&1 &
		sims+=($!)
	done
}
# Address of the I-th machine of the wave.
address() { echo "$NET.$((wave * WAVE % 240 + $1 + 1))"; }
n_configured() { ctl systems list --json | jq .counts.configured; }
all_configured() { [ "$(n_configured)" = $((wave * WAVE)) ]; }

kills=0
wave=0
while [ $kills -lt "$KILLS" ]; do
	wave=$((wave + 1))
	begin_wave
	for ((k = 0; k < 10 && kills < KILLS; k++)); do
		sleep "0.$((RANDOM % 8 + 1))"
		kill -9 "$DAEMON"
		wait "$DAEMON" 2>/dev/null || true
		kills=$((kills + 1))
		start
	done
	wait_for 60 all_configured || fail "after $kills kills only $(n_configured) of $((wave * WAVE)):
$(ctl systems list --json | jq -c '.systems[] | select(.state != "configured") | [.address, .state, .reason]')"
	kill "${sims[@]}"
	wait "${sims[@]}" || true
done

# The map has what each machine takes: MD5(user:realm:password) is in its file.
ctl systems export --all --secrets --format json -o secrets.json --force --quiet
for pc in pcs*/*/*; do
	uuid=$(sed -n 's/^uuid: //p' "$pc")
	realm=$(sed -n 's/^digest-realm: //p' "$pc")
	has=$(sed -n 's/^admin-digest: //p' "$pc")
	[ -n "$has" ] || fail "$pc has no account: $(cut -d: -f1 "$pc" | tr '\n' ' ')"
	known=no
	while IFS= read -r password; do
		[ "$(printf 'admin:%s:%s' "$realm" "$password" | md5sum | cut -d' ' -f1)" != "$has" ] ||
			known=yes
	done < <(jq -r --arg u "$uuid" '.[] | select(.uuid == $u) |
		.admin_password, .other_admin_password // empty' secrets.json)
	[ $known = yes ] || fail "the map lacks the password of $pc"
done
no_secrets
stop
