#!/bin/bash
# The pages have an entry for every verb, and every option that --help shows, in at least one form, and
# no other ones; and the configuration's page every option of the configuration.
set -eu
fail() { echo "FAIL: $*"; exit 1; }
for program in amt-keygen amt-setupbin ukpu amt-provisiond amt-provisionctl amt-sim; do
	page=$(find "$TOP"/{common,keygen,setupbin,amt,ukpu,server,samples} -name "$program.[18]")
	{ echo; "$BIN/$program" --help | awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 }
		on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print }'; } >verbs
	while read -r verb; do
		[ -z "$verb" ] || grep -qE "^\.It (.*, )?(Cm )?$verb( |\$)" "$page" ||
			fail "${page##*/} has no entry for $verb"
	done <verbs
	# A line each: the short form, if there is one, and the long one.
	while read -r verb; do
		# shellcheck disable=SC2086 # a verb may be two words, or none
		"$BIN/$program" $verb --help | awk '/^Options:/ { on = 1; next } /^$/ { on = 0 } on' |
			sed -nE 's/^ {2,6}(-[a-zA-Z], )?(--[a-z0-9-]+).*/\1\2/p' | tr -d ,
	done <verbs | sort -u >options
	[ "$(wc -l <options)" -ge 4 ] || fail "$program --help shows no options"
	grep '^\.' "$page" | grep -oE '(\bFl|[|,]) (-[a-z0-9-]+|[a-zA-Z]( |$))' |
		sed -E 's/^[^ ]+ /-/; s/ $//' | sort -u >listed
	while read -r option; do
		tr ' ' '\n' <<<"$option" | grep -qxFf listed || fail "${page##*/} does not have $option"
	done <options
	tr ' ' '\n' <options >forms
	while read -r form; do
		grep -qxFe "$form" forms || fail "${page##*/} has $form, $program --help does not"
	done < <(grep -E '^-([a-zA-Z]|-.*)$' listed)
done

# The sample, in which every option stands commented out, has the same; --check shows no profiles.
sed -n 's/^#\([a-z_]*\) =.*/\1/p' "$TOP/samples/amt-provisiond.conf" | sort >sample
sed -nE 's/^\.It (Cm|Va) ([a-z_]+) No = .*/\2/p' "$TOP/server/amt-provisiond.conf.5" | sort >listed
[ "$(wc -l <sample)" -ge 30 ] || fail "the sample configuration has no options"
diff sample listed || fail "amt-provisiond.conf(5) differs from the sample"
printf '[server]\n' >conf
"$BIN/amt-provisiond" --check -c conf | sed -n 's/^\([a-z_]*\) =.*/\1/p' | sort >has
sed '/^#\[profile/,$d' "$TOP/samples/amt-provisiond.conf" | sed -n 's/^#\([a-z_]*\) =.*/\1/p' |
	sort | diff - has || fail "the sample differs from amt-provisiond --check"

# Every event has its name in a page of the server.
grep -ohE '(SEVERITY_[A-Z]+,|[.]name =) *"[a-z-]+"' -r "$TOP"/server --include='*.c' | grep -oE '"[a-z-]+"' |
	tr -d '"' |
	sort -u >events
[ "$(wc -l <events)" -ge 25 ] || fail "no events are found"
while read -r event; do
	grep -qE "[ ,]$event( |,|$)|^\.It Cm .*$event" "$TOP"/server/{,ctl/}amt-provision*.8 ||
		fail "no page has the event $event"
done <events
echo ok
