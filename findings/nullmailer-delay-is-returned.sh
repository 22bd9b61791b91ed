#!/bin/sh
# What surprised us: nullmailer's word that a mail is only late comes as "Returned mail: Could not send message".
#
# nullmailer-dsn writes the same subject for a delay (4.x.x) as for the end (5.x.x); that the mail is still on its way stands in
# "Action: delayed" alone, and in the text. And its Diagnostic-Code has no type: RFC 3464 (2.3.6) asks for "smtp; 550 …", it
# writes "550 …", so a reader who splits at the semicolon loses the diagnostic.
#
# Seen with nullmailer 1:2.2-4 (amd64) of Debian 12. Needs: apt-get (Debian 12). Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
version='1:2.2-4'
apt-get download -qq "nullmailer=$version" 2>/dev/null
dpkg -x nullmailer_*.deb root
printf 's@desk.example\na@client.example\n\nFrom: s@desk.example\nTo: a@client.example\nSubject: hello\n\nhello\n' >queued
root/usr/bin/nullmailer-dsn --diagnostic-code='421 try later' --retry-until=1890000000 4.4.1 <queued >late
root/usr/bin/nullmailer-dsn --diagnostic-code='550 no such user' 5.1.1 <queued >failed
echo "nullmailer $version"
grep -hE '^(Subject: Returned|Action|Status|Diagnostic-Code)' late failed
test "$(grep -h '^Subject: Returned mail: Could not send message' late failed | wc -l)" = 2
grep -q '^Action: delayed' late && grep -q '^Action: failed' failed && grep -q '^Diagnostic-Code: 550 no such user' failed
