"""Accounts are brought in, and tickets taken over, where the house itself keeps its rows in PostgreSQL."""

import json
import re
from pathlib import Path

import pytest

from tests.accounts.source import CROWD, PEOPLE, contacts, csv_source, write
from tests.cli.desk_folder import DeskFolder, mail
from tests.store.databases import fresh_database
from tests.store.postgresql import running


@pytest.mark.slow
@pytest.mark.server("postgresql")
def test_the_house_on_postgresql_does_the_same(desk: DeskFolder, tmp_path: Path) -> None:
    with running() as server, fresh_database(server) as url:
        file = Path(desk.file)
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r'(?m)^url = "sqlite.*$', f'url = "{url}"', text), encoding="utf-8")
        assert desk.run("db", "upgrade").code == 0
        csv_source(desk, *PEOPLE, *CROWD)
        assert "23 added" in desk.run("account", "sync").out
        write(desk, PEOPLE[0].replace("owner", "owner;billing"), PEOPLE[2], *CROWD, "1003,,New,en,new@shop.example,,,")
        ran = desk.run("account", "sync")
        assert (ran.code, ran.err) == (0, "")
        assert "1 added, 1 changed, 1 ended, 21 as before" in ran.out
        assert contacts(desk)["olena@shop.example"]["roles"] == ["owner", "billing"]
        assert desk.rows("account", "history", "1001")[0]["kind"] in ("changed", "ended")
        lines = [
            {"number": number, "requestor": "olena@shop.example", "subject": f"Matter {number}", "status": status,
             "created_at": "2026-03-01T10:00:00Z", "messages": [
                 {"kind": "customer", "from": "olena@shop.example", "at": "2026-03-01T10:00:00Z", "text": "a\u0000b",
                  "message_id": f"<{number}@shop.example>",
                  "attachments": [{"filename": "a.txt", "content_type": "text/plain", "base64": "aGVsbG8="}]}]}
            for number, status in ((20001, "open"), (20002, "resolved"))
        ]  # fmt: skip
        old = tmp_path / "old.jsonl"
        old.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        for taken in (2, 0):
            ran = desk.run("ticket", "import", str(old))
            assert (ran.code, ran.out.startswith(f"{taken} tickets")) == (0, True), ran.err
        desk.take(mail("Re: Matter 20002", "Again.", id_="n@shop.example", more="In-Reply-To: <20002@shop.example>\n"))
        assert desk.rows("ticket", "show", "20002")[0]["status"] == "open"
        desk.take(mail("A new matter", "What does a server cost?", id_="m@shop.example"))
        assert max(one["number"] for one in desk.rows("ticket", "list")) == 20003
