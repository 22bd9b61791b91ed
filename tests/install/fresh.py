"""All tests on a Debian that nobody has touched, by its own Python: `python -m tests.install.fresh trixie [FILE...]`.

The servers and the libraries are fetched first; the tests run with a loopback and nothing more.
"""

import os
import shutil
import sys
from shlex import quote

from tests.conftest import shared_folder
from tests.install.debian_root import CannotBuild, DebianRoot, cache_folder, copy_checkout, debian_root

_CHECKOUT = "/root/mailgate"
_SECONDS = 3600


def main(release: str, files: list[str]) -> int:
    """Return the exit code of the tests; what they say goes to the standard output as it comes."""
    with debian_root(cache_folder(), release, "fresh.desk.example") as root:
        root.write("/etc/hosts", "127.0.0.1 localhost fresh.desk.example\n::1 localhost\n")
        copy_checkout(root, _CHECKOUT)
        if shared_folder().is_dir():
            shutil.copytree(shared_folder(), root.folder / "root/shared")
        return _play(root, files)


def _play(root: DebianRoot, files: list[str]) -> int:
    root.must("export CI=true MAILGATE_TEST_APT=1")
    fetch = ("apt-get update -qq", "apt-get install -y -qq --no-install-recommends git make", "make venv apt")
    for command in (*fetch, "git init --quiet && git add --all"):
        ran = root.run(command, seconds=_SECONDS)
        print(f"{ran.out}\n$ {command}   [{ran.seconds:.0f} s]", flush=True)
        if ran.code:
            return ran.code
    print(root.must("cat /etc/debian_version; .venv/bin/python --version"), flush=True)
    command = f".venv/bin/python -m pytest -n 2 -rs {' '.join(map(quote, files))}" if files else "make test"
    ran = root.run(command, seconds=_SECONDS, out=sys.stdout.fileno())
    print(f"$ {command}   [{ran.seconds:.0f} s]", flush=True)
    return ran.code


if __name__ == "__main__":
    if len(sys.argv) < 2 or os.getuid() != 0:
        sys.exit("as root: python -m tests.install.fresh bookworm|trixie [FILE...]")
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except CannotBuild as error:
        sys.exit(str(error))
