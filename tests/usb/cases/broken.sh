# One sector that cannot be written, and one that cannot be read.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sdb
a=$(of_serial AMT0001) b=$(of_serial AMT0002)
try 2 ukpu prepare /dev/$a /five.bin $YES
said "Input/output error"
said "use another one"
unsaid "ready"
try 1 ukpu verify /dev/$a
try 2 ukpu verify /dev/$b
said "Input/output error"
try 2 ukpu status /dev/$b
