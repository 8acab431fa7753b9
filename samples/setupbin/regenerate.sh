#!/bin/bash
# Makes every setup.bin here again from the JSON beside it. The argument is the folder of the programs,
# seen from where you run it (default build/bin: from the top of the tree, after "make all"). What it
# prints as errors is what is odd about v2.1-odd. Look at "git diff" before you keep what has changed.
set -eu
bin=$(cd "${1:-build/bin}" && pwd)
cd "$(dirname "$0")"
for json in *.json; do
	"$bin/amt-setupbin" create --force --quiet --json "$json" -o "${json%.json}.bin" || exit
	chmod 644 "${json%.json}.bin"
done
