#!/bin/bash
# Prints line coverage of the libraries after a run of the tests built with --coverage in the
# folder $1; fails when all together are below the percentage $2.
set -eu
build=$1 least=$2
cd "$(dirname "$0")/../.."
for folder in common keygen setupbin amt ukpu/format ukpu/drive ukpu/stick server/keymap server/core \
	server/hello server/setup server/admin; do
	for object in "$build/$folder"/*.o; do
		source=$folder/$(basename "$object" .o).c
		gcov -n -o "$object" "$source" 2>/dev/null |
			awk -v want="$source" '/^File/ { file = $2; gsub("\047", "", file) }
				/^Lines executed/ && file == want {
					split($2, a, ":"); sub("%", "", a[2]); print want, a[2], $4; file = "" }'
	done
done | awk -v least="$least" '{
		folder = $1; sub("/[^/]*$", "", folder); lines[folder] += $3; hit[folder] += $2 * $3 / 100
		all += $3; allhit += $2 * $3 / 100
		if ($2 < 70) printf "  %5.1f %%  %s (%d lines)\n", $2, $1, $3
	}
	END {
		for (f in lines) printf "%5.1f %%  %s\n", 100 * hit[f] / lines[f], f
		printf "%5.1f %%  all libraries, %d lines (at least %d %% wanted)\n", 100 * allhit / all, all, least
		exit 100 * allhit / all < least
	}'
