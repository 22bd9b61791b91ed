#!/bin/sh
# What surprised us: mail-parser takes the text of an attached mail for text of the mail itself.
#
# Who forwards "as attachment" writes "see below" and attaches a message/rfc822, often without a file name. mail-parser has the
# words of the attached mail as a second text_plain of the outer one, with "--- mail_boundary ---" between them in body: who
# said what cannot be told any more. The attachment itself gets a name by chance, another one at each reading of the same bytes.
#
# Seen with mail-parser 4.8.0 (CPython 3.11.7). Needs: Python 3.11, a package index. Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mail-parser==4.8.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import mailparser

MAIL = b"""From: anna@client.example
Subject: as attachment
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

See the attached mail.
--b
Content-Type: message/rfc822
Content-Disposition: attachment

From: ben@shop.example
Subject: the offer
Content-Type: text/plain

We cancel the contract.
--b--
"""
mail, again = mailparser.parse_from_bytes(MAIL), mailparser.parse_from_bytes(MAIL)
names = [one["filename"] for read in (mail, again) for one in read.attachments]
print("mail-parser", version("mail-parser"))
print("text:", mail.text_plain)
print("the attachment's name, read twice:", names)
sys.exit(0 if mail.text_plain == ["See the attached mail.", "We cancel the contract."] and len(set(names)) == 2 else 1)
PYTHON
