#!/bin/bash
# Benchmark: a stick prepared, verified and on the medium, against sfdisk, mkfs.fat, mcopy and sync,
# which write the same layout and verify nothing; and how much is written.
set -eu
# shellcheck source=tests/bench/support.sh
. "$(dirname "$0")/support.sh"
PATH=$PATH:/usr/sbin:/sbin
export XDG_STATE_HOME=$PWD UKPU_JOURNAL=$PWD/sticks.db
RUNS=${RUNS:-21}

"$BIN/amt-keygen" generate -n 100 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null

others() {
	truncate -s "$1" other.img
	echo "2048,$2,$3" | sfdisk --no-tell-kernel -q other.img
	if [ "$3" = c ]; then
		mkfs.fat -F 32 -s 8 -R 32 -h 2048 --offset=2048 other.img "$(($2 / 2))"
	else
		mkfs.fat -F 16 -s 2 -R 1 -h 2048 -r 512 --offset=2048 other.img "$(($2 / 2))"
	fi
	mcopy -i other.img@@1M setup.bin ::SETUP.BIN
	sync other.img
}
ours() { "$BIN/ukpu" prepare --image ours.img --size "$1" --layout "$2" setup.bin --yes --quiet; }

for tool in sfdisk mkfs.fat mcopy; do
	command -v $tool >/dev/null || { row_skipped "prepare an image" "$tool is not installed"; exit 0; }
done
while read -r size layout sectors type; do
	{ read -r value; read -r reference; } < <(BEFORE='rm -f ours.img other.img' seconds_in_turn \
		"ours $size $layout" "others $size $sectors $type" 2>/dev/null)
	row "prepare $size, $layout" "$value" s "sfdisk+mkfs.fat+mcopy+sync, s" "$reference" '<=' 1
done <<-'END'
	256M fat16 129024 6
	32G fat16 129024 6
	2G fat32 1048576 c
END
for layout in fat16 fat32 superfloppy; do
	rm -f ours.img
	bytes=$("$BIN/ukpu" prepare --image ours.img --size 64G --layout $layout setup.bin --dry-run |
		sed -n 's/^in all *\([0-9]*\) bytes are written$/\1/p')
	row_absolute "written to 64G, $layout" "$bytes" bytes '<=' 5000000
done
