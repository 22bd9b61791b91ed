#!/bin/sh
# What surprised us: aioimaplib takes every "* " out of what an IMAP server says within a line.
#
# A "* " begins an untagged response (RFC 9051, 2.2.2). aioimaplib removes it by replacing it wherever it stands in the line: the
# subject "offer: 5 * 3 days" in an ENVELOPE arrives as "offer: 5 3 days". What comes as a literal (BODY[]) is untouched, so
# a mail's envelope and its header differ, and nobody looks for the fault in the client.
#
# Seen with aioimaplib 2.0.3 (CPython 3.11). Needs: Python 3.11, a package index. Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aioimaplib==2.0.3
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys
from importlib.metadata import version

import aioimaplib

ENVELOPE = b'(ENVELOPE (NIL "offer: 5 * 3 days" NIL NIL NIL NIL NIL NIL NIL NIL))'


async def server(reader, writer):
    """As much of IMAP4rev1 as one FETCH needs."""
    writer.write(b"* OK ready\r\n")
    while line := await reader.readline():
        tag, command = line.split()[:2]
        untagged = {
            b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
            b"SELECT": b"* 1 EXISTS\r\n",
            b"FETCH": b"* 1 FETCH " + ENVELOPE + b"\r\n",
            b"LOGOUT": b"* BYE\r\n",
        }
        writer.write(untagged.get(command.upper(), b"") + tag + b" OK done\r\n")
        if command.upper() == b"LOGOUT":
            break
    writer.close()


async def main():
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    client = aioimaplib.IMAP4("127.0.0.1", listener.sockets[0].getsockname()[1])
    await client.wait_hello_from_server()
    await client.login("anna", "secret")
    await client.select()
    answer = await client.fetch("1", "(ENVELOPE)")
    await client.logout()
    listener.close()
    return answer.lines[0]


seen = asyncio.run(main())
print("aioimaplib", version("aioimaplib"))
print("sent:", ENVELOPE.decode())
print("seen:", seen.decode())
sys.exit(0 if b"offer: 5 3 days" in seen else 1)
PYTHON
