#!/bin/bash
# The demo passes, leaves nothing behind, and fails when a machine is not set up.
set -eu
fail() { echo "FAIL: $*"; exit 1; }
demo=${DEMO:-$(dirname "$0")/../../../samples/demo.sh}
demo=$(cd "$(dirname "$demo")" && pwd)/demo.sh

mkdir tmp
TMPDIR=$PWD/tmp "$demo" >out 2>&1 || { cat out; fail "the demo does not pass"; }
grep -q 'All as it should be' out || fail "the demo does not say so"
! grep -q 'NOT AS IT SHOULD BE' out || fail "a check of the demo failed"
grep -q 'invalid PID map' out || fail "the stranger is not in the log"
[ -z "$(ls tmp)" ] || fail "the demo left something behind: $(ls tmp)"

# The same with a second machine that holds another key than its record's.
mkdir spoiled
for p in amt-keygen amt-setupbin amt-provisiond amt-provisionctl ukpu; do ln -s "$BIN/$p" spoiled/$p; done
cat >spoiled/amt-sim <<SPOILED
#!/bin/bash
case "\$*" in
boot*pc2*) args=(); for a in "\$@"; do args+=("\${a/#30/2}"); done
	exec "$BIN/amt-sim" "\${args[@]}" --wrong-pps ;;
*) exec "$BIN/amt-sim" "\$@" ;;
esac
SPOILED
chmod +x spoiled/amt-sim
if TMPDIR=$PWD/tmp BIN=$PWD/spoiled "$demo" >out 2>&1; then
	cat out
	fail "the demo passes although a machine was not set up"
fi
grep -q 'NOT AS IT SHOULD BE: machine 2 says itself' out || fail "it does not say which one"
grep -q 'NOT AS IT SHOULD BE: machine 1' out && fail "it accuses the wrong one"
[ -z "$(ls tmp)" ] || fail "the failed demo left something behind: $(ls tmp)"
[ "$(jobs -p | wc -l)" = 0 ] || fail "processes are left"
