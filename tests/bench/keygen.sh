#!/bin/bash
# Benchmark: a million pairs to CSV, against one RAND_bytes of 32 bytes for each.
# BIN: the programs; BENCH: the reference programs; the present folder is scratch.
set -eu
. "$(dirname "$0")/support.sh"
N=${N:-1000000}
reference=$(seconds "$BENCH/reference_random" "$N")
value=$(BEFORE='rm -f pairs.csv' seconds "$BIN/amt-keygen" generate -n "$N" -q -o pairs.csv 2>/dev/null)
rm -f pairs.csv
row "generate $N pairs to CSV" "$value" s "RAND_bytes(32) each, s" "$reference" '<=' 1
row_absolute "generate $N pairs, memory" "$(peak_mib "$BIN/amt-keygen" generate -n "$N" -q -o pairs.csv 2>/dev/null)" MiB '<=' 64
rm -f pairs.csv
