# One sector that cannot be written, and one that cannot be read.
await sda
try 2 ukpu prepare /dev/sda /five.bin $YES
said "Input/output error"
said "take another one"
unsaid "ready"
try 1 ukpu verify /dev/sda
await sdb
try 2 ukpu verify /dev/sdb
said "Input/output error"
try 2 ukpu status /dev/sdb
