#!/bin/bash
# What a service manager gives and hears: notifications, a watchdog, a limit of open files.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"
need python3

make_map 1
write_conf '[keys]' 'reserve_seconds = 60'
cat >manager.py <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('notify')
print('listening', flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
END
python3 manager.py >notified &
manager=$!
wait_for 30 grep -q listening notified || fail "the manager does not listen"
export NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=2000000
start
unset NOTIFY_SOCKET WATCHDOG_USEC
wait_for 30 grep -qx READY=1 notified || fail "not ready: $(cat notified)"
wait_for 30 grep -qx WATCHDOG=1 notified || fail "no sign of life: $(cat notified)"
# It says when it reads its configuration again, and when it is done with it.
kill -HUP $DAEMON
wait_for 30 grep -qx RELOADING=1 notified || fail "the reload is not said: $(cat notified)"
grep -qx 'MONOTONIC_USEC=[1-9][0-9]*' notified || fail "not said since when: $(cat notified)"
ready_again() { [ "$(grep -cx READY=1 notified)" = 2 ]; }
wait_for 30 ready_again || fail "not ready after the reload: $(cat notified)"
sim_hello --address "$NET.1" --pid "$(pid_of 1)"
wait_for 30 grep -q '^STATUS=1 hello heard, .* 0 configured' notified || fail "$(cat notified)"
stop
wait_for 30 grep -qx STOPPING=1 notified || fail "the stop is not said: $(cat notified)"
kill $manager

# A limit that is too low is raised as far as it may be; what is missing goes off the hellos, and is said.
sed -i 's/^\[limits\]/&\nmax_connections = 2000/' conf
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 3000 ] || fail "the hard limit is too low"
ulimit -Sn 200
start
limit() { awk '/^Max open files/ { print $4 }' "/proc/$DAEMON/limits"; }
[ "$(limit)" -ge 2000 ] || fail "the soft limit is $(limit)"
! grep -q system-limit log || fail "a limit is complained of that could be raised"
stop
ulimit -n 300
start
[ "$(limit)" = 300 ] || fail "the limit is $(limit)"
wait_log 'warning system-limit: the limit of open files is 300, .*: at most 150 hellos are heard at a time -- raise the hard limit'
# It holds that bound: more connections than descriptors keep no machine out.
cat >crowd.py <<'END'
import socket, sys, time
host, port = sys.argv[1].rsplit(':', 1)
crowd = []
for i in range(250):
    s = socket.socket()
    s.bind(('%s.%d' % (sys.argv[2], i % 200 + 20), 0))
    s.connect((host, int(port)))
    crowd.append(s)
print('here', flush=True)
time.sleep(60)
END
(ulimit -n 280; exec python3 crowd.py "$SERVER" "$NET") >crowd 2>&1 &
crowd=$!
wait_for 30 grep -q here crowd || fail "$(cat crowd)"
sim_hello --address "$NET.2" --pid 0000037M --uuid 00000000-1111-2222-3333-000000000002
wait_log "invalid-pid-map .*address=$NET.2"
wait_log 'connections-full '
kill $crowd
alive
stop
