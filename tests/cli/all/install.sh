#!/bin/bash
# "make install" puts everything under DESTDIR and PREFIX, names the folders that it used, and
# leaves a configuration that is there alone.
set -eu
fail() { echo "FAIL: $*"; exit 1; }
make_it() { make -s -C "$TOP" B="$(dirname "$BIN")" -o all "$@" >made 2>&1 ||
	{ cat made; fail "make $1"; }; }
install_it() { make_it install "$@"; }
install_it DESTDIR="$PWD/usr" PREFIX=/usr
(cd usr && find . -type f) | sort >files
for program in amt-keygen amt-setupbin ukpu amt-provisiond amt-provisionctl; do
	path=$(grep -E "^\./usr/s?bin/$program\$" files) || fail "$program is not installed"
	[ "$(stat -c %a "usr/$path")" = 755 ] || fail "$program is not to be run"
	grep -qE "^\./usr/share/man/man[18]/$program\.[18]\$" files || fail "no page of $program"
	grep -qx "./usr/share/bash-completion/completions/$program" files || fail "bash: $program"
	grep -qx "./usr/share/zsh/vendor-completions/_$program" files || fail "zsh: $program"
done
pages=$(find "$TOP"/{common,keygen,setupbin,amt,ukpu,server} -name '*.[1578]' | wc -l)
[ "$(grep -c '/man/man' files)" = "$pages" ] ||
	fail "pages are missing"
# What is said to belong into the packages is all of it.
sed 's,^,./,' "$TOP"/debian/*.install | sort | diff - files || fail "the packages differ"
unit=usr/lib/systemd/system/amt-provisiond.service
while read -r path; do
	[ -e "usr$path" ] || fail "the unit names $path, which is not there"
done < <(grep -oE '(/usr/sbin|/etc)/[a-z./-]+' "$unit")

echo '# changed' >>usr/etc/amt-provision/amt-provisiond.conf
install_it DESTDIR="$PWD/usr" PREFIX=/usr
grep -q '# changed' usr/etc/amt-provision/amt-provisiond.conf || fail "the configuration is gone"

install_it DESTDIR="$PWD/opt" PREFIX=/opt/kit
[ "$(ls opt)$(ls opt/opt)" = optkit ] || fail "something is outside of PREFIX"
! grep -rlE '[^t]/etc/amt-provision|/usr/sbin' --include='*.[1578]' --include='*.service' opt ||
	fail "the files above name other folders"
grep -q 'ExecStart=/opt/kit/sbin/amt-provisiond -c /opt/kit/etc/amt-provision/amt-provisiond.conf' \
	opt/opt/kit/lib/systemd/system/amt-provisiond.service || fail "the unit has other folders"

# What is not the kit's own stays, and so does the configuration.
echo mine >opt/opt/kit/bin/mine
make_it uninstall DESTDIR="$PWD/opt" PREFIX=/opt/kit
[ "$(cd opt && find . -type f | sort | tr '\n' ' ')" = \
	"./opt/kit/bin/mine ./opt/kit/etc/amt-provision/amt-provisiond.conf " ] ||
	fail "uninstall left or took too much: $(find opt -type f)"
echo ok
