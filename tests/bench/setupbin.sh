#!/bin/bash
# Benchmark: setup.bin files of a million records made and checked, and the library against
# MeshCentral's module.
# BIN: the programs; BENCH: setupbin_codec; the present folder is scratch.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/support.sh"
. "$here/../peers/meshcentral.inc"
N=${N:-1000000}
M=${M:-100000}
S=$BIN/amt-setupbin
"$BIN/amt-keygen" generate -n "$N" -q --random-passwords -o keys.csv 2>/dev/null

# Both to the disk: create does so by itself, and gets the option as cp does.
create() { "$S" create -q -o setup.bin --keys keys.csv && sync setup.bin; }
copy() { cp --reflink=never setup.bin copy.bin && sync copy.bin; }
value=$(BEFORE='rm -f setup.bin; sync' seconds create)
reference=$(BEFORE='rm -f copy.bin; sync' seconds copy)
rm -f copy.bin
row "create $N records" "$value" s "cp and sync of that file, s" "$reference" '<=' 2
peak=$(rm -f setup.bin; peak_mib "$S" create -q -o setup.bin --keys keys.csv)
row_absolute "create $N records, memory" "$peak" MiB '<=' 16

check() { "$S" check -q setup.bin; }
reference=$(seconds sha256sum setup.bin)
row "check $N records" "$(seconds check)" s "sha256sum, s" "$reference" '<=' 1
row_absolute "check $N records, memory" "$(peak_mib "$S" check -q setup.bin)" MiB '<=' 64
rm -f setup.bin

meshcentral amt/amt-setupbin.js
if [ -z "$folder" ]; then
	row_skipped "create and check against MeshCentral" "$missing"
	exit 0
fi
# Both in one process and in memory, from records to bytes and back; each times itself.
median() {
	local i
	for ((i = 0; i < RUNS; i++)); do "$@"; done | sort -n | sed -n "$((RUNS / 2 + 1))p"
}
mesh() { node "$here/../peers/meshcentral-setupbin.js" "$folder" "$@"; }
for verb in encode decode; do
	bound=0.01
	[ $verb = encode ] || bound=0.2
	row "$verb $M records in memory" "$(median "$BENCH/setupbin_codec" $verb "$M")" s \
		"MeshCentral, s" "$(median mesh $verb "$M")" '<=' $bound
done
