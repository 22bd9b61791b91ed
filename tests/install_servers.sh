#!/bin/sh
# Installs the servers that tests talk to, without starting any; says so and goes on where a package cannot be had.
set -eu
export DEBIAN_FRONTEND=noninteractive

missing=""
need() { # need PACKAGE FILE...: one of the files shows that it is there
    package=$1
    shift
    for file in "$@"; do [ -e "$file" ] && return; done
    missing="$missing $package"
}
need dovecot-imapd /usr/sbin/dovecot
need postfix /usr/sbin/postfix
need postgresql /usr/bin/pg_ctlcluster
need mariadb-server /usr/sbin/mariadbd
need slapd /usr/sbin/slapd
need ldap-utils /usr/bin/ldapadd
need rt5-db-postgresql /usr/share/doc/rt5-db-postgresql
need request-tracker5 /usr/sbin/rt-setup-database-5
need debootstrap /usr/sbin/debootstrap
need rspamd /usr/bin/rspamd
need clamav-daemon /usr/sbin/clamd
need chromium /usr/bin/chromium /usr/bin/chromium-browser
need libatomic1 /usr/lib/*/libatomic.so.1 # of the Node.js that drives the browser
[ -n "$missing" ] || exit 0

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
# RT gets databases of the tests, none of its own
echo "request-tracker5 request-tracker5/dbconfig-install boolean false" | debconf-set-selections || true
apt-get update -qq || echo "apt-get update failed" >&2
for package in $missing; do
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null || echo "$package cannot be installed" >&2
done
