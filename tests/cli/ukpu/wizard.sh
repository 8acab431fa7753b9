#!/bin/bash
# ukpu wizard as a technician uses it, in a terminal of tmux: files, sticks, questions, ways out.
set -eu
# shellcheck source=tests/support/wizard.inc
. "$(dirname "$0")/../../support/wizard.inc"

printf 'P@ssw0rd\n' >new.txt; chmod 600 new.txt
mkdir folder
for f in keys other; do
	"$BIN/amt-keygen" generate -n 5 --new-password-file new.txt --setupbin $f.bin -o $f.csv \
		-q 2>/dev/null
done
mv keys.bin folder/keys.bin
head -c 3000 /dev/urandom >bad.bin
cp other.bin wrong.bin
for pid in $(tail -n +2 other.csv | cut -d, -f1 | tr -d -); do
	at=$(grep -abo "$pid" wrong.bin | cut -d: -f1)
	printf '!' | dd of=wrong.bin bs=1 seek="$at" conv=notrunc status=none
done
truncate -s 64M a.img b.img
truncate -s 10M small.img
pid=$(sed -n '2s/^\(....\)\([^,]*\),.*/\1-\2/p' keys.csv)

# Without a terminal, or with options that make no sense.
status 2 "$BIN/ukpu" wizard </dev/null
grep -q 'is not a terminal' err || fail "no word about the terminal"
status 2 "$BIN/ukpu" wizard a.img
status 2 "$BIN/ukpu" wizard --image
status 2 "$BIN/ukpu" wizard --layout round --image a.img

# Terminals that will not do.
terminal 79 24; run "\$BIN/ukpu wizard --image a.img"; see 'has 79 columns and 24 rows'; ended 2
terminal 80 23; run "\$BIN/ukpu wizard --image a.img"; see 'has 80 columns and 23 rows'; ended 2
terminal 80 24; run "TERM=dumb \$BIN/ukpu wizard --image a.img"; see 'kind "dumb"'; ended 2

# 80 x 24 shows a whole window and the line of help.
wizard="\$BIN/ukpu wizard --image a.img b.img small.img late.img"
run "$wizard"
see '1. The setup.bin'
see 'Ctrl-C: leave$'	# which is drawn last: it fits
grep -q 'Which setup.bin?' now || fail "the window does not fit"
grep -q 'folder/' now || fail "the folder is not shown"
grep -q 'new.txt' now && fail "a file that is not a setup.bin is offered"

# A bad file is refused, a good one found in its folder.
down_to '^ .*bad.bin'
press Enter; see 'cannot be used'; see 'is not a setup.bin file'
press Enter; see 'Which setup.bin?'
down_to '^ .*wrong.bin'
press Enter; see 'cannot be used'; see 'Error, record 1'; see 'wrong.bin has 5 errors'
# What does not fit into the window says so, and can be read all the same.
see 'The text is longer'
! grep -q 'Error, record 5' now || fail "all of it fits: this tests nothing"
grep 'Error, record 1,' now | grep -q '[^a-z0-9 ] *$' || fail "the window has lost its border"
press Tab PageDown PageDown; see 'Error, record 5'
press Tab Enter; see 'Which setup.bin?'
down_to 'into this folder'
press Enter; see 'keys.bin'
down_to 'keys.bin'
press Enter; see '2. The stick'

# Warnings stop nobody who goes on; the verdict on the stick has them, too.
press Escape; see 'Which setup.bin?'
cp folder/keys.bin folder/odd.bin
printf '\001' | dd of=folder/odd.bin bs=1 seek=38 conv=notrunc status=none
press C-r; see 'odd.bin'; down_to 'odd.bin'
press Enter; see 'can be used, but'; see 'Warning, byte 38'; press Enter; see 'Which setup.bin?'
down_to 'odd.bin'; press Enter; see 'can be used, but'; press Tab Enter; see '2. The stick'
press Escape; see 'Which setup.bin?'
down_to 'keys.bin'; press Enter; see '2. The stick'

# A file of that very name is what the list begins on.
press Escape; see 'Which setup.bin?'
cp folder/keys.bin folder/setup.bin
press C-r; see '^ .* setup.bin *.$'; press Enter; see 'is to get .*/folder/setup.bin'
press Escape; see 'Which setup.bin?'
rm folder/setup.bin
press C-r; see 'folder above'; down_to 'keys.bin'; press Enter; see '2. The stick'

# No stick is preselected; what is unfit says why and cannot be picked.
see 'none picked'
press Enter; sleep 0.5; see '2. The stick'
see 'small.img .* no'
down_to "has only"
press Enter; see 'cannot be picked'; see 'it has only 10.0 MiB'
press Enter; see '2. The stick'
down_to 'late.img'; see 'No such file'
truncate -s 32M late.img
press C-r; see 'late.img .* 32.0 MiB fit'

# Anything but yes writes nothing.
for word in no YES 'yes please'; do
	down_to 'a.img'
	press Enter; see '3. Write to this stick'; see "$pid"; see '64.0 MiB'; see 'will be lost'
	press "$word" Enter; see 'Nothing was written'
	press Enter; see '2. The stick'
done
down_to 'a.img'; press Enter; see 'Type the word yes'; press Escape; see '2. The stick'
cmp -n 67108864 a.img /dev/zero || fail "written without a yes"

# A yes does; then the result.
down_to 'a.img'; press Enter; see 'Type the word yes'; press yes Enter
see '5. Ready'; see 'firmware will see it'; see 'POST'
see "5 records, 5 unused; next is record 1, PID $pid"
status 0 "$BIN/ukpu" verify --image a.img
"$BIN/ukpu" status --image a.img --json >out
[ "$(jq -c '[.records, .left, .next_pid]' out)" = "[5,5,\"$pid\"]" ] || fail "status: $(cat out)"

