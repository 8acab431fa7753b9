#!/bin/bash
# Every example of the man pages, of the README and of --help is run and does what it says: each
# in a folder of its own with the files that it takes for granted, with image files in the place
# of /dev/sdX, and with a waiting server where it talks to one.
set -eu
# shellcheck source=tests/support/daemon.inc disable=SC1091
source "$TOP/tests/support/daemon.inc"
need mcopy openssl perl
SUITE=$PWD PROGRAMS="amt-keygen amt-setupbin ukpu amt-provisiond amt-provisionctl amt-sim"

# Not run: the whole line, two blanks or more, the reason.
cat >not-run <<'LIST'
ukpu wizard  needs a terminal: ukpu_wizard.sh
ukpu wizard --image stick1.img stick2.img  needs a terminal: ukpu_wizard.sh
amt-provisionctl keys add --new-password-file mebx.txt  asks at a terminal: provisionctl_add.sh
make demo  demo.sh runs it
make check  runs this test
make deb  builds in a clean tree: install.sh compares what the packages take
apt-get install ./build/deb/ukpu_*.deb ./build/deb/amt-provision_*.deb  needs root
LIST
# What does not end with 0: the status, the beginning of the line. 124 is stopped after a while.
cat >statuses <<'LIST'
124 amt-provisiond -c
124 amt-provisionctl log --follow
124 amt-sim run
124 amt-sim fleet -n 1 --pki
124 amt-sim hello --server 127.0.0.1:HELLO --silent
1 spoiled: ukpu verify
1 amt-provisionctl reconcile /dev/sdx
[01] amt-provisionctl doctor
1 amt-provisionctl certificates match
LIST
[ -d /sys/block ] || echo '2 ukpu list' >>statuses
# Examples of formats: the page, and what reads them.
cat >formats <<'LIST'
amt-keylist.5 amt-keygen check example
amt-provisiond.conf.5 amt-provisiond --check -c example
setup.bin.5 amt-setupbin create -o out.bin --json example
LIST

# --- The examples, each in a file of its own that begins with a comment: where it stands.
mkdir units
n=0
unit() { # SOURCE, lines on standard input
	local format
	n=$((n + 1))
	echo "# $1" >units/$n
	if format=$(grep "^$1 " formats); then
		# With files that are there in the place of the machine's own.
		{ echo "cat >example <<'%%'"
		sed "s,/etc/amt-provision/lab-password,$SUITE/given/mebx.txt,; s,/usr/local/lib/[a-z-]*,/bin/true,"
		printf '%%%%\n%s\n' "${format#* }"; } >>units/$n
	else
		# The comments of the README go, the ports become free ones.
		sed -E 's/(^|[ \t]+)# .*//; s/\b9971\b/HELLO/g; s/\b16992\b/PLAIN/g' >>units/$n
	fi
}
# Examples of one source; a line "%%" follows each.
units() { # SOURCE
	local before=$n line block=
	while IFS= read -r line; do
		if [ "$line" != %% ]; then block+=$line$'\n'; continue; fi
		unit "$1" <<<"${block%$'\n'}"
		block=
	done
	[ $n -gt "$before" ] || fail "$1 has no examples"
}
while read -r -u 3 page; do
	grep -q '^\.Sh EXAMPLES' "$page" || continue
	awk '/^\.Sh/ { on = $2 == "EXAMPLES" } !on { next }
		/^\.Bd/ { block = 1; next } /^\.Ed/ { block = 0; print "%%"; next }
		block { gsub(/\\e/, "\\"); print }
		/^\.Dl/ { sub(/^\.Dl (\$ )?/, ""); gsub(/\\e/, "\\"); print; print "%%" }' "$page" >blocks
	units "${page##*/}" <blocks
