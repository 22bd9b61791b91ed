#!/bin/sh
# What surprised us: getmail6 writes "Delivered-To: unknown" above the Delivered-To that a mail has.
#
# Of a mail from a POP3 or IMAP mailbox it cannot know the recipient, so it puts the word "unknown" on top, and "Return-Path:
# <unknown>" where there was none. The mailbox's own server had written "Delivered-To: support@desk.example"; it is the second
# one now, and whoever reads the topmost (the newest, as with all trace headers) sends the mail to the address "unknown".
#
# Seen with getmail6 6.18.11-2 of Debian 12. Needs: apt-get (Debian 12), python3; root (it then fetches as nobody). Fails if this changes.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 2; }
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq getmail6=6.18.11-2 2>/dev/null
dpkg -x getmail6_*.deb root
cat >server.py <<'PYTHON'
"""As much of POP3 (RFC 1939) as one retrieval needs."""
import socketserver

MAIL = b"""Return-Path: <anna@client.example>
Delivered-To: support@desk.example
From: anna@client.example
Subject: hello

hello
""".replace(b"\n", b"\r\n")


class Mailbox(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"+OK ready\r\n")
        for line in self.rfile:
            word = line.split()[0].upper()
            many = {b"LIST": b"1 %d" % len(MAIL), b"UIDL": b"1 one", b"RETR": MAIL.rstrip(), b"CAPA": b"UIDL"}
            self.wfile.write(b"+OK\r\n" + many[word] + b"\r\n.\r\n" if word in many else b"+OK 1 %d\r\n" % len(MAIL))
            if word == b"QUIT":
                return


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as listener:
    with open("port.new", "w") as file:
        file.write(str(listener.server_address[1]))
    __import__("os").rename("port.new", "port")
    listener.serve_forever()
PYTHON
python3 server.py &
server=$!
until [ -s port ]; do sleep 0.1; done
mkdir -p state/box/new state/box/cur state/box/tmp
cat >state/getmailrc <<RC
[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = $(cat port)
username = anna
password = secret
[destination]
type = Maildir
path = $folder/state/box/
user = nobody
RC
chown -R nobody state
PYTHONPATH=root/usr/lib/python3/dist-packages python3 root/usr/bin/getmail --getmaildir="$folder/state" --rcfile=getmailrc >/dev/null
echo "getmail6 6.18.11-2"
sed -n '/^$/q;p' state/box/new/*
test "$(sed -n 's/^Delivered-To: //p' state/box/new/* | tr '\n' ' ')" = "unknown support@desk.example "
