# Shared by the benchmark pieces: timing, memory, and the row each result is printed as.
# shellcheck shell=bash
# A piece prints rows of tab-separated fields: name value unit reference ratio bound met.

RUNS=${RUNS:-5}

# seconds COMMAND...: the median wall-clock time of RUNS runs; $BEFORE (a command) runs before each.
seconds() {
	local i start
	for ((i = 0; i < RUNS; i++)); do
		[ -z "${BEFORE:-}" ] || eval "$BEFORE"
		start=$EPOCHREALTIME
		"$@" >/dev/null || return 1
		echo "$EPOCHREALTIME $start" | awk '{ printf "%.4f\n", $1 - $2 }'
	done | sort -n | sed -n "$((RUNS / 2 + 1))p"
}

# seconds_in_turn ONE OTHER: the medians of two command lines that are run in turn, so that what else
# the machine does meets both; $BEFORE (a command) runs before each.
seconds_in_turn() {
	local i first=() second=()
	for ((i = 0; i < RUNS; i++)); do
		first+=("$(RUNS=1 seconds eval "$1")") || return 1
		second+=("$(RUNS=1 seconds eval "$2")") || return 1
	done
	median "${first[@]}"
	median "${second[@]}"
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$(($# / 2 + 1))p"; }

# peak_mib COMMAND...: the largest resident set of one run, in MiB.
peak_mib() {
	python3 - "$@" <<'PY'
import os, resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print("%.1f" % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))
PY
}

# row NAME VALUE UNIT REFERENCE-NAME REFERENCE-VALUE OP BOUND
# The ratio is VALUE / REFERENCE-VALUE; OP is <= or >=.
row() {
	awk -v n="$1" -v v="$2" -v u="$3" -v rn="$4" -v rv="$5" -v op="$6" -v b="$7" 'BEGIN {
		OFS = "\t"; r = v / rv
		met = op == "<=" ? r <= b : r >= b
		print n, v, u, rn " " rv, sprintf("%.3f", r), op " " b, met ? "met" : "NOT MET" }'
}

# row_absolute NAME VALUE UNIT OP BOUND: a bound with no reference, such as memory.
row_absolute() {
	awk -v n="$1" -v v="$2" -v u="$3" -v op="$4" -v b="$5" 'BEGIN {
		OFS = "\t"; met = op == "<=" ? v <= b : v >= b
		print n, v, u, "-", "-", op " " b, met ? "met" : "NOT MET" }'
}

# row_skipped NAME REASON
row_skipped() {
	printf '%s\t-\t-\t%s\t-\t-\tskipped\n' "$1" "$2"
}
