"""An rspamd of the tests' own, on loopback, in a private folder: as a milter, and to be asked over HTTP."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """
options {{
  url_tld = "{folder}/suffixes"; filters = "{filters}"; pidfile = "{folder}/pid"; cache_file = "{folder}/cache";
  hs_cache_dir = "{folder}"; tempdir = "{folder}"; control_socket = "{folder}/control mode=0600"; rrd = "";
  stats_file = "{folder}/stats"; history_file = ""; local_addrs = ["10.255.0.0/16"];
  dns {{ nameserver = ["{nameserver}"]; timeout = 2s; retransmits = 1; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; enabled = true; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
"""
_MILTER = """
lua = "/usr/share/rspamd/rules/rspamd.lua";
modules {{ path = "/usr/share/rspamd/plugins/"; }}
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{milter_port}"; count = 1; enabled = true; milter = yes;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
dkim {{ }}
dmarc {{ enabled = true; }}
spf {{ }}
milter_headers {{ use = ["authentication-results", "x-spam-status"]; }}
"""


@dataclass(frozen=True, kw_only=True)
class Rspamd:
    """A running one: `url` to ask, `milter` for a mail server."""

    url: str
    milter: str


@contextmanager
def running(folder: Path, nameserver: str = "") -> Iterator[Rspamd]:
    """Start one; with a name server it is a milter too, that checks DKIM, SPF and DMARC."""
    port, milter_port = _free_port(), _free_port()
    (folder / "suffixes").write_text("example\n")
    values = {"folder": folder, "port": port, "milter_port": milter_port, "nameserver": nameserver or "127.0.0.1:1",
              "filters": "dkim" if nameserver else ""}  # fmt: skip
    (folder / "rspamd.conf").write_text((_CONFIG + (_MILTER if nameserver else "")).format(**values))
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            ["rspamd", "-f", "-i", "-c", str(folder / "rspamd.conf")], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        for each in (port, milter_port) if nameserver else (port,):
            _wait_for(each, process, folder)
        yield Rspamd(url=f"http://127.0.0.1:{port}", milter=f"inet:127.0.0.1:{milter_port}")
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end = time.monotonic() + 40
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError((folder / "out").read_text(errors="replace")[-2000:])


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
