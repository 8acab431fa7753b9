#!/bin/bash
# Hellos as they go over the wire: bytes, segments, and those that no device should send.
set -eu
# shellcheck source=tests/support/common.inc
. "$(dirname "$0")/../../support/common.inc"
# Take one connection at a free port, said in "ready"; write what comes as hex, a line a segment,
# to "heard"; "open" then says how many tenths of a second it was open. With an argument, close
# after so many seconds.
cat >listener.py <<'PYTHON'
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print("ready", s.getsockname()[1], flush=True)
c, peer = s.accept()
began = time.monotonic()
c.settimeout(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
with open("heard", "w") as heard:
    try:
        while data := c.recv(4096):
            heard.write(data.hex() + "\n")
    except (TimeoutError, ConnectionResetError):
        pass
c.close()
with open("open", "w") as f:
    f.write("%s %d\n" % (peer[0], (time.monotonic() - began) * 10))
PYTHON
listen() {
	rm -f heard open ready
	python3 listener.py "$@" >ready &
	listener=$!
	trap 'kill $listener 2>/dev/null || true' EXIT
	wait_for 30 grep -qs '^ready' ready || fail "no listener"
	port=$(cut -d' ' -f2 ready)
}
hello() {
	"$BIN/amt-sim" hello --server 127.0.0.1:"$port" --uuid 939b524b-13d4-1d18-e487-1c697a6b7a2b \
		"$@" >out 2>err || { cat out err; fail "hello $*"; }
	wait $listener || fail "the listener failed"
}
uuid=4b529b93d413181de4871c697a6b7a2b
head=0100020000000000$uuid

listen
hello --pid 0000037M --address 127.9.8.7
[ "$(cat heard)" = ${head}303030303033374d ] || fail "hello is $(cat heard)"
grep -q '^127.9.8.7 ' open || fail "it came from $(cat open)"
grep -q 'sent 32 bytes' out || fail "$(cat out)"
listen
hello --pid 0000037m --retry-count 258
[ "$(cat heard)" = 0100020002010000${uuid}303030303033376d ] || fail "lower case is $(cat heard)"
listen
hello --pid 0000037M --bytes 31
[ "$(cat heard)" = ${head}30303030303337 ] || fail "31 bytes are $(cat heard)"
listen
hello --pid 0000037M --bytes 33
[ "$(cat heard)" = ${head}303030303033374d00 ] || fail "33 bytes are $(cat heard)"
listen
hello --interface-version 1
[ "$(cut -c5-8 heard)" = 0100 ] || fail "version 1 is $(cat heard)"
listen
hello --interface-version 3 --hashes 24
[ "$(cut -c5-8,49-54 heard)" = 0300180114 ] || fail "version 3 is $(cat heard)"
[ "$(tr -d '\n' <heard | wc -c)" = $((2 * (25 + 24 * 22))) ] || fail "version 3 has another length"

# Slowly, in pieces.
listen
hello --pid 0000037M --piece 8 --pause 100
[ "$(wc -l <heard)" = 4 ] || fail "not four segments: $(cat heard)"
[ "$(tr -d '\n' <heard)" = ${head}303030303033374d ] || fail "the pieces are $(cat heard)"

# Silent, until the server has had enough.
listen 0.5
hello --silent --json
[ ! -s heard ] || fail "it was not silent"
[ "$(jq -c '[.sent, .server_closed]' out)" = '[0,true]' ] || fail "$(cat out)"
jq -e '.seconds > 0.4 and .seconds < 5' out >/dev/null || fail "$(cat out)"
# Cut off by the server in the middle.
listen 0.3
hello --pid 0000037M --piece 1 --pause 500
grep -q 'the server closed' out || fail "$(cat out)"

if "$BIN/amt-sim" hello --server 127.0.0.1:"$port" --quiet >out 2>err; then
	fail "nobody listens, and it does not say so"
fi
grep -q 'look whether amt-provisiond runs' err || fail "$(cat err)"
"$BIN/amt-sim" hello --server 127.0.0.1:"$port" --pid 0000-037M >out 2>err &&
	fail "a PID with a dash"
"$BIN/amt-sim" hello --pid 0000037M >out 2>err && fail "no server"
exit 0
