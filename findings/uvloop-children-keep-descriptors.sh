#!/bin/sh
# What surprised us: under uvloop a child process keeps descriptors that asyncio closes.
#
# asyncio's create_subprocess_exec closes every descriptor but 0, 1 and 2 in the child (close_fds is True by default, and cannot
# be turned off). uvloop takes the same call and closes those alone that are not inheritable: one that was made so for another child
# is open in this one too. A lock, a pipe's end or a listening socket so stays held by a child that knows nothing of it, and
# the reader at the other end of the pipe never sees its end.
#
# Seen with uvloop 0.23.0 (CPython 3.11.7). Needs: Python 3.11, a package index. Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvloop==0.23.0
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import os
import sys

import uvloop

CHILD = """
import os, sys
try:
    os.fstat(int(sys.argv[1]))
    print("open")
except OSError:
    print("closed")
"""


async def seen_by_child():
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(writing), stdout=asyncio.subprocess.PIPE)
    told, _ = await child.communicate()
    os.close(reading)
    os.close(writing)
    return told.decode().strip()


plain, quick = asyncio.run(seen_by_child()), uvloop.run(seen_by_child())
print(f"uvloop {uvloop.__version__}: the child's inherited descriptor is {plain} under asyncio, {quick} under uvloop")
sys.exit(0 if (plain, quick) == ("closed", "open") else 1)
PYTHON
