#!/bin/bash
# The daemon is killed between any two steps of set-ups by certificate: when a machine has carried out
# a call and has not answered it yet. In each round four machines of different times are set up, one of
# which says when. In the end each is configured, and the map has the passwords of each. BIN: the
# programs; SOAK_PKI_KILLS: how many rounds (36: each call at each machine).
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BIN=$(cd "${BIN:-$TOP/build/bin}" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/kit-soak-XXXXXX")
cd "$folder"
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
finish() {
	kill -9 "${DAEMON:-}" "${sims[@]}" 2>/dev/null || true
	cd / && rm -rf "$folder"
}

KILLS=${SOAK_PKI_KILLS:-36}
sims=()
calls=(SetMEBxPassword SetAdminAclEntryEx CommitChanges GetLowAccuracyTimeSynch SetHighAccuracyTimeSynch
	AMT_GeneralSettings CIM_ComputerSystemPackage CIM_SoftwareIdentity
	AMT_SetupAndConfigurationService)
# What the machines of a round are like: whether they want a login, what becomes of their MEBx
# password, how they take the commit.
habits=('--firmware 12.0.35 --mebx take' '--firmware 7.1.20 --pki-login mebx --mebx take'
	'--firmware 19.0.0 --commit drop --settle 0' '--firmware 14.0.1 --mebx default-only')
MACHINES=${#habits[@]}

make_map 1
printf 'St1ck.Pass\n' >stick-password
"$BIN/amt-provisionctl" certificates new-ca --suffix example.com --folder certificates --map map.db \
	--quiet >ca.out
openssl genrsa -out own.key 2048 2>/dev/null
uuid() { printf '00000000-0000-4000-8000-%06d%06d' "$1" "$2"; }
{
	echo uuid
	for ((round = 1; round <= KILLS; round++)); do
		for ((i = 0; i < MACHINES; i++)); do uuid $round $i; echo; done
	done
} >machines.csv
ctl inventory import machines.csv --quiet
write_conf '[certificates]' "folder = $PWD/certificates" '[pki]' \
	"stick_password_file = $PWD/stick-password"
start
# It starts on the same port again, so that the machines find it.
sed -i "s/^listen = .*/listen = $SERVER/" conf
trap finish EXIT

begin_round() {
	local i
	sims=()
	for ((i = 0; i < MACHINES; i++)); do
		: >"sim$i.log"
		# shellcheck disable=SC2086 # options and their values
		"$BIN/amt-sim" fleet -n 1 --pki --uuid "$(uuid $round $i)" --trust root.pem \
			--dhcp-suffix example.com --own-certificate rsa --own-key own.key \
			--address "$NET.$((round * MACHINES % 240 + i + 1))" --server "$SERVER" --port "$PORT" \
			--hello-window 1 --delay 150 --retry 1 --hellos 200 --pace 60 --state "pcs$round-$i" \
			${MEBX:-} ${habits[i]} --verbose 2>>"sim$i.log" >/dev/null &
		sims+=($!)
	done
}
did() { grep -q ": $2\( refused.*\)\?\$" "sim$1.log"; }
all_configured() { [ "$(ctl systems list --json | jq .counts.configured)" = $((round * MACHINES)) ]; }
left() { ctl systems list --json | jq -c '.systems[] | select(.state != "configured") |
	[.uuid, .state, .reason]'; }

for ((round = 1; round <= KILLS; round++)); do
	call=${calls[(round - 1) % ${#calls[@]}]}
	which=$(((round - 1) / ${#calls[@]} % MACHINES))
	MEBX='--mebx-password-file stick-password'
	# AMT 19 does not commit with the factory's; by turns all have it yet.
	[ $((round % 2)) = 0 ] || MEBX=
	begin_round
	trap finish EXIT
	wait_for 20 did $which "$call" || { cat "sim$which.log"; fail "round $round: no $call"; }
	kill -9 "$DAEMON"
	wait "$DAEMON" 2>/dev/null || true
	start
	trap finish EXIT
	wait_for 60 all_configured || { tail -n 30 sim?.log; fail "round $round, killed at $call: $(left)"; }
	kill "${sims[@]}"
	wait "${sims[@]}" || true
	echo "soak: round $round of $KILLS: killed at $call of AMT $(echo "${habits[which]}" | cut -d' ' -f2)"
done

# A machine takes what the map has for it, or keeps beside that: MD5(user:realm:password) is in its
# file, and so is the MEBx password, which may be that of the stick or the factory.
ctl systems export --all --secrets --format json -o secrets.json --force --quiet
in_map() {
	jq -r --arg u "$uuid" ".[] | select(.uuid == \$u) | .$1, .other_$1 | select(. != null)" secrets.json
}
for pc in pcs*/*; do
	uuid=$(sed -n 's/^uuid: //p' "$pc")
	realm=$(sed -n 's/^digest-realm: //p' "$pc")
	has=$(sed -n 's/^admin-digest: //p' "$pc")
	mebx=$(sed -n 's/^mebx-password: //p' "$pc")
	[ "$(sed -n 's/^state: //p' "$pc")" = post ] || fail "$pc is not set up"
	[ -n "$has" ] || fail "$pc has no account"
	in_map admin_password | while IFS= read -r password; do
		printf 'admin:%s:%s' "$realm" "$password" | md5sum | cut -d' ' -f1
	done >known
	grep -qxF -- "$has" known || fail "the map lacks the password of $pc"
	{ echo admin; cat stick-password; in_map mebx_password; } | grep -qxF -- "$mebx" ||
		fail "the map lacks the MEBx password of $pc"
done
rm known
cat stick-password >>password
no_secrets
stop
finish
echo "soak: $KILLS kills, $((KILLS * MACHINES)) machines set up by certificate, no password lost; passed"
