#!/bin/bash
# Installs the Debian packages named as arguments that are missing; says the command if it may not.
set -eu
missing=()
for package in "$@"; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
		missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
command -v apt-get >/dev/null || {
	echo "These packages are missing, and this is not Debian: ${missing[*]}" >&2
	exit 2
}
if [ "$(id -u)" = 0 ]; then
	root=()
elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then
	root=(sudo)
else
	echo "Packages are missing. As root, run:" >&2
	echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 2
fi
echo "Installing: ${missing[*]}"
"${root[@]}" apt-get -qq update
"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
	apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null
