#!/bin/bash
# MeshCentral's setup.bin module against ours: it reads our files as we mean them, we read and
# re-make its files byte for byte.
set -eu
# shellcheck source=tests/support/setupbin.inc
. "$(dirname "$0")/../support/setupbin.inc"
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/peers/meshcentral.inc
. "$here/meshcentral.inc"
meshcentral amt/amt-setupbin.js
[ -n "$folder" ] || { echo "skipped: $missing"; exit 77; }
mesh() { node "$here/meshcentral-setupbin.js" "$folder" "$@"; }
"$S" variables --json >variables.json

# compare FILE: both read the same in it.
compare() {
	"$S" show --json --secrets "$1" >ours.json
	mesh compare "$1" ours.json variables.json >out || { cat out; fail "$1 is read differently"; }
}

# Our files. It makes the same bytes of those whose variables are sorted by id, as it does.
for sample in v1.0-example-pair v2.0-two-pairs v2.1-partly-used v4.0-acu-wizard; do
	compare "$samples/$sample.bin"
done
for sample in v1.0-example-pair v2.0-two-pairs v2.1-partly-used; do
	mesh remake "$samples/$sample.bin" remade.bin
	cmp remade.bin "$samples/$sample.bin" || fail "$sample is re-made differently"
done
keys keys.csv 500
for version in 1.0 2.0 2.1 3.0 4.0; do
	"$S" create -o ours.bin --force --quiet --keys keys.csv --file-version $version 2>/dev/null
	compare ours.bin
	mesh remake ours.bin remade.bin
	cmp remade.bin ours.bin || fail "version $version is re-made differently"
done

# Its files, of all versions, with whatever it can say.
made=0
for seed in $(seq 60); do
	mesh random "$seed" theirs.bin || { [ $? = 3 ] && continue; fail "seed $seed"; }
	compare theirs.bin
	"$S" create -o again.bin --force --quiet --json ours.json 2>/dev/null
	cmp again.bin theirs.bin || fail "seed $seed does not come back"
	made=$((made + 1))
done
[ $made -ge 40 ] || fail "only $made random files were made"
echo "$made files of MeshCentral read and made again byte for byte"
