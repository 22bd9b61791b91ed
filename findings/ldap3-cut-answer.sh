#!/bin/sh
# What surprised us: ldap3's paged search ends without a word where the server cut the answer off.
#
# A connection with raise_exceptions=True raises for what went wrong, but not for sizeLimitExceeded and timeLimitExceeded
# (ldap3.core.results.DO_NOT_RAISE_EXCEPTIONS). extend.standard.paged_search, which is there so that limits on a page do not
# matter, yields what came until then and ends as if that were all. Whoever compares the result with what they have believes
# that the rest is gone. connection.result says it (4), if it is looked at after the last entry.
#
# Seen with ldap3 2.9.1 and OpenLDAP's slapd 2.5.13 of Debian 12: 8 people, a limit of 5, pages of 3: 5 entries, no exception.
# Needs: slapd and ldap-utils (Debian), Python 3, a package index. Fails if any of this changes.
set -eu
command -v slapd >/dev/null && command -v slapadd >/dev/null || { echo "needs slapd" >&2; exit 2; }
folder=$(mktemp -d)
trap 'test -n "${server:-}" && kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ldap3==2.9.1
mkdir "$folder/db"
cat >"$folder/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
sizelimit 5
database mdb
suffix "dc=desk,dc=example"
directory $folder/db
access to * by * read
CONF
{
    printf 'dn: dc=desk,dc=example\nobjectClass: dcObject\nobjectClass: organization\no: desk\ndc: desk\n\n'
    for number in 1 2 3 4 5 6 7 8; do
        printf 'dn: cn=p%s,dc=desk,dc=example\nobjectClass: person\ncn: p%s\nsn: p\n\n' $number $number
    done
} >"$folder/people.ldif"
slapadd -f "$folder/slapd.conf" -l "$folder/people.ldif" 2>/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
slapd -f "$folder/slapd.conf" -h "ldap://127.0.0.1:$port/" -d 0 2>/dev/null &
server=$!
slapd -VV 2>&1 | sed -n 's/.*OpenLDAP: slapd \([0-9.]*\).*/slapd \1/p' | head -1
PORT=$port "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys
import time

import ldap3

print("ldap3", ldap3.__version__)
for _ in range(100):
    try:
        connection = ldap3.Connection(
            ldap3.Server("127.0.0.1", int(os.environ["PORT"])), auto_bind=True, raise_exceptions=True
        )
        break
    except ldap3.core.exceptions.LDAPSocketOpenError:
        time.sleep(0.1)
raised = ""
entries = []
try:
    for entry in connection.extend.standard.paged_search(
        "dc=desk,dc=example", "(objectClass=person)", attributes=["cn"], paged_size=3, generator=True
    ):
        entries.append(entry)
except Exception as error:  # noqa: BLE001
    raised = repr(error)
print(f"people there: 8; yielded: {len(entries)}; raised: {raised or 'nothing'}; result: {connection.result['description']}")
sys.exit(0 if not raised and 0 < len(entries) < 8 and connection.result["result"] == 4 else 1)
PYTHON
