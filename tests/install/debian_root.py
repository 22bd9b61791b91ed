"""A clean Debian in a folder, with processes, mounts, host name and network of its own; all of it ends with the test.

`apt-get` and `pip install` see the machine's network and its settings; everything else has a loopback and nothing more.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

RELEASES = ("bookworm", "trixie")  # Debian 12 and 13
# what a Debian that somebody has installed from its medium has, and the smallest root has not
_MACHINE = ("systemd", "ca-certificates", "netbase")
_FRESH_SECONDS = 7 * 86400  # older package lists name packages that are gone
_MACHINES = Path("/var/cache/machine")  # what pip's settings name on the machine outside
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOOLS = ("debootstrap", "unshare", "nsenter", "setpriv", "ip", "tar", "mount")
_UNSHARED = "--mount --pid --fork --net --uts --ipc --cgroup --kill-child"
_SYSTEMD, _BOOT_SECONDS = "/lib/systemd/systemd", 20
_STAND_IN = Path(__file__).with_name("systemctl.py")
_ONLINE = ("apt-get ", "/opt/mailgate/bin/pip install ", "make deb", "make venv")
ROOT = Path(__file__).resolve().parents[2]


class CannotBuild(Exception):
    """The machine cannot make such a root; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What a command came to; `out` has what it said on both channels."""

    code: int
    out: str
    seconds: float


class DebianRoot:
    """A root whose commands run one after the other, as in one shell: variables stay."""

    def __init__(
        self, folder: Path, cache: Path, pid: int, environ: dict[str, str], *, release: str, has_systemd: bool
    ) -> None:
        self.folder, self._pid, self._environ, self.has_systemd = folder, pid, environ, has_systemd
        self._turn, self.release = cache / "turn", release
        self.work_folder = "/root"

    def run(
        self, command: str, *, typed: str = "", seconds: float = 300, out: int | None = None, online: bool = False
    ) -> Ran:
        """Run a line of shell. Daemons that it leaves behind are in the root's own process namespace.

        What it says goes to the file descriptor `out` where there is one, as it comes.
        """
        online = online or command.startswith(_ONLINE)
        script = (
            f"cd {self.work_folder}; set -a; [ ! -e /run/shell ] || . /run/shell\n"
            f"{command}\ncode=$?; declare -px > /run/shell; exit $code\n"
        )
        words = ["nsenter", "--target", str(self._pid), "--mount", "--pid", "--uts", "--ipc", "--cgroup"]
        words += [*([] if online else ["--net"]), "/bin/bash", "-c", script]
        # a file, not a pipe: a daemon that keeps the pipe open would keep us waiting
        with self._turn.open("a") as turn, tempfile.TemporaryFile() as file:
            if online and "apt" in command:
                fcntl.flock(turn, fcntl.LOCK_EX)  # roots share what apt has fetched
            begun = time.monotonic()
            to = file if out is None else out
            ran = subprocess.run(
                words, input=typed.encode(), stdout=to, stderr=to, env=self._environ, timeout=seconds, check=False
            )
            file.seek(0)
            said = file.read().decode(errors="replace")
        return Ran(code=ran.returncode, out=said, seconds=time.monotonic() - begun)

    def must(self, command: str, **more: Any) -> str:
        """Run what is no step of the document; return what it said."""
        ran = self.run(command, **more)
        assert ran.code == 0, f"{command}\n{ran.out}"
        return ran.out

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def read(self, path: str) -> str:
        return (self.folder / path.lstrip("/")).read_text(encoding="utf-8")

    def exists(self, path: str) -> bool:
        return (self.folder / path.lstrip("/")).exists()


def cache_folder() -> Path:
    """Return where bases and what was fetched are kept from one run to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "mailgate-tests"


