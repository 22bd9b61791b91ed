#!/bin/sh
# What surprised us: an automatic answer by maildrop's mailbot loses the blanks between its words.
#
# mailbot labels what it writes "format=flowed; delsp=yes" and copies the author's text below as it is. delsp=yes says that the
# blank at the end of a line was put there by the program and is to be taken away where lines are joined (RFC 3676, 4.1). A
# text whose lines end with a blank, as every editor of flowed text leaves them, so reads "out of the office and willanswer
# you on Monday": the program did not put these blanks there, and they were the only ones between the words.
#
# Seen with maildrop 2.9.3-2.1 (amd64) of Debian 12. Needs: apt-get (Debian 12). Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq maildrop=2.9.3-2.1 libcourier-unicode4 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH="$folder/root/usr/lib/$(uname -m)-linux-gnu"
printf 'I am out of the office and will \nanswer you on Monday.\n' >away.txt
printf 'From: a@client.example\nTo: b@desk.example\nSubject: hello\nMessage-ID: <1@client.example>\n\nhello\n' >mail
root/usr/bin/mailbot -N -t away.txt -A 'From: b@desk.example' cat <mail >answer
echo "maildrop 2.9.3-2.1"
sed -n -e '/^Content-Type/p' -e '/^I am/,/Monday/p' answer | sed 's/$/|/'
grep -qi '^content-type: text/plain; format=flowed; delsp=yes' answer && grep -q 'and will $' answer && grep -q '^answer you' answer
