#!/bin/bash
# The daemon is killed at each step of a set-up by certificate: the machine is configured all the same
# after its next start, and the map has the password that it takes.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
need openssl jq
make_map 1

mkdir certificates
openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj /CN=root -keyout root.key -out root.pem \
	-addext basicConstraints=critical,CA:TRUE 2>/dev/null
openssl req -new -newkey rsa:2048 -nodes -keyout leaf.key -out request 2>/dev/null \
	-subj '/CN=provision.example.com/OU=Intel(R) Client Setup Certificate'
openssl x509 -req -sha256 -days 700 -in request -CA root.pem -CAkey root.key -set_serial 1 -out leaf.pem \
	-extfile <(echo extendedKeyUsage=serverAuth) 2>/dev/null
cat leaf.key leaf.pem root.pem >certificates/all.pem
openssl genrsa -out own.key 2048 2>/dev/null
write_conf '[certificates]' "folder = $PWD/certificates" '[pki]' 'accept = any'
start
# It starts on the same port again, so that the machines find it.
sed -i "s/^listen = .*/listen = $SERVER/" conf

steps=(AMT_GeneralSettings CIM_SoftwareIdentity AMT_SetupAndConfigurationService SetMEBxPassword
	SetAdminAclEntryEx SetHighAccuracyTimeSynch CommitChanges)
habits=('--firmware 16.1.25' '--firmware 14.0.1 --commit drop' '--firmware 7.1.20 --pki-login admin')
uuid() { printf '00000000-0000-4000-8000-0000000000%02d' "$1"; }
is_configured() {
	[ "$(ctl systems list --json | jq -r --arg u "$(uuid "$1")" \
		'.systems[] | select(.uuid == $u) | .state')" = configured ]
}
for i in "${!steps[@]}"; do
	# shellcheck disable=SC2086 # options
	"$BIN/amt-sim" fleet -n 1 --pki --uuid "$(uuid "$i")" --address "$NET.$((i + 1))" --trust root.pem \
		--dhcp-suffix example.com --server "$SERVER" --port "$PORT" --hello-window 1 --retry 1 \
		--hellos 100 --own-key own.key --delay 80 --pace 50 --state "pcs$i" --verbose \
		${habits[i % 3]} >"sim$i.out" 2>&1 &
	sims+=" $!"
	trap 'kill -9 $DAEMON $sims 2>/dev/null || true' EXIT
	wait_for 20 grep -q "${steps[i]}" "sim$i.out" || fail "no ${steps[i]}: $(cat "sim$i.out")"
	kill -9 "$DAEMON"
	wait "$DAEMON" 2>/dev/null || true
	start
	trap 'kill -9 $DAEMON $sims 2>/dev/null || true' EXIT
done
for i in "${!steps[@]}"; do
	wait_for 40 is_configured "$i" || fail "killed at ${steps[i]}: $(ctl systems list)"
done

# MD5(user:realm:password) is in the machine's file.
ctl systems export --all --secrets --format json -o secrets.json --force --quiet
for i in "${!steps[@]}"; do
	pc=$(echo "pcs$i"/*)
	realm=$(sed -n 's/^digest-realm: //p' "$pc")
	has=$(sed -n 's/^admin-digest: //p' "$pc")
	known=no
	while IFS= read -r password; do
		[ "$(printf 'admin:%s:%s' "$realm" "$password" | md5sum | cut -d' ' -f1)" != "$has" ] ||
			known=yes
	done < <(jq -r --arg u "$(uuid "$i")" '.[] | select(.uuid == $u) | .admin_password,
		.other_admin_password | select(. != null)' secrets.json)
	[ "$known" = yes ] || fail "killed at ${steps[i]}: the map has not the machine's password"
	{
		echo admin
		jq -r --arg u "$(uuid "$i")" '.[] | select(.uuid == $u) | .mebx_password,
			.other_mebx_password | select(. != null)' secrets.json
	} | grep -qxF -- "$(sed -n 's/^mebx-password: //p' "$pc")" ||
		fail "killed at ${steps[i]}: the map has not the machine's MEBx password"
done
# shellcheck disable=SC2086 # a list
kill $sims
no_secrets
stop
echo ok
