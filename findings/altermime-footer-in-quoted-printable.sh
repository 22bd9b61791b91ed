#!/bin/sh
# What surprised us: the legal footer that altermime appends breaks the address within it, and misses half of the mail.
#
# Into a part in quoted-printable it writes the footer as it is: "terms?id=41" then reads "terms?idA", since =41 is an A there.
# A part in base64 gets no footer at all; altermime ends with 0 and says nothing. So whoever cuts footers by their wording
# sees some of one sender's mails with it, some without, and some with other words than the sender wrote.
#
# Seen with altermime 0.3.10-12 (amd64) of Debian 12. Needs: apt-get (Debian 12), python3. Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq altermime=0.3.10-12 2>/dev/null
dpkg -x altermime_*.deb root
printf -- '-- \nOur terms: https://desk.example/terms?id=41\n' >footer
head='From: a@desk.example\nTo: b@client.example\nSubject: hello\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n'
printf "${head}Content-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe\n" >quoted
printf "${head}Content-Transfer-Encoding: base64\n\nR3LDvMOfZQo=\n" >base64
for mail in quoted base64; do root/usr/bin/altermime --input="$mail" --disclaimer=footer || exit 1; done
echo "altermime 0.3.10-12"
python3 - <<'PYTHON'
import email
import email.policy
import sys

text = {}
for name in ("quoted", "base64"):
    with open(name, "rb") as file:
        text[name] = email.message_from_binary_file(file, policy=email.policy.default).get_content()
    print(name, repr(text[name]))
sys.exit(0 if "terms?idA" in text["quoted"] and "terms" not in text["base64"] else 1)
PYTHON