done 3< <(find "$TOP"/{common,keygen,setupbin,amt,ukpu,server,samples} -name '*.[1578]' | sort)
awk '/^```sh/ { on = 1; next } /^```/ && on { on = 0; print "%%" } on' "$TOP/README.md" >blocks
units README.md <blocks
for program in $PROGRAMS; do
	"$BIN/$program" --help >help
	{ echo; awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 }
		on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print }' help; } >verbs
	while read -r verb; do
		# shellcheck disable=SC2086 # a verb may be two words
		"$BIN/$program" $verb --help | awk '/^Examples:/ { on = 1; next } /^$/ { on = 0 }
			on { sub(/^  /, ""); print; if (!/\\$/) print "%%" }' >blocks
		units "$program $verb --help" <blocks
	done <verbs
done
[ $n -gt 100 ] || fail "only $n examples were found"

# --- What examples take for granted.
free_port() {
	local port=$((30000 + RANDOM % 2700))
	while listens ":$port"; do port=$((30000 + RANDOM % 2700)); done
	echo $port
}
HELLO=$(free_port) PLAIN=$(free_port)
export SUITE PORT HELLO
DAEMON=
trap '[ -z "$DAEMON" ] || kill -9 $DAEMON 2>/dev/null || true' EXIT
serve() { # a server for the map of this folder
	printf '%s\n' '[server]' 'map = map.db' "listen = 127.0.0.1:$HELLO" '[setup]' \
		"callback_port = $PORT" '[names]' 'fqdn_required = no' >serve.conf
	: >serve.log
	"$BIN/amt-provisiond" -c serve.conf 2>>serve.log &
	DAEMON=$!
	until_line 'waiting for hellos on' serve.log
}
until_line() { # PATTERN FILE
	wait_for 30 grep -q "$1" "$2" || { cat "$2"; fail "no \"$1\" came"; }
}
stop_serving() { kill -TERM $DAEMON; wait $DAEMON || true; DAEMON=; }

umask 077
mkdir given
cd given
echo 'P@ssw0rd' >mebx.txt
echo 'NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ' >pps.txt
"$BIN/amt-keygen" generate -q -n 100 --new-password-file mebx.txt -o keys.csv
"$BIN/amt-setupbin" create -q -o setup.bin --keys keys.csv --file-version 3.0 --set kvm=1
"$BIN/amt-setupbin" split -q setup.bin -n 2 -o stick-%.bin
"$BIN/amt-setupbin" show --json --secrets setup.bin >setup.json
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out root.pem -subj /CN=Root 2>/dev/null
"$BIN/ukpu" prepare -q --image --size 64M stick.img setup.bin --yes
"$BIN/amt-sim" boot -q --state pc1 --stick stick.img
"$BIN/amt-setupbin" create -q -o one.bin --keys <(head -n 2 keys.csv)
"$BIN/ukpu" prepare -q --image --size 64M served.img one.bin --yes --second-stick
"$BIN/amt-sim" boot -q --state pc2 --stick served.img
cp keys.csv factory-keys.csv
cp keys.csv keys.csv.gpg
cp setup.bin backup-AMT0001-20260101T120000Z.bin
cp "$TOP/samples/amt-provisiond.conf" .
printf 'uuid,fqdn\n939b524b-13d4-1d18-e487-1c697a6b7a2b,pc1.example.com\n' >machines.csv
# The map: the key and the machine that the pages speak of, profiles, a setting.
{ sed -n 1p keys.csv; echo '0000037M,NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ,admin,P@ssw0rd'; } >known
ctl keys import -q keys.csv known
ctl profiles set -q office admin_password=random
ctl profiles set -q lab rekey=yes
ctl config set -q max_setups 90
# The server's certificates, and one that was bought, in one file and in three.
certificates() { "$BIN/amt-provisionctl" certificates "$@" -q --folder certificates --map map.db; }
mkdir others
certificates new-ca --suffix example.com --name old.example.com -o others
rm root.pem
certificates new-ca --suffix example.com
openssl x509 -in certificates/old.example.com.pem -out vendor.crt
openssl pkey -in certificates/old.example.com.pem -out vendor.key
cp others/root.pem intermediate.crt
cat vendor.key vendor.crt intermediate.crt >vendor.pem
serve
"$BIN/amt-sim" hello -q --server 127.0.0.1:"$HELLO" --address "$NET.1" --pid 0000000C \
	--uuid 939b524b-13d4-1d18-e487-1c697a6b7a2b >/dev/null