# The next stick: the same keys are asked about; no means no.
press Enter; see '2. The stick'
down_to 'b.img'; press Enter; see 'on another stick'; see 'a.img'
press no Enter; see 'Nothing was written'; press Enter; see '2. The stick'
cmp -n 67108864 b.img /dev/zero || fail "keys went onto a second stick without a yes"
down_to 'b.img'; press Enter; see 'on another stick'; press yes Enter
see '3. Write to this stick'; press yes Enter; see '5. Ready'
status 0 "$BIN/ukpu" verify --image b.img

# Another setup.bin over a stick with unused records: asked, and a copy is kept.
press Tab Enter; see '1. The setup.bin'
press Up; sleep 0.2; press Enter; see 'other.bin'
down_to 'other.bin'; press Enter; see '2. The stick'
down_to 'a.img'; press Enter; see 'still has 5 unused records'
press yes Enter; see '3. Write to this stick'
see 'setup.bin in the root directory: 5 records, 5 unused'
press yes Enter; see '5. Ready'; see 'is kept in'
cmp folder/keys.bin "$XDG_STATE_HOME"/ukpu/backup-a.img-*.bin ||
	fail "the copy is not the old setup.bin"
status 0 "$BIN/ukpu" verify --image a.img
press Tab Tab Enter
see '^a.img: ready'; see '^b.img: ready'; ended 0

# Ways out: Escape from the first window, Ctrl-C, F10, SIGTERM, a window made too small.
run "$wizard"; see '1. The setup.bin'; press Escape; see 'no stick was written'; ended 0
run "$wizard"; see '1. The setup.bin'; press C-c; see 'no stick was written'; ended 0
run "TERM=vt100 $wizard"; see '1. The setup.bin'; press C-c; ended 0
coloured() { T capture-pane -e -p -t w | grep -q "$(printf '\033\\[4[1-7]m')"; }
run "$wizard"; see '1. The setup.bin'; coloured || fail "no colours are seen in this terminal"
press C-c; ended 0
run "NO_COLOR=1 $wizard"; see '1. The setup.bin'
coloured && fail "colours although NO_COLOR is set"
press C-c; ended 0
run "$wizard"; see '1. The setup.bin'; press F10; ended 0
run "sh -c 'echo \$\$ >pid; exec $wizard'"; see '1. The setup.bin'
press C-z; sleep 0.5; see '1. The setup.bin'
kill "$(cat pid)"; see 'no stick was written'; see 'ended by the signal SIGTERM'; ended 2
run "$wizard"; see '1. The setup.bin'
down_to 'other.bin'; press Enter; see '2. The stick'
down_to 'late.img'; press Enter; see 'on another stick'
press ye C-c; ended 0
cmp -n 33554432 late.img /dev/zero || fail "Ctrl-C wrote something"
run "$wizard"; see '1. The setup.bin'; T resize-window -t w -x 100 -y 30; sleep 0.5; see '^Arrows'
sed -n 30p now | grep -q Arrows || fail "the new size is not used"
T resize-window -t w -x 60 -y 20; see 'has 60 columns'; ended 2

# A stick that cannot be written says so; here the system refuses bytes behind the first 16 MiB.
terminal 80 24
run "(trap '' XFSZ; ulimit -S -f 16384; $wizard)"; see '1. The setup.bin'
down_to 'other.bin'; press Enter; see '2. The stick'; down_to 'late.img'; press Enter
see 'on another stick'; press yes Enter; see 'Type the word yes'; press yes Enter
see '5. NOT READY'; see 'late.img: .*File too large'; press Tab Tab Enter
see '^NOT ready: late.img'; ended 2
status 1 "$BIN/ukpu" verify --image late.img

# The next one may do better.
truncate -s 20M late2.img
run "(trap '' XFSZ; ulimit -S -f 24576; \$BIN/ukpu wizard --image late.img late2.img)"
see '1. The setup.bin'; down_to 'other.bin'; press Enter; see '2. The stick'
down_to 'late.img'; press Enter
see 'on another stick'; press yes Enter; see 'Type the word yes'; press yes Enter
see '5. NOT READY'; press Enter; see '2. The stick'; see 'late2.img .* fit'
down_to 'late2.img'; press Enter
see 'on another stick'; press yes Enter; see 'Type the word yes'; press yes Enter; see '5. Ready'
press C-c; see '^NOT ready: late.img'; see '^late2.img: ready'; ended 2
status 0 "$BIN/ukpu" verify --image late2.img

# More files with records than copies are kept of: said before, and what is kept afterwards.
rm -f late.img; truncate -s 64M late.img
mkfs.vfat -F 16 late.img >/dev/null
mkdir many
for i in $(seq 70); do cp folder/keys.bin "many/k$i.bin"; done
printf 'x' | dd of=many/k2.bin bs=1 seek=1000 conv=notrunc status=none
mcopy -i late.img many/*.bin ::
run "$wizard"; see '1. The setup.bin'; down_to 'other.bin'; press Enter; see '2. The stick'
down_to 'late.img'; press Enter; see 'still has 10 unused records'; see 'NO copy'
see "^ .*$XDG_STATE_HOME/ukpu/"
press yes Enter; see 'on another stick'; press yes Enter; see 'Type the word yes'; press yes Enter
see '5. Ready'; see '2 setup.bin files that were on it are kept'
press C-c; ended 0

# A terminal that goes away ends it.
terminal 80 24
run "sh -c 'echo \$\$ >pid; exec $wizard'"; see '1. The setup.bin'
T kill-server
wait_for 30 is_gone "$(cat pid)" || { echo "FAIL: it runs on without a terminal"; exit 1; }

no_secrets keys.csv other.csv
echo ok
