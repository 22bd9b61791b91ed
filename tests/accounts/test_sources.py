"""Accounts from real servers (S10): MariaDB with the tables of control panels, PostgreSQL, a directory, a web server."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import create_engine

from tests.accounts import mariadb, slapd
from tests.accounts.panels import PANELS
from tests.accounts.source import alarms, configure, contacts
from tests.cli.desk_folder import DeskFolder
from tests.store.databases import fresh_database
from tests.store.postgresql import running as postgresql_running


@pytest.fixture(scope="module")
def maria() -> Iterator[mariadb.MariaDb]:
    with mariadb.running() as found:
        yield found


@pytest.fixture(scope="module")
def directory() -> Iterator[slapd.Slapd]:
    with slapd.running() as found:
        yield found


@pytest.mark.slow
@pytest.mark.server("mariadb")
@pytest.mark.parametrize("panel", PANELS)
def test_the_shipped_query_reads_a_control_panel_s_own_tables(
    desk: DeskFolder, maria: mariadb.MariaDb, panel: str
) -> None:
    tables, expected = PANELS[panel]
    maria.run(f"CREATE DATABASE {panel} CHARACTER SET utf8mb4")
    maria.run(tables, panel)
    maria.run(f"CREATE USER r_{panel}@'%' IDENTIFIED BY 'p@ss%w:rd';\nGRANT SELECT ON {panel}.* TO r_{panel}@'%'")
    (desk.folder / "pw").write_text("p@ss%w:rd\n", encoding="utf-8")
    configure(
        desk,
        f'sql = "mysql+pymysql://r_{panel}@127.0.0.1:{maria.port}/{panel}"\npreset = "{panel}"\npassword_file = "pw"',
    )
    ran = desk.run("account", "sync")
    assert (ran.code, ran.err) == (0, "")
    found = {
        address: (one["number"], one["login"], one["name"], one["language"], one["roles"], one["purposes"])
        for address, one in contacts(desk).items()
    }
    assert found == expected
    assert " 0 added, 0 changed, 0 ended" in desk.run("account", "sync").out


@pytest.mark.slow
@pytest.mark.server("mariadb")
def test_a_database_that_stops_answering_changes_nothing(desk: DeskFolder) -> None:
    with mariadb.running() as server:
        server.run("CREATE DATABASE w CHARACTER SET utf8mb4")
        server.run(PANELS["whmcs"][0], "w")
        server.run("CREATE USER r@'%' IDENTIFIED BY 'x';\nGRANT SELECT ON w.* TO r@'%'")
        (desk.folder / "pw").write_text("x", encoding="utf-8")
        configure(desk, f'sql = "mysql://r@127.0.0.1:{server.port}/w"\npreset = "whmcs"\npassword_file = "pw"')
        assert desk.run("account", "sync").code == 0
        before = contacts(desk)
        server.run("ALTER TABLE tblcontacts DROP COLUMN invoiceemails", "w")
        ran = desk.run("account", "sync")
        assert ran.code == 75
        assert "invoiceemails" in ran.err
    assert desk.run("account", "sync").code == 75
    assert contacts(desk) == before
    assert len(alarms(desk)) == 1


@pytest.mark.slow
@pytest.mark.server("postgresql")
def test_a_query_of_one_s_own_reads_postgresql_and_writes_nothing(desk: DeskFolder) -> None:
    with postgresql_running() as server, fresh_database(server) as url:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SEQUENCE drawn")
            connection.exec_driver_sql("CREATE TABLE people (no int, mail text, kind text, until date)")
            connection.exec_driver_sql(
                "INSERT INTO people VALUES (7, 'A@Shop.example', '100%%', '2031-01-31'), (8, 'b@shop.example', '', NULL)"
            )
        engine.dispose()
        configure(
            desk,
            f"sql = \"{url}\"\nquery = '''SELECT no AS \"Number\", mail AS address, until, 'owner' AS roles FROM people"
            " WHERE kind LIKE '%' AND kind <> ':x''''",
        )
        ran = desk.run("account", "sync")
        assert (ran.code, ran.err) == (0, "")
        assert {one: found["until"] for one, found in contacts(desk).items()} == {
            "a@shop.example": "2031-01-31", "b@shop.example": None,
        }  # fmt: skip
        configure(desk, f"sql = \"{url}\"\nquery = \"SELECT nextval('drawn') AS number, 'a@b.example' AS address\"")
        assert "read-only transaction" in desk.run("account", "sync").err


@pytest.mark.slow
@pytest.mark.server("slapd")
def test_a_directory_is_searched_page_by_page_over_tls(desk: DeskFolder, directory: slapd.Slapd) -> None:
    base = f"ou=customers,{slapd.SUFFIX}"
    entries = [f"dn: {base}\nobjectClass: organizationalUnit\nou: customers\n"]
    for number in range(1200):  # more than the server gives at once
        more = "mail: second@shop.example\npreferredLanguage: de-DE\n" if number == 7 else ""
        entries.append(
            f"dn: uid=c{number},{base}\nobjectClass: inetOrgPerson\nuid: c{number}\ncn: Kundin {number}\nsn: K\n"
            f"employeeNumber: {5000 + number}\nmail: c{number}@shop.example\n{more}"
        )
    directory.add("\n".join(entries))
    (desk.folder / "pw").write_text(slapd.PASSWORD, encoding="utf-8")
    common = f'base = "{base}"\nuser = "{slapd.READER}"\npassword_file = "pw"\n'
    configure(desk, f'ldap = "ldaps://localhost:{directory.tls_port}"\n{common}')
    refused = desk.run("account", "sync")
    assert refused.code == 75, "nobody vouches for the certificate"
    assert "certificate verify failed" in refused.err.lower()
    configure(desk, f'ldap = "ldaps://localhost:{directory.tls_port}"\n{common}ca_file = "{directory.certificate}"')
    ran = desk.run("account", "sync")
    assert (ran.code, ran.err) == (0, "")
    found = contacts(desk)
    assert len(found) == 1201
    assert (found["second@shop.example"]["number"], found["second@shop.example"]["language"]) == ("5007", "de")
    configure(desk, f'ldap = "ldap://localhost:{directory.port}"\n{common}'.replace(slapd.READER, slapd.LIMITED))
    cut = desk.run("account", "sync", "--force")
    assert cut.code == 75
    assert "the answer is not whole, page 2: sizeLimitExceeded" in cut.err
    assert all(one["until"] is None for one in contacts(desk).values())
    directory.delete(f"uid=c3,{base}")
    configure(
        desk,
        f'ldap = "ldap://localhost:{directory.port}"\nstarttls = true\nname = "ldap"\n{common}'
        f'ca_file = "{directory.certificate}"\n'
        'attributes = { number = "employeeNumber", login = "uid", name = "cn", language = "preferredLanguage", address = "mail" }',
    )
    assert "0 added, 0 changed, 1 ended" in desk.run("account", "sync").out
    (desk.folder / "pw").write_text("wrong", encoding="utf-8")
    assert "invalidCredentials" in desk.run("account", "sync").err


@dataclass
class Panel:
    """What a web server of a control panel has, and what it was asked."""

    pages: list[Any]
    etag: str = '"1"'
    status: int = 200
    style: str = "next"
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(panel: Panel) -> Iterator[Panel]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            panel.asked.append((self.path, self.headers["Authorization"], self.headers["If-None-Match"]))
            if self.headers["If-None-Match"] == panel.etag:
                self.send_response(304)
                self.end_headers()
                return
            page = int(parse_qs(urlsplit(self.path).query).get("page", ["0"])[0])
            body: Any = panel.pages[page]
            following = f"{panel.url}?page={page + 1}" if page + 1 < len(panel.pages) else None
            if panel.style == "next" and isinstance(body, list):
                body = {"accounts": body, "next": following}
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(panel.status)
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("ETag", panel.etag)
            if panel.style == "link" and following:
                self.send_header("Link", f'<{following}>; rel="next"')
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: Any) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    panel.url = panel.url or f"http://127.0.0.1:{server.server_port}/accounts"
    try:
        yield panel
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"number": number, "login": f"c{number}", "address": f"c{number}@shop.example", "roles": ["owner"]} | more


@pytest.mark.parametrize("style", ["next", "link"])
def test_a_web_server_gives_page_after_page(desk: DeskFolder, style: str) -> None:
    (desk.folder / "token").write_text("s3cret\n", encoding="utf-8")
    with serving(Panel([[person(1), person(2, roles=["technical", "billing"])], [person(3)]], style=style)) as panel:
        configure(desk, f'http = "{panel.url}"\ntoken_file = "token"')
        ran = desk.run("account", "sync")
        assert (ran.code, ran.err) == (0, "")
    assert {one: found["roles"] for one, found in contacts(desk).items()} == {
        "c1@shop.example": ["owner"], "c2@shop.example": ["technical", "billing"], "c3@shop.example": ["owner"],
    }  # fmt: skip
    assert [one[:2] for one in panel.asked] == [("/accounts", "Bearer s3cret"), ("/accounts?page=1", "Bearer s3cret")]


def test_what_the_server_says_has_not_changed_is_not_read_again(desk: DeskFolder) -> None:
    with serving(Panel([[person(number) for number in range(1, 21)]])) as panel:
        configure(desk, f'http = "{panel.url}"')
        desk.run("account", "sync")
        assert "not changed since it was last read" in desk.run("account", "sync").out
        panel.etag, panel.pages = '"2"', [[person(number) for number in range(1, 20)]]
        assert "1 ended" in desk.run("account", "sync").out
    assert [one[2] for one in panel.asked] == [None, '"1"', '"1"']


@pytest.mark.parametrize(
    ("page", "status", "said"),
    [
        ([], 500, "HTTP 500"),
        ([], 302, "HTTP 302"),
        (b"<html>", 200, "no JSON as it should be"),
        ({"error": "none"}, 200, "neither a list nor an object with one of accounts"),
        ({"accounts": [person(1)], "next": "https://evil.example/steal"}, 200, "its next page is on another host"),
        (["x"], 200, "no JSON as it should be"),
    ],
)
def test_an_answer_that_is_none_changes_nothing(desk: DeskFolder, page: Any, status: int, said: str) -> None:
    with serving(Panel([page], status=status, style="plain")) as panel:
        configure(desk, f'http = "{panel.url}"')
        ran = desk.run("account", "sync")
    assert ran.code == 75
    assert said in ran.err
    assert contacts(desk) == {}


def test_a_page_whose_values_are_no_texts_costs_those_records(desk: DeskFolder) -> None:
    with serving(Panel([[person(1), person(2, name={"a": 1}), {"number": 3}, person(4, roles=[["owner"]])]])) as panel:
        configure(desk, f'http = "{panel.url}"')
        ran = desk.run("account", "sync")
    assert ran.code == 1
    assert "name: a dict is no text" in ran.err
    assert list(contacts(desk)) == ["c1@shop.example"]
