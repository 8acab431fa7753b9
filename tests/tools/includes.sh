#!/bin/bash
# Fails when a file includes against the direction of the folders. A folder may include itself and
# what stands behind it in the table of HACKING.md; the folders of programs may include all, and
# nothing but tests includes them. A folder with sources that is not in the table fails, too.
set -eu
cd "$(dirname "$0")/../.."

# The rows of HACKING.md: | `folder/` | what it holds | folders, or all, or - |
# shellcheck disable=SC2016 # for sed
table=$(sed -nE 's,^\| `([a-z/-]+)/` \|[^|]*\| ([a-z /-]+) \|$,\1 \2,p' HACKING.md |
	sed 's/ all$/ */; s/ -$//')
[ -n "$table" ] || { echo "includes: HACKING.md has no table of folders" >&2; exit 1; }
programs='keygen/cli|setupbin/cli|ukpu/cli|ukpu/wizard|server|server/ctl|samples/amt-sim/cli'
# The wizard is part of ukpu, and starts from its command line.
own='ukpu/(cli|wizard)/'

status=0
complain() { echo "includes: $*" >&2; status=1; }
while read -r folder; do
	grep -qE "^$folder( |$)" <<<"$table" || complain "$folder is not in the table"
done < <(git ls-files 'common/*.[ch]' 'keygen/*.[ch]' 'setupbin/*.[ch]' 'amt/*.[ch]' 'ukpu/*.[ch]' \
	'server/*.[ch]' 'samples/*.[ch]' 'reflector/*.[ch]' | sed 's,/[^/]*$,,' | sort -u)
count=0
while read -r folder allowed; do
	[ -n "$folder" ] || continue
	while IFS=: read -r file line text; do
		count=$((count + 1))
		room=${text#*\"}
		room=${room%%\"*}
		room=${room%/*}
		[ "$room" != "$folder" ] || continue
		if [ "$allowed" = '*' ]; then
			grep -qE "^($programs)$" <<<"$room" || continue
			[[ ! "$folder/ $room/" =~ ^$own\ $own$ ]] || continue
		else
			grep -qxF "$room" <<<"${allowed// /$'\n'}" && continue
		fi
		complain "$file:$line: $folder may not include $room"
	done < <(grep -HnE '^#include "' "$folder"/*.[ch])
done <<<"$table"
# No two headers share a name; those of programs, whose files are named after verbs, may.
while read -r name; do
	complain "two headers are called $name"
done < <(git ls-files 'common/*.h' 'keygen/*.h' 'setupbin/*.h' 'amt/*.h' 'ukpu/*.h' 'server/*.h' \
	'samples/*.h' 'reflector/*.h' | grep -vE "^($programs)/[^/]*$" | sed 's,.*/,,' | sort | uniq -d)
# libevent is for the event loop, newt for the wizard.
if grep -rlE '^#include <(event2?[/.]|event\.h)' common keygen setupbin amt ukpu server/keymap server/admin server/ctl; then
	complain "the files above include libevent"
fi
if grep -rlE '^#include <newt' common keygen setupbin amt ukpu server samples --include='*.[ch]' | grep -v '^ukpu/wizard/'; then
	complain "the files above include newt"
fi
# The server's database is behind server/keymap/sql.h.
if grep -rlE '^#include <(sqlite3|libpq-fe)' server | grep -vE '^server/keymap/sql-[a-z]+\.c$'; then
	complain "the files above include a database engine"
fi
[ $status != 0 ] || echo "includes: $count, 0 exceptions"
exit $status
