# The lock switch is on.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sda
try 0 ukpu list
said "no: write-protected"
try 2 ukpu prepare /dev/sda /five.bin $YES
said "write-protected"
said "lock switch"
try 2 ukpu repair /dev/sda $YES
try 2 ukpu retire /dev/sda $YES
try 1 ukpu verify /dev/sda
said "FAIL  device-writable"
try 0 ukpu status /dev/sda