def copy_checkout(root: DebianRoot, place: str) -> None:
    """Copy what a commit of this folder would hold to a folder of the root, and work there from now on."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            target = root.folder / place.lstrip("/") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    root.work_folder = place


@contextmanager
def debian_root(cache: Path, release: str, hostname: str, *, stand_in: bool = False) -> Iterator[DebianRoot]:
    """Yield a root that nobody has touched. Raises CannotBuild. The base is kept in `cache` for a week.

    Its first process is systemd, where the machine lets it be; else `stand_in` answers as systemctl.
    """
    pip, shared = _settings_of_pip()
    environ = _environ() | pip
    with _unpacked(cache, release, _MACHINE) as folder:
        if not stand_in:
            with _namespaces(folder, cache, hostname, shared, _SYSTEMD) as pid:
                root = DebianRoot(folder, cache, pid, environ, release=release, has_systemd=True)
                if _runs_systemd(root):
                    yield root
                    return
        _put_stand_in(folder)
        with _namespaces(folder, cache, hostname, shared, "sleep infinity") as pid:
            yield DebianRoot(folder, cache, pid, environ, release=release, has_systemd=False)


@contextmanager
def bare_root(cache: Path, release: str, hostname: str) -> Iterator[DebianRoot]:
    """Yield a root as an image of a container has it: the smallest Debian, in which no init runs. Raises CannotBuild."""
    pip, shared = _settings_of_pip()
    with _unpacked(cache, release, ()) as folder, _namespaces(folder, cache, hostname, shared, "sleep infinity") as pid:
        yield DebianRoot(folder, cache, pid, _environ() | pip, release=release, has_systemd=False)


@contextmanager
def _unpacked(cache: Path, release: str, packages: Sequence[str]) -> Iterator[Path]:
    missing = [name for name in _TOOLS if shutil.which(name) is None]
    if missing:
        raise CannotBuild(f"{', '.join(missing)} missing (make install-test MAILGATE_TEST_APT=1 installs debootstrap)")
    for name in ("archives", "pip"):
        (cache / name).mkdir(parents=True, exist_ok=True)
    base = _base(cache, release, packages)
    with tempfile.TemporaryDirectory(prefix="mg-install-") as name:
        folder = Path(name) / "root"
        folder.mkdir()
        _quiet("tar", "-C", folder, "-xpf", base)
        yield folder


def _put_stand_in(folder: Path) -> None:
    # packages start nothing by themselves here: what is started is started by a command of the document
    for path, text in (
        ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n"),
        ("usr/local/bin/systemctl", _STAND_IN.read_text()),
    ):
        (folder / path).write_text(text)
        (folder / path).chmod(0o755)


def _environ() -> dict[str, str]:
    # nobody is there to answer what a package asks; root's pip may keep what it has fetched
    return {
        "PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
        "PIP_CACHE_DIR": "/var/cache/pip",
    }  # fmt: skip


def _base(cache: Path, release: str, packages: Sequence[str]) -> Path:
    base = cache / f"{'-'.join((release, *packages))}.tar"
    if base.is_file() and time.time() - base.stat().st_mtime < _FRESH_SECONDS:
        return base
    sources = _sources(release)
    mirror = next((words[0] for words in sources if words[1] == release), None)
    if mirror is None:
        raise CannotBuild("no mirror of Debian among the sources of this machine's apt")
    with tempfile.TemporaryDirectory(prefix="mg-debootstrap-") as name:
        folder = Path(name) / "root"
        try:
            include = [f"--include={','.join(packages)}"] if packages else []
            _quiet("debootstrap", "--variant=minbase", *include, release, folder, mirror)
        except subprocess.CalledProcessError as error:
            raise CannotBuild(f"debootstrap: {error.output.decode(errors='replace')[-500:]}") from error
        _prepare(folder, sources)
        draft = cache / f".base.{os.getpid()}"
        _quiet("tar", "-C", folder, "-cpf", draft, ".")
        draft.rename(base)
    return base


def _sources(release: str) -> list[list[str]]:
    """Return address, release and component of what this machine's apt would read if it were of that release."""
    own = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = (line.split() for line in listed.stdout.splitlines())
    known = [words for words in lines if len(words) == 3 and own and words[1].startswith(own)]
    return [[address, release + suite.removeprefix(own), part] for address, suite, part in known]


def _prepare(folder: Path, sources: list[list[str]]) -> None:
    etc = folder / "etc"
    (etc / "apt" / "sources.list").write_text("".join(f"deb {' '.join(words)}\n" for words in sources))
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    ways = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIPv")
    kept = [line for line in dump.splitlines() if line.startswith(ways)]
    (etc / "apt" / "apt.conf.d" / "90machine").write_text("\n".join(kept) + "\n")
    (etc / "dpkg" / "dpkg.cfg.d" / "fast").write_text("force-unsafe-io\n")


