#!/bin/bash
# Benchmark: a million pairs from CSV into the key map, against the sqlite3 shell's import of the
# same rows into a plain table with the same index.
# BIN: the programs; the present folder is scratch.
set -eu
. "$(dirname "$0")/support.sh"
N=${N:-1000000}
"$BIN/amt-keygen" generate -n "$N" -q --random-passwords -o pairs.csv 2>/dev/null
# The factory's password as the current one, as lists of sticks have it.
sed -i '1!s/^\([^,]*,[^,]*\),[^,]*,/\1,admin,/' pairs.csv
cat >plain.sql <<'SQL'
CREATE TABLE csti_pid_map(pid TEXT, pps TEXT, current_password TEXT, admin_password TEXT);
CREATE UNIQUE INDEX csti_pid_map_pid ON csti_pid_map(pid);
.import --csv --skip 1 pairs.csv csti_pid_map
SQL
plain() { sqlite3 plain.db <plain.sql; }
import() { "$BIN/amt-provisionctl" keys import -q -m map.db pairs.csv; }

reference=$(BEFORE='rm -f plain.db*' seconds plain)
value=$(BEFORE='rm -f map.db*' seconds import)
row "import of $N pairs" "$value" s "sqlite3 .import, s" "$reference" '<=' 1.7
# What was measured is there, whole: the count, and one row that opens.
[ "$("$BIN/amt-provisionctl" keys list -m map.db --count --json | jq .counts.free)" = "$N" ]
last=$(tail -n 1 pairs.csv)
[ "$("$BIN/amt-provisionctl" keys export -m map.db "${last%%,*}" -q -o - | tail -n 1)" = "$last" ]
rm -f map.db*
row_absolute "import of $N pairs, memory" \
	"$(peak_mib "$BIN/amt-provisionctl" keys import -q -m map.db pairs.csv)" MiB '<=' 64
again=$(BEFORE='' RUNS=3 seconds import)
row "import of the same $N pairs again" "$again" s "the first import, s" "$value" '<=' 2
rotate() { "$BIN/amt-provisionctl" keys rotate-master -q -m map.db; }
row "rotation of the master key over $N pairs" "$(RUNS=1 seconds rotate)" s "the import, s" \
	"$value" '<=' 10