until_line 'invalid PID map' serve.log
stop_serving
ctl backup -q map-monday.db
cd ..

# --- The programs as an example finds them: on the path, and each writes down how it ended.
mkdir path
cat >path/run <<'RUN'
#!/bin/bash
# The program of this name, with what is the machine's own replaced by what the folder holds.
program=${0##*/} image='' map='' skip='' stopped='' args=() ends=0
for word in "$@"; do
	case $word in
	/dev/sd*) image=1 word=${word#/dev/}.img ;;
	/srv/* | /etc/amt-provision/*) word=${word##*/} ;;
	samples/*) word=$TOP/$word ;;
	-m | --map) map=1 ;;
	esac
	# Image files have no serial number.
	if [ "$word" = --serial ]; then skip=1; elif [ "$skip" ]; then skip=; else args+=("$word"); fi
done
case "$program $*" in
"ukpu prepare "* | "ukpu repair "* | "ukpu retire "*)
	[ -z "$image" ] || args+=(--image)
	case " $* " in *" --yes "*) ;; *) args+=(--yes) ;; esac ;;
"ukpu list"*) ;;
"ukpu "*) [ -z "$image" ] || args+=(--image) ;;
"amt-provisionctl restore"* | "amt-provisionctl systems forget"*) args+=(--yes --map map.db) ;;
"amt-provisionctl certificates new-ca"*) rm -rf certificates root.pem root.key; args+=(--folder certificates) ;;
"amt-provisionctl certificates"*) args+=(--folder certificates --map map.db) ;;
"amt-provisionctl "*) [ "$map" ] || args+=(--map map.db) ;;
"amt-sim boot "* | "amt-sim run "* | "amt-sim fleet "*) args+=(--port "$PORT") ;;
"amt-provisiond -c server.conf") printf '[setup]\ncallback_port = %s\n' "$PORT" >>server.conf ;;
"amt-provisiond -c"*) args=(-c serve.conf) ;;
esac
grep -F "124 $program" "$SUITE/statuses" | cut -d' ' -f2- >endless.$$
while read -r line; do [[ "$program $*" != "${line/HELLO/$HELLO}"* ]] || ends=$LIMIT; done <endless.$$
trap 'kill $child; stopped=124' TERM
timeout "$ends" "$BIN/$program" "${args[@]}" <&0 &
child=$!
wait $child || status=$?
[ -z "$stopped" ] || { wait $child; status=$stopped; }
# Lines of this length go out in one piece, from programs side by side too.
echo "${status:-0} $SPOILED$program $*" >>ran
exit "${status:-0}"
RUN
# shellcheck disable=SC2016 # for the script that is written
printf '#!/bin/sh\ncat "$2"\n' >path/gpg			# gpg -d FILE
# shellcheck disable=SC2016 # for the script that is written
printf '#!/bin/sh\nsed -i s/P@ssw0rd/Other.Pa55/ "$1"\n' >path/vi	# somebody edits it
chmod +x path/*
for program in $PROGRAMS; do ln -s run "path/$program"; done

# Names that an example writes, one a line: what stands behind these words.
writes='(?:(?:-o|--output|--setupbin|--backup|--save-other-files|boot --state|prepare --image|>)\s*|backup /srv/backup/)'
written() { perl -ne 'print "$1\n" while /(?:^|[ \t])(?:-o|--output|--setupbin|--save-other-files|boot --state|>) ?([\w%.\/-]+)/g' "$1" | grep -v '^-' || true; }

# --- Each in its folder.
: >known-statuses
mkdir run
ran=0
for ((u = 1; u <= n; u++)); do
	# What is not run goes.
	cut -f1 <(sed -E 's/  +/\t/' not-run) >lines
	grep -vxFf lines units/$u >left || true
	grep -xFf lines units/$u >>skipped || true
	[ "$(wc -l <left)" -gt 1 ] || continue
	rm -rf run && mkdir run
	where=$(sed -n '1s/^# //p' left)
	text=$(sed "s/HELLO/$HELLO/g; s/PLAIN/$PLAIN/g" left)
	cp given/map.db* given/serve.conf run
	for file in given/*; do
		# Files that are read before they are written, if they are at all.
		file=${file##*/}
		W=$writes F=$file perl -0777 -ne 'exit !(/^(.*?)(?<![\w.-])\Q$ENV{F}\E(?![\w.-])/s &&
			$1 !~ /$ENV{W}$/)' left || continue
		cp -r --sparse=always given/"$file" run
		[ ! -e given/"$file.key" ] || cp given/"$file.key" run
	done
	# A stick: new, one that something happened to, or one as it should be.
	SPOILED=
	grep -oE '/dev/sd[a-zX]' left | sort -u >devices || true
	while read -r dev; do
		stick=run/${dev#/dev/}.img
		case $text in
		*" prepare "* | *--from*) truncate -s 64M "$stick" ;;
		*" retire "*) cp --sparse=always given/served.img "$stick" ;;
		*) cp --sparse=always given/stick.img "$stick" ;;
		esac
		case $text in *" repair "*)
			SPOILED="spoiled: "
			case $text in
			*--save-other-files*) mcopy -i "$stick@@1M" given/mebx.txt :: ;;
			*--from*) ;;
			*) mren -i "$stick@@1M" ::SETUP.BIN ::SETUP2.BIN ;;
			esac
		esac
	done <devices
	cd run
	case $text in *"keys add"*) rm map.db* ;; esac	# that key is in it
	case $text in *amt-provisiond*) LIMIT=20 ;; *) LIMIT=1 ;; esac
	case $text in *"amt-provisiond -c /"*) LIMIT=1 ;; esac
	case $text in *"amt-provisiond -c server.conf"*) ;; *--server\ 127.0.0.1:*) serve ;; esac
	echo "--- $where"
	# shellcheck disable=SC2016 # for the shell that runs it
	printf '%s\n' 'trap '\''echo "$? $BASH_COMMAND" >>failed'\'' ERR' "$text" \
		'running=$(jobs -p); [ -z "$running" ] || { kill $running; wait; }' >script
	: >ran
	export LIMIT SPOILED XDG_STATE_HOME=$PWD UKPU_JOURNAL=$PWD/sticks.db
	echo 'P@ssw0rd' | PATH=$SUITE/path:$PATH bash script >out 2>&1 || true
	bad() { cat out; fail "$where: $*"$'\n'"$text"; }
	while read -r status line; do
		want=0
		while read -r other begin; do
			[[ "$line" != "${begin/HELLO/$HELLO}"* ]] || { want=$other; echo "$other $begin" >>../used; }
		done <../statuses
		# shellcheck disable=SC2053 # a pattern
		[[ $status = $want ]] || bad "status $status, not $want, of: $line"
	done <ran
	[ ! -s failed ] || ! grep -vE "^[0-9]+ (${PROGRAMS// /|}) " failed || bad "that failed"
	commands=$(grep -cE "(^|[|;(] *)(${PROGRAMS// /|})( |$)" ../left || true)
	[ "$(wc -l <ran)" = "$commands" ] || bad "$(wc -l <ran) of $commands commands were run"
	written script >names
	while read -r name; do
		# shellcheck disable=SC2086 # a pattern
		for file in ${name/\%/*}; do [ -s "$file" ] || bad "$file was not written"; done
	done <names
	[ -z "$DAEMON" ] || stop_serving
	cd ..
	ran=$((ran + commands))
done
# The lists hold nothing that is not needed.
while read -r line; do grep -qxF "$line" skipped || fail "no example is \"$line\""; done <lines
while read -r line; do grep -qxF "$line" used || fail "no example needs \"$line\""; done <statuses
echo "$n examples, $ran commands"
