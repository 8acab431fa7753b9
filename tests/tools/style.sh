#!/bin/bash
# House style that a machine can check. What it forbids holds for the whole tree; the rest is in
# .clang-format, in HACKING.md, and in the eye of the reader.
set -eu
cd "$(dirname "$0")/../.."
status=0
# forbid WHAT PATTERN PATH...: Perl's regular expressions, in files that git knows
forbid() {
	local what=$1 pattern=$2
	shift 2
	if git grep -nIP -e "$pattern" -- "$@" ':!tests/tools/style.sh' ':!tests/corpus'; then
		echo "style: $what" >&2
		status=1
	fi
}
code=('*.c' '*.h')
text=('*.c' '*.h' '*.sh' '*.inc' '*.md' '*.[1578]' Makefile '.ci/*' 'debian/*')
# Folders of programs and libraries: what people read, and what they build on.
shipped=('amt/*.[ch]' 'common/*.[ch]' 'keygen/*.[ch]' 'samples/*.[ch]' 'server/*.[ch]'
	'setupbin/*.[ch]' 'ukpu/*.[ch]' '*.[1578]' README.md)

forbid "white space at the end of a line" '[ \t]+$' "${text[@]}"
forbid "0 is the good result: no KIT_OK" '\bKIT_OK\b' "${code[@]}"
forbid "write { 0 }" '\{0\}' "${code[@]}"
forbid "write sizeof(x)" '\bsizeof [^(]' "${code[@]}"
forbid "write !p" '== NULL\b' "${code[@]}"
forbid "a test file has TEST_SUITE(), no main()" '^int main\(' 'tests/unit/*.c'
forbid "write \"is not a\" (plain English)" '(?<![Tt]here )(?<!answer )\bis no\b(?! longer)' \
	"${shipped[@]}"
forbid "write fix or repair" '\bmend(s|ed|ing)?\b' "${shipped[@]}"

# A tab goes to the next eighth column.
# shellcheck disable=SC2016 # $0 is of awk
long=$(git ls-files "${code[@]}" |
	xargs awk '
	{ n = 0; k = split($0, part, "\t")
	  for (i = 1; i <= k; i++) { n += length(part[i]); if (i < k) n += 8 - n % 8 }
	  if (n > 100) print FILENAME ":" FNR ": " n " columns" }')
if [ -n "$long" ]; then
	echo "$long"
	echo "style: at most 100 columns" >&2
	status=1
fi

# A name of a type is looked for with grep: no two files define one.
twice=$(git grep -nE '^(static )?(const )?(struct|enum|union) [a-z0-9_]+ \{' -- "${code[@]}" |
	sed -E 's,^([^:]*:[0-9]+):.*(struct|enum|union) ([a-z0-9_]+) \{.*,\3 \1,' | sort |
	awk '$1 == last { print before; print } { last = $1; before = $0 }' | uniq)
if [ -n "$twice" ]; then
	echo "$twice"
	echo "style: two types have one name" >&2
	status=1
fi

# Subjects of what was committed last; older ones are as they are.
if git rev-parse --git-dir >/dev/null 2>&1 &&
	git log --no-merges -n 20 --format=%s | grep -E '^.{73}'; then
	echo "style: a subject has at most 72 characters" >&2
	status=1
fi
[ $status != 0 ] || echo "style: nothing found"
exit $status
