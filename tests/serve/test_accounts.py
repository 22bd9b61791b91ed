"""The daemon reads its sources of accounts by itself (S10), and doctor tells how that goes."""

from pathlib import Path

from tests.serve.daemon import Daemon

HEADER = "number,address,name\n"


def configure(daemon: Daemon) -> Path:
    file = daemon.folder / "flexihost.toml"
    source = '\n[[accounts]]\nname = "panel"\ncsv = "accounts.csv"\nevery = "1s"\nmost_ended = "60 %"\n'
    file.write_text(file.read_text(encoding="utf-8") + source, encoding="utf-8")
    return daemon.folder / "accounts.csv"


def test_a_running_daemon_brings_in_what_changes_at_its_source(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "house", environ={"MAILGATE_LMTP__LISTEN": ""})
    daemon.make()
    accounts = configure(daemon)
    accounts.write_text(f"{HEADER}2001,a@panel.example,A\n2002,b@panel.example,B\n", encoding="utf-8")

    def ends() -> dict[str, str | None]:
        rows = daemon.cli("account", "list")
        return {one["address"]: one["until"] for one in rows if (one["address"] or "").endswith("@panel.example")}

    daemon.start()
    try:
        daemon.wait_for(lambda: len(ends()) == 2)
        accounts.with_name("new").write_text(
            f"{HEADER}2001,a@panel.example,A\n2003,c@panel.example,C\n", encoding="utf-8"
        )
        accounts.with_name("new").rename(accounts)
        daemon.wait_for(lambda: len(ends()) == 3 and ends()["b@panel.example"] is not None)
        assert "flexihost/panel: 2 contacts, read on" in str(doctor(daemon))
        accounts.unlink()
        daemon.wait_for(lambda: daemon.letters(to="managers@flexihost.example", kind="alarm"))
        assert ends()["c@panel.example"] is None
    finally:
        daemon.stop()


def doctor(daemon: Daemon) -> list[str]:
    """Return what doctor says of the sources, whatever it says of the rest."""
    with daemon.built() as built:
        from mailgate.operations.checks import Patient, examine

        patient = Patient(settings=built.settings, engine=built.engine, inbox=built.inbox, blobs=built.blobs)
        return [one.detail for one in examine(patient) if one.check == "accounts"]
