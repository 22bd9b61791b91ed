"""An OpenLDAP server of our own for tests, on loopback with and without TLS, gone at the end."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import make_certificate

SUFFIX = "dc=desk,dc=example"
READER, PASSWORD = f"cn=reader,{SUFFIX}", "read me"
LIMITED = f"cn=limited,{SUFFIX}"  # gets 500 entries of an answer and no more


@dataclass(frozen=True)
class Slapd:
    """A running server whose database has the suffix and nothing else."""

    port: int
    tls_port: int
    certificate: str

    def add(self, ldif: str) -> None:
        subprocess.run(
            ["ldapadd", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", f"cn=admin,{SUFFIX}", "-w", "secret"],
            input=ldif.encode(), check=True, stdout=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    def delete(self, name: str) -> None:
        subprocess.run(
            ["ldapdelete", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", f"cn=admin,{SUFFIX}", "-w", "secret", name],
            check=True, timeout=60,
        )  # fmt: skip


@contextmanager
def running() -> Iterator[Slapd]:
    folder = Path(tempfile.mkdtemp(prefix="mailgate-slapd-"))
    certificate, key = make_certificate(folder)
    (folder / "db").mkdir()
    (folder / "slapd.conf").write_text(
        f"""include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
sizelimit 500
database mdb
suffix "{SUFFIX}"
rootdn "cn=admin,{SUFFIX}"
rootpw secret
directory {folder}/db
limits dn.exact="{READER}" size.pr=500 size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn="{READER}" read by dn="{LIMITED}" read by * none
""",
        encoding="utf-8",
    )
    ports = [_free(), _free()]
    urls = f"ldap://127.0.0.1:{ports[0]}/ ldaps://127.0.0.1:{ports[1]}/"
    server = subprocess.Popen(
        ["slapd", "-f", str(folder / "slapd.conf"), "-h", urls, "-d", "0"],
        stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb"), cwd=folder,
    )  # fmt: skip
    found = Slapd(ports[0], ports[1], certificate)
    try:
        _await(ports[0], server, folder / "log")
        people = (
            f"dn: {one}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {PASSWORD}\n"
            for one in (READER, LIMITED)
        )
        found.add("\n".join((f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: desk\n", *people)))
        yield found
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _await(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until
            time.sleep(0.05)
