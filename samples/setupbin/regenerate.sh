#!/bin/bash
# Makes every setup.bin here anew from the JSON beside it. Run it with the folder of the programs
# as argument (default build/bin), and look at "git diff" before you keep what has changed.
set -eu
bin=$(cd "${1:-build/bin}" && pwd)
cd "$(dirname "$0")"
for json in *.json; do
	"$bin/amt-setupbin" create --force --quiet --json "$json" -o "${json%.json}.bin" || exit
	chmod 644 "${json%.json}.bin"
done
