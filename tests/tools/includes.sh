#!/bin/bash
# Fails when a file includes against the direction of the folders: keygen is the floor, setupbin
# stands on it, ukpu and server on both, and those two never meet. The files of programs
# (PROGRAM.c and PROGRAM-*.c) stand on the top floor and may use all.
set -eu
cd "$(dirname "$0")/../.."
status=0
look() {
	local folder=$1 allowed=$2 file
	for file in "$folder"/*.[ch]; do
		case $file in */amt-*|ukpu/ukpu.c|ukpu/ukpu-*) continue ;; esac
		if grep -HnE '^#include "' "$file" | grep -vE "\"($allowed)/"; then
			status=1
		fi
	done
}
look keygen keygen
look setupbin 'keygen|setupbin'
look ukpu 'keygen|setupbin|ukpu'
look server 'keygen|setupbin|server'
[ $status = 0 ] || echo "the includes above go against the direction of the folders" >&2
exit $status
