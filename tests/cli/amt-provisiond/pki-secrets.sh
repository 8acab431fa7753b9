#!/bin/bash
# From the authority to the last list: after a set-up by certificate none of its secrets is in what
# was printed, logged, answered or kept in the clear. The private keys, the password of the PFX, the
# stick's, the one-time passwords, what the machines got, and the digests of that.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
need openssl jq curl python3
export UKPU_JOURNAL=$PWD/sticks.db

make_map 1
printf 'St1ck.Pass\n' >stick-password
printf '0ne-T1me.Pass\n' >otp-password
printf 'Pfx-Pa55word\n' >pfx-password
listen=$((10000 + RANDOM % 20000)) metrics=$((30000 + RANDOM % 2000))
while listens ":$listen"; do listen=$((10000 + RANDOM % 20000)); done
while listens ":$metrics"; do metrics=$((30000 + RANDOM % 2000)); done
write_conf '[certificates]' "folder = $PWD/certificates" '[pki]' 'suffix = example.com' \
	"stick_password_file = $PWD/stick-password" '[metrics]' "metrics_listen = 127.0.0.1:$metrics"
sed -i "s/^listen = .*/listen = 127.0.0.1:$listen/" conf

# said COMMAND...: what it prints is kept, and looked through in the end.
n=0
said() {
	n=$((n + 1))
	"$BIN/$1" "${@:2}" >"said.$n" 2>&1 </dev/null || [ $? = 1 ] ||
		{ cat "said.$n"; fail "$*"; }
}
said amt-provisionctl certificates new-ca --suffix example.com -c conf
said amt-setupbin create --pki --bare-metal --dns-suffix example.com --cert root.pem --server 127.0.0.1 \
	--port $listen --new-password-file stick-password -o setup.bin
said amt-setupbin show setup.bin --json
said amt-setupbin check setup.bin
said ukpu prepare --image stick.img --size 64M setup.bin --yes
said ukpu verify --image stick.img
# The server has its certificate as many sell it.
openssl pkcs12 -export -in certificates/provision.example.com.pem -out certificates/server.pfx \
	-passout file:pfx-password 2>/dev/null
openssl pkey -in certificates/provision.example.com.pem -out leaf.key 2>/dev/null
cp pfx-password certificates/server.pfx.password
rm certificates/provision.example.com.pem
uuid() { printf '00000000-0000-4000-8000-00000000000%d' "$1"; }
{ echo uuid,otp; echo "$(uuid 1),$(cat otp-password)"; echo "$(uuid 2),"; echo "$(uuid 3),"; } >key-inventory.csv
said amt-provisionctl inventory import key-inventory.csv -c conf
start

# Each boots with the one stick: one with a one-time password, one that asks for the stick's, one whose
# set-up fails after it was given its passwords.
boot() {
	local i=$1
	shift
	timeout 30 "$BIN/amt-sim" boot --state "pcs$i" --stick stick.img --server stick --uuid "$(uuid "$i")" \
		--address "$NET.$i" --port "$PORT" --pace 50 --retry 1 \
		--until-configured "${WAIT:-12}" "$@" >>said.sim 2>&1
}
boot 1 --firmware 16.1.25 --otp-file otp-password & sims=$!
boot 2 --firmware 7.1.20 --pki-login mebx & sims+=" $!"
for sim in $sims; do
	wait "$sim" || { cat said.sim; fail "a machine was not set up"; }
done
! WAIT=2 boot 3 --firmware 12.0.35 --refuse CommitChanges --hellos 1 || fail "it was set up though it refused"
sim_hello --uuid "$(uuid 1)" --interface-version 3 --address "$NET.44"

for verb in "systems list" "systems show $(uuid 1)" "systems show $(uuid 3)" "systems export --format json -o -" \
	"certificates list" "certificates show server.pfx" "certificates match $(uuid 1)" \
	"certificates check certificates/server.pfx --password-file pfx-password" log doctor "keys list" \
	"profiles list" "config show"; do
	# shellcheck disable=SC2086 # a verb and its operands
	said amt-provisionctl $verb -c conf
	case $verb in
	*export* | "certificates check"*) ;;
	*)
		# shellcheck disable=SC2086
		said amt-provisionctl $verb --json -c conf
		;;
	esac
done
curl -s "http://127.0.0.1:$metrics/metrics" >said.metrics
grep -q 'amt_certificate_days_left' said.metrics || fail "no metrics"
tr '\0' '\n' <"/proc/$DAEMON/cmdline" >said.cmdline
tr '\0' '\n' <"/proc/$DAEMON/environ" >said.environ
no_secrets
stop

# What was secret, as bytes; a private key by what cannot be read from its certificate.
ctl systems export --all --secrets --format json -o secrets.json --force --quiet
cat >look.py <<'PYTHON'
import base64, json, os, subprocess, sys
secret = {}
for name in os.listdir("."):
    if name.endswith("password"):
        secret[name] = open(name, "rb").read().strip()
for row in json.load(open("secrets.json")):
    for field, value in row.items():
        if field.endswith("password") and value and value != "admin":
            secret[row["uuid"][-1:] + " " + field] = value.encode()
for pc in ("pcs1", "pcs2", "pcs3"):
    for line in open(pc):
        field, _, value = line.strip().partition(": ")
        if field in ("admin-digest", "mebx-password") and value and value != "admin":
            secret[pc + " " + field] = value.encode()
for key in ("root.key", "leaf.key"):
    text = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-text"], capture_output=True).stdout.decode()
    for part in ("privateExponent", "prime1", "exponent2"):
        digits = "".join(text.split(part + ":\n")[1].split("\n")[0:4]).replace(" ", "").replace(":", "")
        secret[key + " " + part] = bytes.fromhex(digits)[4:36]
if len(secret) < 16:
    sys.exit("only %d secrets to look for" % len(secret))

def shapes(value):
    yield value
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + value)
        yield coded[4 if shift else 0:len(coded) // 4 * 4 - 4]

# Those that hold secrets by what they are: the key files, the stick, the machines, what was looked for.
own = ("certificates/", "root.key", "leaf.key", "setup.bin", "stick.img", "pcs", "look.py", "secrets")
seen = 0
for folder, _, names in os.walk("."):
    for name in names:
        path = os.path.relpath(os.path.join(folder, name))
        if path.startswith(own) or name.endswith("password") or name.startswith("key"):
            continue
        data = open(path, "rb").read()
        seen += 1
        for what, value in secret.items():
            for shape in shapes(value):
                if len(shape) >= 8 and shape in data:
                    sys.exit("%s is in %s" % (what, path))
print("%d secrets are in none of %d files" % (len(secret), seen))
PYTHON
python3 look.py >look.out 2>&1 || fail "$(tail -n 3 look.out)"
# The search finds them where they are.
for where in certificates/server.pfx.password pcs1 leaf.key setup.bin; do
	cp $where found.here
	! python3 look.py >look.out 2>&1 || fail "the secret in $where is not found"
	grep -q 'found.here' look.out || fail "the search ends otherwise: $(cat look.out)"
done
