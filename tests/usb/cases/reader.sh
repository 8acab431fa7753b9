# A card reader: an empty slot, a card with 4,096-byte sectors, a good card.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
await sdc
empty=$(unit 0) large=$(unit 1) good=$(unit 2)
host eject
try 0 ukpu list
said "unit 1 of 3"
said "unit 3 of 3"
said "no: there is no medium in it"
said "no: it has sectors of 4096 bytes"
try 0 ukpu list --json
said '"units": 3'
S="--yes --serial READER"
try 2 ukpu prepare /dev/$empty /five.bin $S
said "no medium"
try 2 ukpu verify /dev/$empty
said "no medium"
try 2 ukpu prepare /dev/$large /five.bin $S
said "4096"
try 1 ukpu verify /dev/$large
said "FAIL  device-sectors"
try 0 ukpu prepare /dev/$good /five.bin $S
try 0 ukpu verify --strict /dev/$good
# The card is known by its mark. The next one in the slot has the reader's serial number, too: the
# keys are asked for.
try 0 ukpu prepare /dev/$good /five.bin $S --overwrite-unused
dd if=/dev/zero of=/dev/$good bs=1M count=8 2>/dev/null
try 2 ukpu prepare /dev/$good /five.bin $S
said "5 of these keys"
said "in unit 3"
