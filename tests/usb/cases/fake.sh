# A stick that says 8 GiB and holds 64 MiB: what is written above comes out at the beginning.
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154,SC2217
loadmod scsi_debug dev_size_mb=64 virtual_gb=8 removable=1 sector_size=512
sleep 1
d=$(stick)
await $d
serial=$(dd if=/sys/block/$d/device/vpd_pg80 bs=1 skip=4 2>/dev/null | tr -d ' \0')
try 0 ukpu list --all
said "8.0 GiB"
said "no: not on USB"
try 2 ukpu prepare /dev/$d /five.bin --yes --serial "$serial"
said "allow-non-usb"
try 2 ukpu prepare /dev/$d /five.bin --yes --serial "$serial" --allow-non-usb
said "fake capacity"
said "8.0 GiB"
said "64.0 MiB"
try 1 ukpu verify /dev/$d
