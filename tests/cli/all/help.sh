#!/bin/bash
# Every program and verb explains itself, prints its version, refuses misuse, completes in the shell.
set -eu
fail() { echo "FAIL: $*"; exit 1; }
for program in amt-keygen amt-setupbin ukpu amt-provisiond amt-provisionctl amt-sim; do
	"$BIN/$program" --version | grep -qE "^$program [0-9]+\.[0-9]+\.[0-9]+$" ||
		fail "$program --version"
	"$BIN/$program" --help >help || fail "$program --help"
	grep -q '^Examples:' help || fail "$program --help has no examples"
	status=0; "$BIN/$program" --no-such-option >out 2>err || status=$?
	[ $status = 2 ] || fail "$program --no-such-option: status $status"
	[ ! -s out ] || fail "$program: misuse is reported on standard output"
	grep -q -- '--help' err || fail "$program: misuse does not name the help"
	# Two blanks before a verb, two or more behind it.
	awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 }
		on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print }' help >verbs
	while read -r verb; do
		# shellcheck disable=SC2086 # a verb may be two words
		"$BIN/$program" $verb --help >verb-help || fail "$program $verb --help"
		grep -q "^Usage: $program $verb" verb-help || fail "$program $verb --help has no usage"
		grep -q '^Examples:' verb-help || fail "$program $verb --help has no examples"
		sed '/^Examples:/,$d' verb-help | awk 'length > 100 { print; bad = 1 } END { exit bad }' ||
			fail "$program $verb --help has long lines"
	done <verbs
	"$BIN/$program" --completion bash >completion || fail "$program --completion bash"
	bash -n completion || fail "$program: the bash completion is not valid"
	"$BIN/$program" --completion zsh >completion
	grep -q "^#compdef $program" completion || fail "$program: zsh"
	zsh -n completion || fail "$program: the zsh completion is not valid"
	if "$BIN/$program" --completion fish 2>err; then fail "a shell it does not know"; fi
done
# What several verbs have in common, alone or before an unknown word, lists them.
for noun in keys systems inventory profiles config certificates; do
	"$BIN/amt-provisionctl" --help | sed -n "s/^  \($noun [a-z-]*\) .*/\1/p" >verbs
	for words in "$noun" "$noun nonsense" "$noun --nonsense" "$noun --help" "help $noun"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$BIN/amt-provisionctl" $words >out 2>err || status=$?
		case $words in
		*help*) wanted=0 other=err ;;
		*) wanted=2 other=out ;;
		esac
		[ $status = $wanted ] || fail "$words: status $status"
		[ ! -s $other ] || fail "$words: $(cat $other)"
		sed -n "s/^  \($noun [a-z-]*\) .*/\1/p" out err | diff verbs - ||
			fail "$words does not list its verbs"
	done
	"$BIN/amt-provisionctl" $noun nonsense 2>&1 | grep -q "no verb \"$noun nonsense\"" || fail "$noun"
done
complete_words() { # PROGRAM WORD...: what bash would offer for the last word
	local program=$1; shift
	bash -c 'source /dev/stdin; f=_${1//-/_}; shift; COMP_WORDS=(x "$@"); COMP_CWORD=$#; $f
		printf "%s\n" "${COMPREPLY[@]}"' - "$program" "$@" < <("$BIN/$program" --completion bash)
}
[ "$(complete_words amt-keygen gen)" = generate ] || fail "a verb is not completed"
[ "$(complete_words amt-keygen generate --rand)" = --random-passwords ] || fail "an option"
[ "$(complete_words amt-provisionctl keys imp)" = import ] || fail "a second word"
: >keys.csv
[ "$(complete_words amt-keygen check keys)" = keys.csv ] || fail "a file"
[ "$(complete_words amt-keygen generate --map keys)" = keys.csv ] || fail "an option's file"
zsh_words() { # PROGRAM WORD...: what zsh is given to choose from for the last word
	local program=$1
	"$BIN/$program" --completion zsh >completion
	# shellcheck disable=SC2016 # for zsh
	zsh -fc 'compadd() { shift; print -l -- "$@" }; _arguments() { print -l -- "$@" }
		words=("$@"); CURRENT=$#; source ./completion' - "$@"
}
[ "$(zsh_words amt-keygen '')" = $'generate\ncheck' ] || fail "zsh: verbs"
[ "$(zsh_words amt-provisionctl systems '')" = $'list\nshow\nretry\nallow-setup\nforget\nexport' ] ||
	fail "zsh: second words"
zsh_words amt-provisionctl keys import '' | grep -q '^--skip-bad\[' || fail "zsh: options"
zsh_words amt-provisiond '' | grep -q '^--check\[' || fail "zsh: options without a verb"
# Every option that the help shows is offered by both shells.
for program in amt-keygen amt-setupbin ukpu amt-provisiond amt-provisionctl amt-sim; do
	"$BIN/$program" --completion bash >bash-completion
	"$BIN/$program" --completion zsh >completion
	{ echo; "$BIN/$program" --help | awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 }
		on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print }'; } >verbs
	while read -r verb; do
		# shellcheck disable=SC2086 # a verb may be two words, or none
		"$BIN/$program" $verb --help |
			sed -nE '/^Options:/,/^$/s/^ {2,6}(-[a-zA-Z], )?(--[a-z0-9-]+).*/\2/p' | sort >options
		[ -s options ] || continue
		# shellcheck disable=SC2086 # a verb may be two words, or none
		complete_words "$program" $verb -- | sort >offered
		diff options offered || fail "bash: options of $program $verb"
		# shellcheck disable=SC2086 # a verb may be two words, or none
		zsh_words "$program" $verb '' | sed -nE 's/^\*?(--[a-z0-9-]+).*/\1/p' | sort >offered
		diff options offered || fail "zsh: options of $program $verb"
	done <verbs
done
echo ok
