#!/bin/bash
# Builds dist/mailgate_VERSION+debRELEASE_ARCHITECTURE.deb on and for the release of Debian that it runs on: the locked
# wheels, checked by their hashes, in an environment of their own below /usr/lib/mailgate.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

python=/usr/bin/python3
home=/usr/lib/mailgate
doc=/usr/share/doc/mailgate
from=packaging/debian
# shellcheck disable=SC1091
. /etc/os-release
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -n 1)+deb${VERSION_ID:-$VERSION_CODENAME}
architecture=$(dpkg --print-architecture)
minor=$("$python" -c 'import sys; print(sys.version_info.minor)')
stamp=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
maintainer="${DEBFULLNAME:-mailgate} <${DEBEMAIL:-mailgate@localhost}>"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/root"
root=$stage/root

echo "the locked wheels, with $("$python" --version)"
"$python" -m venv "$root$home"
"$root$home/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-service.lock
"$root$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .

echo "manual pages and completion"
"$root$home/bin/python" packaging/manual.py "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions/mailgate"

# what only this folder knows, or nobody needs who runs it
"$root$home/bin/python" -m pip uninstall --quiet --yes pip setuptools 2>/dev/null
find "$root$home/bin" ! -name 'python*' ! -name mailgate ! -type d -delete
rm -rf "$root$home/include" "$root$home/share" "$root$home/lib/python3.$minor"/site-packages/mailgate-*.dist-info/direct_url.json
sed -i "1s|.*|#!$home/bin/python3|" "$root$home/bin/mailgate"
printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = %s\n' "$("$python" -c 'import platform; print(platform.python_version())')" \
    >"$root$home/pyvenv.cfg"
find "$root$home" -name __pycache__ -prune -exec rm -rf {} +
find "$root$home/lib" -type f -exec chmod 644 {} +

install -d "$root/usr/bin" "$root$doc/docs" "$root/usr/lib/systemd/system" "$root/usr/share/lintian/overrides"
ln -s ../lib/mailgate/bin/mailgate "$root/usr/bin/mailgate"
install -m 644 systemd/mailgate.service systemd/mailgate.socket "$root/usr/lib/systemd/system/"
install -D -m 644 systemd/mailgate.sysusers.conf "$root/usr/lib/sysusers.d/mailgate.conf"
install -D -m 644 systemd/mailgate.tmpfiles.conf "$root/usr/lib/tmpfiles.d/mailgate.conf"
install -m 644 "$from/lintian-overrides" "$root/usr/share/lintian/overrides/mailgate"
install -m 644 "$from/copyright" README.md CHANGELOG.md "$root$doc/"
install -m 644 docs/*.md "$root$doc/docs/"
printf 'mailgate (%s) %s; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$version" "${VERSION_CODENAME:-unstable}" \
    "$maintainer" "$(date -Rud "@$stamp")" | gzip -9n >"$root$doc/changelog.gz"

install -d "$root/DEBIAN"
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$(du -sk --exclude=DEBIAN "$root" | cut -f 1)/" \
    -e "s/@MINOR@/$minor/; s/@NEXT@/$((minor + 1))/; s|@MAINTAINER@|$maintainer|" "$from/control" >"$root/DEBIAN/control"
install -m 755 "$from/postinst" "$from/prerm" "$from/postrm" "$root/DEBIAN/"
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -newermt "@$stamp" -print0 | xargs -0r touch --no-dereference --date="@$stamp"
mkdir -p dist
dpkg-deb --root-owner-group -z3 --build "$root" "dist/mailgate_${version}_$architecture.deb"