def _settings_of_pip() -> tuple[dict[str, str], dict[Path, Path]]:
    """Return the machine's settings of pip as environment, and the local places that they name, with their place inside."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    environ: dict[str, str] = {}
    shared: dict[Path, Path] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        if not key.startswith(("global.", "install.", ":env:.")):
            continue
        text = value.strip("'").replace("\\n", " ").strip()
        for word in text.split():
            path = Path(urlsplit(word).path if word.startswith("file://") else word)
            if path.is_absolute() and path.exists():
                inside = _MACHINES / path.relative_to("/")
                # an index of files stands beside its files
                shared |= {path.parent: inside.parent} if path.name == "simple" else {path: inside}
                text = text.replace(str(path), str(inside))
        environ[f"PIP_{key.rpartition('.')[2].replace('-', '_').upper()}"] = text
    environ.pop("PIP_CACHE_DIR", None)
    return environ, shared


@contextmanager
def _namespaces(folder: Path, cache: Path, hostname: str, shared: dict[Path, Path], init: str) -> Iterator[int]:
    """Yield the first process of the root. It dies with us, and everything in the root with it."""
    with _own_cgroup() as procs:
        world = quote(_inside(folder, cache, hostname, shared, init))
        script = f"echo $$ > {procs}; exec setpriv --pdeathsig KILL unshare {_UNSHARED} sh -ec {world}"
        holder = subprocess.Popen(
            ["sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert holder.stdout
        try:
            said = holder.stdout.readline()
            if said != b"ready\n":
                raise CannotBuild(
                    f"no namespaces here: {(said + holder.stdout.read())[-300:].decode(errors='replace')}"
                )
            yield int(Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()[0])
        finally:
            holder.kill()  # what it has unshared dies with it
            holder.wait()
            holder.stdout.read()  # ends when the last of them has


@contextmanager
def _own_cgroup() -> Iterator[str]:
    """Yield where to write a process to put it into a control group of our own, which is removed afterwards."""
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if " cgroup2 " in line]
    try:
        group = Path(tempfile.mkdtemp(prefix="mailgate-install-", dir=places[0] if places else "/nowhere"))
    except OSError:
        yield os.devnull
        return
    try:
        yield str(group / "cgroup.procs")
    finally:
        end = time.monotonic() + 10
        while group.exists() and time.monotonic() < end:
            for inner in [*sorted(group.rglob("*/"), reverse=True), group]:
                with suppress(OSError):
                    inner.rmdir()


def _inside(folder: Path, cache: Path, hostname: str, shared: dict[Path, Path], init: str) -> str:
    """Return what makes the root's world, and becomes its first process."""
    lines = [
        f"mount --bind {folder} {folder}; cd {folder}",
        "mount -t proc proc proc; mount --bind proc/sys proc/sys; mount -o remount,bind,ro proc/sys",
        "mount -t sysfs -o ro sysfs sys; mount -t cgroup2 cgroup2 sys/fs/cgroup || true",
        "mount -t tmpfs -o mode=755 tmpfs run; mount -t tmpfs -o mode=755 tmpfs dev; mkdir dev/pts dev/shm",
        "for n in null zero full random urandom tty; do touch dev/$n; mount --bind /dev/$n dev/$n; done",
        "mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; mount -t tmpfs -o mode=1777 tmpfs dev/shm",
        "ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd",
        "for n in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${n%:*} dev/${n#*:}; done",
        f"mount --bind {cache}/archives var/cache/apt/archives",
        f"mkdir -p var/cache/pip; mount --bind {cache}/pip var/cache/pip",
        "[ ! -e /etc/resolv.conf ] || cat /etc/resolv.conf > etc/resolv.conf",
    ]
    for path, place in shared.items():
        inside = place.relative_to("/")
        lines.append(f"mkdir -p {inside}" if path.is_dir() else f"mkdir -p {inside.parent}; touch {inside}")
        lines.append(f"mount -o bind,ro {path} {inside}")
    lines += [
        "ip link set lo up",
        f"hostname {hostname}; echo {hostname} > etc/hostname",
        "mkdir .old; pivot_root . .old; umount -l /.old; rmdir /.old",
        "mount --make-rshared /",  # what systemd hands its services as mounts must reach them
    ]
    return "\n".join([*lines, "echo ready", f"exec env -i container=test PATH={_PATH} {init}"])


def _runs_systemd(root: DebianRoot) -> bool:
    """Say whether systemd has come up as the root's first process."""
    end = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < end:
        if root.run("systemctl is-system-running").out.strip() in ("running", "degraded"):
            return True
        time.sleep(0.2)
    return False


def _quiet(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
