#!/bin/bash
# A stick for machines that are set up by certificate: one record, without a key, for all of them.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"
command -v openssl >/dev/null || { echo "openssl is not installed"; exit 77; }

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out root.pem -days 9 \
	-subj '/CN=Example AMT Root' 2>/dev/null
(umask 077; printf 'Str0ng!Pass\n' >new.txt)
expect 0 amt-setupbin create -q --pki --bare-metal --dns-suffix example.com --cert root.pem \
	--server 10.0.0.5 --new-password-file new.txt -o setup.bin

# Onto one stick after the other: there is no key that two of them could have.
for stick in one two; do
	expect 0 ukpu prepare --image --size 64M --yes $stick.img setup.bin
	says "1 record, every machine takes it; it holds no key"
	expect 0 ukpu verify --image $stick.img
	says "record 1 is for every machine, and holds no key"
	says "its records are not consumed: every machine takes record 1"
done
expect 0 ukpu status --image one.img
says "never: every machine takes record 1"

# It is never used up, which is said so, and a copy is kept before it goes.
expect 2 ukpu prepare --image --yes one.img setup.bin
says "one.img holds a setup.bin that every machine takes, and that is never used up"
expect 0 ukpu prepare --image --yes --overwrite-unused one.img setup.bin
says "a copy of its setup.bin"
echo ok
