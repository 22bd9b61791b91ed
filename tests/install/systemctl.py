#!/usr/bin/python3
"""A stand-in for systemctl in a root where no systemd runs: it reads the installed units, starts what they say, and tells.

Done as the unit says: ExecStartPre, ExecStart, ExecStop, Type (notify waits for READY=1), Environment, User and Group
with all groups of the user, UMask, LimitNOFILE, State-, Runtime- and ConfigurationDirectory, LoadCredential,
capabilities and NoNewPrivileges, ProtectSystem=strict, ProtectHome, PrivateTmp, the sockets of the unit of its name.
Not done: Restart, the watchdog, filters of system calls, everything else that shuts a service in.
"""

import json
import os
import pwd
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDERS = [Path(name) for name in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")]
STATE, LOGS = Path("/run/stand-in"), Path("/var/log/stand-in")
DIRECTORIES = {"State": "/var/lib", "Runtime": "/run", "Configuration": "/etc"}
FIRST_SOCKET = 3


@dataclass(frozen=True)
class Unit:
    """What a unit file says: every value of every key, in order."""

    name: str
    values: dict[str, list[str]]

    @classmethod
    def read(cls, name: str) -> "Unit":
        stem, _, kind = name.rpartition(".")
        template = re.sub(r"@.*", "@", stem)
        for folder in FOLDERS:
            file = folder / f"{template}.{kind}"
            if file.is_file():
                instance = stem.partition("@")[2]
                return cls(name, _values(file.read_text().replace("%i", instance).replace("%%", "%")))
        sys.exit(f"Unit {name} could not be found.")

    def all(self, key: str) -> list[str]:
        return self.values.get(key, [])

    def get(self, key: str, default: str = "") -> str:
        return (self.all(key) or [default])[-1]

    def folders(self, kind: str) -> list[Path]:
        return [Path(DIRECTORIES[kind]) / name for name in self.get(f"{kind}Directory").split()]

    @property
    def note(self) -> Path:
        return STATE / f"{self.name}.json"

    @property
    def log(self) -> Path:
        return LOGS / self.name


def _values(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith(("#", ";")):
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def main(words: list[str]) -> int:
    """Do what systemctl was asked to."""
    options = {word for word in words if word.startswith("-")}
    verb, *names = [word for word in words if not word.startswith("-")]
    for folder in (STATE, LOGS):
        folder.mkdir(exist_ok=True)
    units = [Unit.read(_full(name)) for name in names]
    match verb:
        case "daemon-reload":
            return 0
        case "enable":
            for unit in units if "--now" in options else []:
                start(unit)
        case "start":
            for unit in units:
                start(unit)
        case "stop":
            for unit in units:
                stop(unit)
        case "restart":
            for unit in units:
                stop(unit)
                start(unit)
        case "status":
            return max(status(unit) for unit in units)
        case _:
            sys.exit(f"the stand-in does not know: {verb}")
    return 0


def _full(name: str) -> str:
    if name in (
        "postfix",
        "postfix.service",
    ):  # Debian's generator makes the instance "-"; the unit itself does nothing
        return "postfix@-.service"
    return name if name.endswith((".service", ".socket")) else f"{name}.service"


def tell(text: str) -> None:
    print(f"[stand-in for systemd] {text}", flush=True)


def start(unit: Unit) -> None:
    """Start a service; a socket is noted, and opened together with its service."""
    if unit.name.endswith(".socket"):
        if not unit.note.exists():
            unit.note.write_text("{}")
            tell(f"{unit.name}: opened when its service starts: {', '.join(unit.all('ListenStream'))}")
        return
    if main_pid(unit):
        return
    for name in unit.get("Sockets").split():
        start(Unit.read(name))
    for kind in DIRECTORIES:
        for folder in unit.folders(kind):
            _make(folder, unit, kind)
    for command in unit.all("ExecStartPre"):
        subprocess.run(_words(command), check=True)
    command = unit.get("ExecStart")
    tell(
        f"{unit.name}: {command} (as {unit.get('User', 'root')}; {' '.join(unit.all('Environment')) or 'no Environment'})"
    )
    if unit.get("Type") in ("forking", "oneshot"):
        with open(unit.log, "ab") as out:
            subprocess.run(_words(command), check=True, stdout=out, stderr=out)
        unit.note.write_text("{}")
    else:
        _spawn(unit, _words(command))


def _words(command: str) -> list[str]:
    return shlex.split(re.sub(r"^[-@:+!]+", "", command))


def _make(folder: Path, unit: Unit, kind: str) -> None:
    folder.mkdir(exist_ok=True)
    if kind != "Configuration":
        folder.chmod(int(unit.get(f"{kind}DirectoryMode", "0755"), 8))
        shutil.chown(folder, unit.get("User", "root"), unit.get("Group") or unit.get("User", "root"))


def _spawn(unit: Unit, command: list[str]) -> None:
    notified = STATE / f"{unit.name}.notify"
    notified.unlink(missing_ok=True)
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(notified))
    notified.chmod(0o666)
    pid = os.fork()
    if pid == 0:
        try:
            _become(unit, command, notified)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
        os._exit(203)
    unit.note.write_text(json.dumps({"pid": pid}))
    if unit.get("Type") == "notify":
        _wait_until_ready(unit, told)


def _wait_until_ready(unit: Unit, told: socket.socket) -> None:
    end = time.monotonic() + float(unit.get("TimeoutStartSec", "90"))
    told.settimeout(0.2)
    while time.monotonic() < end:
        with suppress(TimeoutError):
            if b"READY=1" in told.recv(4096):
                return
        if not main_pid(unit):
            break
    sys.exit(f"{unit.name} did not start:\n{_tail(unit)}")


def _become(unit: Unit, command: list[str], notified: Path) -> None:
    """Turn this process into the service."""
    os.setsid()
    sockets = list(_sockets(unit))
    log = os.open(unit.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    environ = _environment(unit, notified)
    if sockets:
        environ |= {"LISTEN_FDS": str(len(sockets)), "LISTEN_PID": str(os.getpid())}
        environ["LISTEN_FDNAMES"] = ":".join(name for name, _ in sockets)
    _shut_in(unit)
    for place, (_, sock) in enumerate(sockets, FIRST_SOCKET):
        os.dup2(os.dup(sock.fileno()), place)
    os.closerange(FIRST_SOCKET + len(sockets), 256)
    os.umask(int(unit.get("UMask", "0022"), 8))
    if files := unit.get("LimitNOFILE"):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # a container may not raise its own
        wanted = int(files) if most == resource.RLIM_INFINITY else min(int(files), most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    command = [*_privileges(unit), *command]
    os.execvpe(command[0], command, environ)


def _sockets(unit: Unit) -> Iterator[tuple[str, socket.socket]]:
    name = f"{unit.name.removesuffix('.service')}.socket"
    if not (STATE / f"{name}.json").exists():
        return
    asked = Unit.read(name)
    for path in asked.all("ListenStream"):
        if not path.startswith("/"):
            continue
        Path(path).unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
        os.chmod(path, int(asked.get("SocketMode", "0666"), 8))
        shutil.chown(path, asked.get("SocketUser", "root"), asked.get("SocketGroup", "root"))
        sock.listen(128)
        yield asked.get("FileDescriptorName", name), sock


def _environment(unit: Unit, notified: Path) -> dict[str, str]:
    person = pwd.getpwnam(unit.get("User", "root"))
    environ = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
    if unit.get("User"):
        environ |= {"HOME": person.pw_dir, "USER": person.pw_name, "LOGNAME": person.pw_name, "SHELL": person.pw_shell}
    for line in unit.all("Environment"):
        environ |= dict(word.strip('"').split("=", 1) for word in line.split())
    for kind in DIRECTORIES:
        if folders := unit.folders(kind):
            environ[f"{kind.upper()}_DIRECTORY"] = ":".join(map(str, folders))
    if unit.all("LoadCredential"):
        environ["CREDENTIALS_DIRECTORY"] = str(_credentials(unit))
    if unit.get("Type") == "notify":
        environ["NOTIFY_SOCKET"] = str(notified)
        if seconds := unit.get("WatchdogSec"):
            environ["WATCHDOG_USEC"] = str(int(seconds) * 1_000_000)
    return environ


def _credentials(unit: Unit) -> Path:
    folder = STATE / "credentials" / unit.name
    folder.mkdir(parents=True, exist_ok=True)
    for each in unit.all("LoadCredential"):
        name, _, source = each.partition(":")
        (folder / name).unlink(missing_ok=True)
        shutil.copyfile(source, folder / name)
        (folder / name).chmod(0o400)
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, unit.get("User", "root"))
    folder.chmod(0o500)
    return folder


def _shut_in(unit: Unit) -> None:
    """Make the world read-only but for the unit's own folders, in a mount namespace of its own."""
    if unit.get("ProtectSystem") != "strict":
        return
    os_unshare_mounts()
    for folder in (*unit.folders("State"), *unit.folders("Runtime")):
        _mount("--bind", str(folder), str(folder))
    if unit.get("PrivateTmp") == "yes":
        for folder in ("/tmp", "/var/tmp"):
            _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder)
    if unit.get("ProtectHome") == "yes":
        for folder in ("/root", "/home"):
            _mount("-t", "tmpfs", "-o", "ro,mode=000", "tmpfs", folder)
    _mount("-o", "remount,bind,ro", "/")


def os_unshare_mounts() -> None:
    import ctypes

    new_mounts = 0x00020000  # CLONE_NEWNS
    if ctypes.CDLL(None, use_errno=True).unshare(new_mounts):
        raise OSError(ctypes.get_errno(), "unshare")
    _mount("--make-rprivate", "/")


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def _privileges(unit: Unit) -> list[str]:
    if not unit.get("User"):
        return []
    words = ["setpriv", "--reuid", unit.get("User"), "--regid", unit.get("Group") or unit.get("User"), "--init-groups"]
    if bounding := unit.get("CapabilityBoundingSet"):
        kept = ",".join(f"+{name.lower().removeprefix('cap_')}" for name in bounding.split())
        words += ["--bounding-set", f"-all,{kept}"]
    if ambient := unit.get("AmbientCapabilities"):
        kept = ",".join(f"+{name.lower().removeprefix('cap_')}" for name in ambient.split())
        words += ["--inh-caps", f"-all,{kept}", "--ambient-caps", f"-all,{kept}"]
    if unit.get("NoNewPrivileges") == "yes":
        words.append("--no-new-privs")
    return [*words, "--"]


def stop(unit: Unit) -> None:
    """Stop a service as its unit says, and the sockets that are part of it."""
    if not unit.note.exists():
        return
    if unit.name.endswith(".service"):
        tell(f"{unit.name}: stopped")
        for command in unit.all("ExecStop"):
            subprocess.run(_words(command), check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _end(unit)
        for kept in (STATE / name for name in os.listdir(STATE) if name.endswith(".socket.json")):
            if Unit.read(kept.name.removesuffix(".json")).get("PartOf") == unit.name:
                kept.unlink()
        if unit.get("RuntimeDirectoryPreserve", "no") != "yes":
            for folder in unit.folders("Runtime"):
                shutil.rmtree(folder, ignore_errors=True)
    unit.note.unlink(missing_ok=True)


def _end(unit: Unit) -> None:
    pid = main_pid(unit)
    if not pid:
        return
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + float(unit.get("TimeoutStopSec", "90"))
    while main_pid(unit):
        if time.monotonic() > end:
            os.killpg(pid, signal.SIGKILL)
            sys.exit(f"{unit.name} did not end in time:\n{_tail(unit)}")
        time.sleep(0.05)


def main_pid(unit: Unit) -> int:
    """Return the service's process, or 0 where it has none that lives."""
    with suppress(OSError, ValueError):
        pid = int(json.loads(unit.note.read_text()).get("pid", 0))
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return 0 if state == "Z" else pid
    return 0


def status(unit: Unit) -> int:
    """Say how it is, with the end of its log; 3 where it is not running, as systemctl does."""
    pid = main_pid(unit)
    is_active = bool(pid) or (unit.note.exists() and unit.get("Type") in ("forking", "oneshot"))
    print(
        f"{unit.name} - {unit.get('Description')}\n     Active: {'active (running)' if is_active else 'inactive (dead)'}"
    )
    print(f"   Main PID: {pid}\n{_tail(unit)}")
    return 0 if is_active else 3


def _tail(unit: Unit) -> str:
    with suppress(OSError):
        return "\n".join(unit.log.read_text(errors="replace").splitlines()[-20:])
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
