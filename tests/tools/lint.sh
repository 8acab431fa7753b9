#!/bin/bash
# Static checks: include direction, forbidden words and paths, shellcheck, cppcheck, man pages.
set -eu
cd "$(dirname "$0")/../.."
status=0
complain() { echo "lint: $*" >&2; status=1; }

tests/tools/includes.sh || status=1
tests/tools/style.sh || status=1
if git grep -nIE '\b(TODO|FIXME|XXX|HACK)\b' -- '*.c' '*.h' '*.sh' Makefile '*.md' |
	grep -v '^tests/tools/lint.sh:' | grep -vE 'XXXX'; then
	complain "words above mark unfinished work"
fi
if git grep -nE '[^[:print:][:space:]]' -- '*.c' '*.h' | grep -vP '[^\x00-\x7F]'; then
	complain "control characters in the sources above"
fi
mapfile -t scripts < <(git ls-files '*.sh' .ci/run; git grep -lE '^#!/bin/(ba)?sh' -- tests samples | grep -v '\.sh$' || true)
shellcheck -x "${scripts[@]}" || complain "shellcheck"
cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -I. -D_GNU_SOURCE -j2 \
	--enable=warning,portability --suppress=missingIncludeSystem \
	--suppress=normalCheckLevelMaxBranches --suppress=unknownMacro \
	common keygen setupbin amt ukpu server samples || complain "cppcheck"
mapfile -t pages < <(git ls-files '*.[1578]' ':!tests')
for page in "${pages[@]}"; do
	mandoc -Tlint -Wwarning "$page" || complain "$page"
done
[ $status = 0 ] && echo "lint: nothing found"
exit $status
