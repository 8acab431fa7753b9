#!/bin/bash
# A limit on the size of files, such as a quota: said so, whatever meets it, and nothing is lost.
set -eu
# shellcheck source=tests/support/common.inc
. "$TOP/tests/support/common.inc"
umask 077
"$BIN/amt-keygen" generate -n 300 -q --map full.db --random-passwords -o keys.csv
"$BIN/amt-keygen" generate -n 300 -q --random-passwords -o more.csv
# within KIB VERB [OPERAND...]
within() { (ulimit -f "$1"; "$BIN/amt-provisionctl" "${@:2}" -m map.db -q); }
for kib in 4 40 64; do
	for verb in 'keys import' 'keys rotate-master' backup; do
		cp full.db map.db
		cp full.db.key map.db.key
		read -ra words <<<"$verb"
		case $verb in
		'keys import') status 2 within $kib "${words[@]}" more.csv ;;
		backup) status 2 within $kib backup saved.db ;;
		*) status 2 within $kib "${words[@]}" ;;
		esac
		grep -q 'File too large' err || fail "$verb within $kib KiB does not say why: $(cat err)"
		grep -q 'raise the limit' err || fail "$verb does not say what to do: $(cat err)"
		# The reader of a whole map sees every key, and the verb is only to be run again.
		status 0 "$BIN/amt-provisionctl" keys export --all --again -o all.csv -m map.db --force
		[ "$(wc -l <all.csv)" = 301 ] || fail "$verb within $kib KiB: $(wc -l <all.csv) lines"
		status 0 "$BIN/amt-provisionctl" keys rotate-master -m map.db
		[ -z "$(find . -name 'saved.db*')" ] || fail "a part of a backup is left"
		rm -f map.db*
	done
done
