#!/bin/bash
# Runs the benchmark pieces (all, or those named) and prints one table; writes it to results.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BIN=$(cd "${BIN:-$here/../../build/bin}" && pwd)
BENCH=$(cd "${BENCH:-$here/../../build/tests/bench}" && pwd)
export BIN BENCH
scratch=$(mktemp -d "${TMPDIR:-/tmp}/kit-bench-XXXXXX")
rows=$scratch.rows
trap 'rm -rf "$scratch" "$rows"' EXIT
: >"$rows"
pieces=("$@")
if [ $# = 0 ]; then
	for piece in "$here"/*.sh; do
		piece=$(basename "$piece" .sh)
		case $piece in run|support) ;; *) pieces+=("$piece") ;; esac
	done
fi
failed=0
for piece in "${pieces[@]}"; do
	echo "-- $piece" >&2
	mkdir -p "$scratch/$piece"
	(cd "$scratch/$piece" && "$here/$piece.sh") >>"$rows" || {
		printf '%s\t-\t-\tthe piece failed\t-\t-\tNOT MET\n' "$piece" >>"$rows"
		failed=1
	}
	rm -rf "${scratch:?}/$piece"
done
{
	printf 'name\tvalue\tunit\treference\tratio\tbound\tmet\n'
	cat "$rows"
} | column -t -s $'\t'
[ $# -gt 0 ] || {
	echo "# Benchmarks"
	echo
	echo "Made by \`make bench\` on $(date -u +%Y-%m-%d): $(nproc) cores," \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), Linux $(uname -r)."
	echo
	echo "| name | value | unit | reference | ratio | bound | met |"
	echo "|---|---|---|---|---|---|---|"
	awk -F'\t' '{ printf "|"; for (i = 1; i <= 7; i++) printf " %s |", $i; print "" }' "$rows"
} >"$here/results.md"
grep -q 'NOT MET' "$rows" && failed=1
exit $failed
