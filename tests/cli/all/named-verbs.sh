#!/bin/bash
# Every command that a message or a help text gives people to run is one that exists, options too.
set -eu

fail() { echo "FAIL: $*"; exit 1; }

: >verbs
for program in amt-keygen amt-setupbin ukpu amt-provisionctl amt-sim; do
	"$BIN/$program" --help | awk -v p=$program '/^Verbs:/ { on = 1; next } /^$/ { on = 0 }
		on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print p, $0 }' >>verbs
done
[ "$(wc -l <verbs)" -gt 40 ] || fail "the programs list no verbs"

# String literals of the sources, each as one line: adjacent ones are one text.
cat >literals.pl <<'PERL'
undef $/;
for my $file (@ARGV) {
	open(my $in, "<", $file) or die "$file: $!";
	my $text = <$in>;
	$text =~ s{/\*.*?\*/}{}gs;
	$text =~ s{^\s*\#.*$}{}gm;
	$text =~ s{(?<!\\)"\s*\n\s*"}{}g;
	while ($text =~ /"((?:[^"\\\n]|\\.)*)"/g) {
		(my $literal = $1) =~ s/\\[nt]/\n/g;
		$literal =~ s/\\"/"/g;
		print map { "$file: $_\n" } split /\n/, $literal;
	}
}
PERL
find "$TOP"/{common,keygen,setupbin,amt,ukpu,server,samples} -name '*.c' -exec perl literals.pl {} + >literals
grep -q 'amt-provisionctl keys import' literals || fail "no message was found"

# "PROGRAM word word --option...": the first word or two are a verb, whose options these are.
sed -nE 's/^([^:]*): (.*)$/\1 \2/p' literals |
	grep -oE '(amt-keygen|amt-setupbin|ukpu|amt-provisionctl|amt-sim) [a-z]+(-[a-z]+)?( [a-z]+(-[a-z]+)?)?(( -[a-z]| [A-Z]+)* --[a-z-]+)*' |
	sort -u >named
[ "$(wc -l <named)" -gt 40 ] || fail "only $(wc -l <named) commands are named"
: >checked
while read -r program one two rest; do
	# Prose: a program's name and no command.
	case $one in and|in|or|is|has|of|knows|takes|with) continue ;; esac
	if grep -qx "$program $one $two" verbs; then
		verb="$one $two"
	elif grep -qx "$program $one" verbs; then
		verb=$one
		rest="$two $rest"
	elif [ -z "$two" ] && grep -q "^$program $one " verbs; then
		continue	# "amt-provisionctl systems": a group of verbs
	else
		fail "a message says \"$program $one $two\", and there is no such verb"
	fi
	echo "$program $verb" >>checked
	# shellcheck disable=SC2086 # a verb may be two words
	"$BIN/$program" $verb --help >help
	for option in $rest; do
		case $option in
		--*) grep -q -- "$option\\b" help || fail "$program $verb has no $option" ;;
		esac
	done
done <named
[ "$(sort -u checked | wc -l)" -gt 25 ] || fail "only $(sort -u checked | wc -l) verbs were checked"
