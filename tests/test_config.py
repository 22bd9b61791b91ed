"""The configuration: what the presets promise, how it is found and overridden, and what it complains of."""

import os
import re
import stat
import time
import tomllib
from datetime import date
from pathlib import Path

import pytest

from mailgate import config, resources
from mailgate.config.calendars import holidays_of_library, public_holidays
from mailgate.config.kinds import minutes_of, seconds_of
from mailgate.errors import ConfigError
from mailgate.model.expressions import Text, expression
from mailgate.model.settings import Desk, Promise

SECRET = {"MAILGATE_SECRET": "a secret of the tests that is long enough"}
DESK = """
name = "acme"
languages = ["en"]
timezone = "Europe/Berlin"
mailbox = [{ address = "Help@acme.example", queue = "support" }]
[[queue]]
name = "support"
"""


def seconds(amount: int) -> Promise:
    return Promise(amount=amount, unit="seconds")


def minutes(amount: int) -> Promise:
    return seconds(amount * 60)


def hours(amount: int) -> Promise:
    return seconds(amount * 3600)


def days(amount: int) -> Promise:
    return Promise(amount=amount, unit="business_days")


def a_directory(
    folder: Path, main: str = 'desks = ["acme.toml"]\nsecret = "long enough for a test"', **desks: str
) -> str:
    for name, text in (desks or {"acme": DESK}).items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    file = folder / "mailgate.toml"
    file.write_text(main, encoding="utf-8")
    return str(file)


def complaints_of(path: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        config.load(path, environ)
    return raised.value.complaints


def a_desk(folder: Path, text: str) -> Desk:
    (folder / "acme.toml").write_text(text, encoding="utf-8")
    return config.load_desk(str(folder / "acme.toml"))


# the presets, by the table of the three desks


@pytest.mark.parametrize(
    ("desk", "queue", "priority", "promises"),
    [
        ("flexihost", "support", "normal", (minutes(2), minutes(60), minutes(60), hours(24), hours(24))),
        ("flexihost", "support", "high", (minutes(2), minutes(15), minutes(15), hours(24), hours(8))),
        ("flexihost", "abuse", "normal", (minutes(2), minutes(60), minutes(60), hours(24), hours(24))),
        ("flexihost", "billing", "normal", (minutes(2), hours(4), hours(4), hours(24), hours(24))),
        ("flexihost", "billing", "high", (minutes(2), hours(4), hours(4), hours(24), hours(8))),
        ("introserv", "support", "normal", (minutes(2), minutes(30), minutes(30), hours(4), hours(8))),
        ("introserv", "support", "high", (minutes(2), minutes(10), minutes(10), hours(1), hours(2))),
        ("introserv", "billing", "normal", (minutes(2), minutes(30), minutes(30), hours(4), hours(8))),
        ("introserv", "billing", "high", (minutes(2), minutes(10), minutes(10), hours(1), hours(2))),
        ("strato", "support", "normal", (minutes(2), days(1), days(1), days(2), days(3))),
        ("strato", "support", "high", (minutes(2), hours(4), hours(4), days(2), days(1))),
        ("strato", "billing", "normal", (minutes(2), days(3), days(3), days(2), days(3))),
    ],
)
def test_a_preset_promises_what_the_table_says(desk: str, queue: str, priority: str, promises: tuple[Promise, ...]):
    said = config.load_desk(desk).queues[queue].sla[priority].promises
    assert tuple(said[kind] for kind in ("ack", "first_response", "next_response", "update", "resolve")) == promises


def test_introserv_promises_more_to_the_panel_and_the_chat():
    sla = config.load_desk("introserv").queues["support"].sla
    assert sla["normal"].by_source["panel"] == {"first_response": minutes(10), "next_response": minutes(10)}
    assert sla["normal"].by_source["chat"] == {"ack": minutes(1)}
    assert sla["high"].by_source == {"chat": {"ack": minutes(1)}}


@pytest.mark.parametrize(
    ("desk", "team", "ladder", "calendar"),
    [
        ("flexihost support", "support", ("support", "admins"), None),
        ("flexihost billing", "billing", (), "billing"),
        ("flexihost abuse", "support", ("support", "admins"), None),
        ("introserv support", "support", ("support", "admins"), None),
        ("introserv billing", "support", ("support", "billing"), None),
        ("strato support", "support", ("support", "specialists"), "support"),
        ("strato billing", "billing", (), "billing"),
    ],
)
def test_a_preset_has_the_teams_and_ladders_of_the_table(
    desk: str, team: str, ladder: tuple[str, ...], calendar: str | None
):
    name, queue = desk.split()
    found = config.load_desk(name).queues[queue]
    assert (found.team, found.ladder, found.calendar, found.overflow) == (team, ladder, calendar, None)


@pytest.mark.parametrize(
    ("desk", "calendar", "week", "weekend", "has_holidays"),
    [
        ("flexihost", "billing", (540, 1080), None, False),
        ("flexihost", "admins", (540, 1080), None, False),
        ("introserv", "billing", (540, 1080), None, True),
        ("introserv", "admins", (480, 1320), None, False),
        ("introserv", "datacenter", (480, 1020), None, False),
        ("strato", "support", (480, 1200), (600, 1110), False),
        ("strato", "billing", (480, 1080), None, True),
        ("strato", "specialists", (480, 1080), None, False),
    ],
)
def test_a_preset_works_in_the_hours_of_the_table(
    desk: str, calendar: str, week: tuple[int, int], weekend: tuple[int, int] | None, has_holidays: bool
):
    found = config.load_desk(desk).calendars[calendar]
    assert found.hours == ((week,),) * 5 + ((weekend,) if weekend else (),) * 2
    assert (date(2026, 5, 1) in found.closed_dates) == has_holidays


def test_flexihosts_billing_is_closed_on_two_days_of_every_year():
    assert config.load_desk("flexihost").calendars["billing"].closed_days == {(1, 1), (12, 25)}


@pytest.mark.parametrize("desk", config.PRESETS)
def test_a_preset_has_numbers_languages_managers_and_a_trusted_server(desk: str):
    found = config.load_desk(desk)
    assert (found.tag, found.first_number, found.authserv_ids) == (desk, 10001, (f"mx.{desk}.example",))
    assert found.languages == {
        "flexihost": ("ru", "uk", "en"), "introserv": ("en", "de", "pl", "ru"), "strato": ("de", "pl", "en"),
    }[desk]  # fmt: skip
    assert found.managers == (
        {"flexihost": "managers", "introserv": "management", "strato": "leitung"}[desk] + f"@{desk}.example",
    )


def test_datacenter_is_a_team_on_no_ladder():
    desk = config.load_desk("introserv")
    assert desk.teams["datacenter"].calendar == "datacenter"
    assert not any("datacenter" in queue.ladder for queue in desk.queues.values())


@pytest.mark.parametrize(
    ("desk", "text", "named"),
    [
        ("flexihost", "Здравствуйте, договор № 123456", "123456"),
        ("flexihost", "по договору №123456 не работает", "123456"),
        ("flexihost", "номер договора: 123456", "123456"),
        ("flexihost", "договір № 123456", "123456"),
        ("flexihost", "contract no. 123456", "123456"),
        ("flexihost", "login: olena", "olena"),
        ("flexihost", "Логин: olena.k-2.", "olena.k-2"),
        ("flexihost", "логін «olena»", "olena"),
        ("flexihost", "Сами знаете почему. Логин не скажу.", None),
        ("flexihost", "сервер 123456, заказ №123456", None),
        ("introserv", "My customer ID is 123456", "123456"),
        ("introserv", "customer id: 123456", "123456"),
        ("introserv", "Kundennummer 123456", "123456"),
        ("introserv", "order #123456 is late", None),
        ("introserv", "SSH login hangs after the password", None),
        ("strato", "klient nr 123456", "123456"),
        ("strato", "Nr klienta [123456]", "123456"),
        ("strato", "Numer klienta: 123456", "123456"),
        ("strato", "Faktura 07/2025 - klient nr 123456", "123456"),
        ("strato", "Meine Kundennummer lautet 123456.", "123456"),
        ("strato", "Kunden-Nr.: 123456", "123456"),
        ("strato", "Vertrag Nr. 123456", "123456"),
        ("strato", "numer umowy 123456", "123456"),
        ("strato", "Bestellung 123456", None),
    ],
)
def test_a_preset_reads_the_numbers_its_customers_write(desk: str, text: str, named: str | None):
    found = [match for each in config.load_desk(desk).account_patterns for match in expression(each).every(Text(text))]
    assert {value for match in found for value in match.values()} == ({named} if named else set())


@pytest.mark.parametrize("desk", config.PRESETS)
@pytest.mark.parametrize(
    "piece", ["договор ", "customer id ", "klient ", "login: a", "kundennummer ist ", "1", "[(#", " "]
)
def test_the_patterns_of_a_preset_are_linear_on_hostile_text(desk: str, piece: str):
    text = piece * (300_000 // len(piece))
    started = time.perf_counter()
    for pattern in config.load_desk(desk).account_patterns:
        expression(pattern + "never").is_in(Text(text))
    assert time.perf_counter() - started < 5


# holidays


def test_the_shipped_holidays_are_those_of_the_library():
    for file in (resources.path("config") / "holidays").glob("*.txt"):
        assert public_holidays(file.stem) == frozenset(holidays_of_library(file.stem))


def test_holidays_of_a_place_that_is_not_shipped_come_from_the_library(tmp_path: Path):
    calendar = '[[calendar]]\nname = "office"\nhours = { mon = "09:00-17:00" }\nholidays = ["PL", "DE-BY"]'
    closed = a_desk(tmp_path, DESK + calendar).calendars["office"].closed_dates
    assert {date(2026, 11, 11), date(2026, 1, 6), date(2045, 11, 11)} <= closed


# where the file and its values come from


def test_the_shipped_default_runs_all_three_desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    settings = config.load(None, {**SECRET, "XDG_STATE_HOME": str(tmp_path)})
    assert tuple(settings.desks) == config.PRESETS
    assert settings.database_url == f"sqlite:///{tmp_path}/mailgate/mailgate.db"
    assert settings.blobs_url == f"file://{tmp_path}/mailgate/blobs"
    assert settings.relay.url == f"maildir:{tmp_path}/mailgate/outgoing"


def test_the_file_is_the_option_then_the_variable_then_the_one_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    here = a_directory(tmp_path / "config")
    assert config.load(None, {}).source == os.path.relpath(here)
    (tmp_path / "other").mkdir()
    other = a_directory(tmp_path / "other")
    assert config.load(None, {"MAILGATE_CONFIG": other}).source == other
    assert config.load(here, {"MAILGATE_CONFIG": other}).source == here


def test_the_fixed_variables_override_the_file(tmp_path: Path):
    path = a_directory(tmp_path)
    settings = config.load(
        path,
        {
            "MAILGATE_SMTP__LISTEN": "",
            "MAILGATE_LMTP__LISTEN": "/run/mailgate/lmtp",
            "MAILGATE_WEB__LISTEN": "[::1]:0",
            "MAILGATE_DATABASE__URL": "postgresql://mailgate@db.example/mailgate",
            "MAILGATE_BLOBS__URL": "s3://bucket/prefix",
            "MAILGATE_RELAY__URL": "smtps://user@relay.example",
            "MAILGATE_SECRET": "another one that is long",
            "MAILGATE_WORKER__PROCESSES": "2",
            "MAILGATE_SMTP__TRUSTED_PEERS": "10.0.0.0/8, unix",
            "MAILGATE_SMTP__CHECK_STRANGERS": "no",
            "MAILGATE_DESK__ACME__RULES__REOPEN_WINDOW": "3 days",
            "MAILGATE_TEST_ANYTHING": "is not ours",
            "MAILGATE_SHARED": "neither",
        },
    )
    assert (settings.smtp.listen, settings.smtp.lmtp_listen, settings.web_listen) == (
        "",
        "/run/mailgate/lmtp",
        "[::1]:0",
    )
    assert settings.database_url == "postgresql://mailgate@db.example/mailgate"
    assert (settings.blobs_url, settings.relay.url) == ("s3://bucket/prefix", "smtps://user@relay.example")
    assert (settings.secret, settings.worker.processes) == (b"another one that is long", 2)
    assert (settings.smtp.trusted_peers, settings.smtp.check_strangers) == (("10.0.0.0/8", "unix"), False)
    assert settings.desks["acme"].rules.reopen_window_seconds == 3 * 86400


@pytest.mark.parametrize(
    ("database", "blobs"),
    [("sqlite:///data/m.db", "file:data/blobs"), ("sqlite:///{}/data/m.db", "file://{}/data/blobs")],
)
def test_places_are_relative_to_the_file_or_absolute(tmp_path: Path, database: str, blobs: str):
    main = f"""desks = ["acme.toml"]\nsecret = "long enough for a test"
    database.url = "{database.format(tmp_path)}"\nblobs.url = "{blobs.format(tmp_path)}"\nrelay.url = "maildir:out" """
    settings = config.load(a_directory(tmp_path, main), {})
    assert settings.database_url == f"sqlite:///{tmp_path}/data/m.db"
    assert (settings.blobs_url, settings.relay.url) == (f"file://{tmp_path}/data/blobs", f"maildir:{tmp_path}/out")


def test_a_secret_may_be_a_file_or_a_credential_of_systemd(tmp_path: Path):
    path = a_directory(tmp_path, 'desks = ["acme.toml"]\nsecret_file = "key"')
    (tmp_path / "key").write_text("from the file\n", encoding="utf-8")
    assert config.load(path, {}).secret == b"from the file"
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "secret").write_text("from systemd", encoding="utf-8")
    path = a_directory(tmp_path, 'desks = ["acme.toml"]')
    assert config.load(path, {"CREDENTIALS_DIRECTORY": str(credentials)}).secret == b"from systemd"


def test_without_a_secret_one_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path):
    path = a_directory(tmp_path, 'desks = ["acme.toml"]')
    environ = {"STATE_DIRECTORY": str(tmp_path / "state")}
    first = config.load(path, environ).secret
    assert len(first) >= 32
    assert config.load(path, environ).secret == first
    assert stat.S_IMODE((tmp_path / "state" / "secret").stat().st_mode) == 0o600


def test_an_account_to_fetch_from_is_read_with_its_secrets(tmp_path: Path):
    for name in ("password", "client", "token"):
        (tmp_path / name).write_text(f"the {name}\n", encoding="utf-8")
    main = """desks = ["acme.toml"]\nsecret = "long enough for a test"
    [[imap]]\nurl = "imaps://user@host.example:993/INBOX"\npassword_file = "password"\nmailbox = "help@acme.example"
    after = "move:Done"\n[[imap]]\nurl = "imaps://other@host.example"\nmailbox = "help@acme.example"
    [imap.oauth]
token_url = "https://login.example/token"
client_id = "c"
    client_secret_file = "client"
refresh_token_file = "token"
    """
    first, second = config.load(a_directory(tmp_path, main), {}).imap
    assert (first.password, first.after, first.mailbox) == ("the password", "move:Done", "help@acme.example")
    assert (second.oauth["refresh_token"], second.oauth["client_secret"]) == ("the token", "the client")


# what it complains of


def test_every_complaint_comes_at_once_with_file_key_and_what_is_allowed(tmp_path: Path):
    main = """desks = ["acme.toml", "missing.toml"]\nsecret = "long enough for a test"
    [smtp]\nlisten = "nowhere"\nsize_limt = 3\n[worker]\nprocesses = "two"\n"""
    desk = DESK.replace("Europe/Berlin", "Europe/Berlon").replace(
        "[[queue]]", "[[queue]]\nteem = 1\nladder = ['admins']"
    )
    path = a_directory(tmp_path, main, acme=desk)
    complaints = complaints_of(path, MAILGATE_WORKER__PROCESES="3", MAILGATE_FOO="x")
    expected = [
        (path, "smtp.listen", '"host:port"'),
        (path, "smtp.size_limt", "size_limit"),
        (path, "worker.processes", "a whole number from 1 to 256"),
        ("acme.toml", "timezone", "Europe/Berlin"),
        ("acme.toml", "queue[support].teem", "team"),
        ("acme.toml", "queue[support].ladder", '"support"'),
        ("missing.toml", "No such file", ""),
        ("environment", "MAILGATE_WORKER__PROCESES", "MAILGATE_WORKER__PROCESSES"),
        ("environment", "MAILGATE_FOO", "docs/configuration.md"),
    ]
    for words in expected:
        assert any(all(word in complaint for word in words) for complaint in complaints), words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("languages = [", "languages = ['tlh', "), ("languages", '"de"')),
        (('queue = "support"', 'queue = "sales"'), ("mailbox[Help@acme.example].queue", "support")),
        (('name = "support"', 'name = "support"\ncalendar = "office"'), ("queue[support].calendar", "none")),
        (('name = "support"', 'name = "support"\noverflow = "x"'), ("queue[support].overflow", "support")),
        (('name = "support"', 'name = "support"\nladder = ["support", "x"]'), ("queue[support].ladder", '"x"')),
        (('name = "support"', 'name = "support"\nsla.normal.ack = "soon"'), ("sla.normal.ack", '"30m"')),
        (
            ('name = "support"', 'name = "support"\nsla.high.resolve = "2 business days"'),
            ("queue[support].calendar", "business days"),
        ),
        (('name = "support"', 'name = "support"\n[[queue]]\nname = "support"'), ("queue", "twice")),
        (('name = "support"', 'name = "support"\n[[team]]\nname = "x"\ncalendar = "y"'), ("team[x].calendar", "none")),
        (('name = "acme"', 'name = "acme"\naccount_patterns = ["("]'), ("account_patterns", "(?P<number>")),
        (
            ('name = "acme"', "name = 'acme'\naccount_patterns = ['no (?P<number>1']"),
            ("at letter 4, before '(?P<number>1'",),
        ),
        (
            ('name = "acme"', "name = 'acme'\naccount_patterns = ['(?<=x)(?P<number>1)']"),
            ("account_patterns", "linear time"),
        ),
        (('name = "acme"', 'name = "acme"\nformer_tags = ["two words"]'), ("former_tags", "a word of")),
        (('name = "acme"', 'name = "acme"\ngroups = ["help"]'), ("groups", "the id of a list")),
        (("[[queue]]", '[[rule]]\nname = "r"\nwhen.subjekt = "x"\n[[queue]]'), ("rule[r].when.subjekt", "subject")),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nwhen.subject = '/(?=x)/'\n[[queue]]"),
            ("rule[r].when.subject", "linear time"),
        ),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nwhen.header = { 'X Y' = 'x' }\n[[queue]]"),
            ("rule[r].when.header", "X Y"),
        ),
        (("[[queue]]", "[[rule]]\nname = 'r'\nwhen.level = 'forged'\n[[queue]]"), ("rule[r].when.level", "verified")),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nwhen.class = 'loop'\n[[queue]]"),
            ("rule[r].when.class", "auto_generated"),
        ),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nwhen.mailbox = 'x@acme.example'\n[[queue]]"),
            ("rule[r].when.mailbox", "help@"),
        ),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nwhen.larger_than = 'big'\n[[queue]]"),
            ("rule[r].when.larger_than", "MiB"),
        ),
        (("[[queue]]", "[[rule]]\nname = 'r'\nthen.flag = 'x'\n[[queue]]"), ("rule[r].when", "every mail")),
        (("[[queue]]", "[[rule]]\nname = 'r'\nwhen.text = 'x'\n[[queue]]"), ("rule[r].then", "says nothing")),
        (("[[queue]]", "[[rule]]\nname = 'r'\nthen.queue = 'x'\n[[queue]]"), ("rule[r].then.queue", "support")),
        (("[[queue]]", "[[rule]]\nname = 'r'\nthen.team = 'x'\n[[queue]]"), ("rule[r].then.team", "support")),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nthen.flag = 'blocked'\n[[queue]]"),
            ("rule[r].then.flag", "meaning already"),
        ),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nthen.copy_to = 'help@acme.example'\n[[queue]]"),
            ("rule[r].then.copy_to", "no mailbox"),
        ),
        (
            ("[[queue]]", "[[rule]]\nname = 'r'\nthen = { set_aside = true, ack = false }\n[[queue]]"),
            ("rule[r].then.ack", "set_aside"),
        ),
        (("[[queue]]", "[[rule]]\nwhen.text = 'x'\nthen.flag = 'x'\n[[queue]]"), ("rule[1].name", "missing")),
        (('name = "acme"', 'name = "acme"\nleads_only = ["#shout"]'), ("leads_only", "close")),
        (('name = "acme"', "name = 7"), ("name", "7")),
        (('name = "acme"', 'name = "acme"\nrules = { tries = 0 }'), ("rules.tries", "from 1")),
        (('name = "acme"', 'name = "acme"\nwords_folder = "gone"'), ("words_folder", "folder")),
        (('name = "acme"', 'name = "acme"\nwords.xx.outage = ["x"]'), ("words.xx", "de")),
        (
            ('name = "acme"', 'name = "acme"\nwords.common.concept.request.account = ["paper + nothing"]'),
            ("concept.request.account", "paper + nothing"),
        ),
        (('name = "acme"', 'name = "acme"\nwords.en.howto = ["@nobody how"]'), ("words.en.howto", "group.nobody")),
        (('name = "acme"', "name = "), ("acme.toml", "line 2")),
    ],
)
def test_a_desk_file_complains_by_key(tmp_path: Path, change: tuple[str, str], words: tuple[str, ...]):
    with pytest.raises(ConfigError) as raised:
        a_desk(tmp_path, DESK.replace(*change, 1))
    assert any(all(word in complaint for word in ("acme.toml", *words)) for complaint in raised.value.complaints), (
        raised.value.complaints
    )


@pytest.mark.parametrize(
    "hours",
    [
        '{ mon = ["09:00-12:00", "11:00-13:00"] }',
        '{ mon-fri = "09:00-18:00", fri = "17:00-19:00" }',
        '{ sun = "22:00-06:00", mon = "05:00-07:00" }',
        '{ someday = "09:00-18:00" }',
        '{ mon = "09:00" }',
        '{ mon = "25:00-26:00" }',
        '{ mon = "09:00-09:00" }',
        "{}",
        '"always"',
    ],
)
def test_hours_that_overlap_or_are_none_are_complained_of(tmp_path: Path, hours: str):
    with pytest.raises(ConfigError, match=r"calendar\[office\].hours"):
        a_desk(tmp_path, f'{DESK}[[calendar]]\nname = "office"\nhours = {hours}')


def test_two_desks_may_not_share_a_tag_or_a_mailbox(tmp_path: Path):
    main = 'desks = ["acme.toml", "other.toml"]\nsecret = "long enough for a test"'
    other = DESK.replace('name = "acme"', 'name = "other"\ntag = "ACME"')
    complaints = complaints_of(a_directory(tmp_path, main, acme=DESK, other=other))
    assert sorted("tag" in each for each in complaints) == [False, True]
    assert any("help@acme.example" in each for each in complaints)


def test_a_former_tag_may_not_be_another_desks_tag(tmp_path: Path):
    main = 'desks = ["acme.toml", "other.toml"]\nsecret = "long enough for a test"'
    other = DESK.replace('name = "acme"', 'name = "other"\nformer_tags = ["Acme", "other"]').replace("Help@", "two@")
    assert [each.split(": ")[-2:] for each in complaints_of(a_directory(tmp_path, main, acme=DESK, other=other))] == [
        ["desks has the tag acme twice", "in acme and in other"]
    ]


def test_no_complaint_and_no_listing_shows_a_secret(tmp_path: Path):
    main = """desks = ["acme.toml"]\nsecret = "s3cret-of-ours"\ndatabase.url = "postgresql://me:s3cret-too@h/d"
    relay.password = "s3cret-three"\nblobs.url = "ftp://me:s3cret-four@h" """
    path = a_directory(tmp_path, main)
    assert "s3cret" not in "\n".join(complaints_of(path))
    _, entries = config.explained(a_directory(tmp_path, main.replace("blobs.url", "# ")), {})
    assert "s3cret" not in repr(entries)
    assert {entry.key: entry.source for entry in entries}["relay.hold_seconds"] == "default"


# the parts of a desk file


def test_a_desk_needs_little_and_has_the_defaults_of_the_rules(tmp_path: Path):
    desk = a_desk(tmp_path, DESK)
    assert (desk.tag, desk.mailboxes[0].address, desk.teams["support"].calendar) == ("acme", "help@acme.example", None)
    assert desk.rules.reopen_window_seconds == 14 * 86400
    assert desk.plus_addresses


def test_hours_over_midnight_belong_to_two_days(tmp_path: Path):
    desk = a_desk(
        tmp_path, DESK + '[[calendar]]\nname = "night"\nhours = { sat-sun = "22:00-06:00", mon = "08:00-24:00" }'
    )
    assert desk.calendars["night"].hours == (
        ((0, 360), (480, 1440)), (), (), (), (), ((1320, 1440),), ((0, 360), (1320, 1440)),
    )  # fmt: skip


def test_closed_days_are_dates_or_days_of_every_year(tmp_path: Path):
    text = (
        DESK + '[[calendar]]\nname = "office"\nhours = { mon-fri = "9:00-17:00" }\n'
        'closed = ["12-24", "2026-03-09", 2026-03-10]'
    )
    calendar = a_desk(tmp_path, text).calendars["office"]
    assert calendar.closed_days == {(12, 24)}
    assert calendar.closed_dates == {date(2026, 3, 9), date(2026, 3, 10)}


def test_a_team_that_only_its_queue_names_works_when_the_queue_does(tmp_path: Path):
    text = DESK + 'calendar = "office"\n[[calendar]]\nname = "office"\nhours = { mon-fri = "9:00-17:00" }'
    assert a_desk(tmp_path, text).teams["support"].calendar == "office"


def test_a_desk_replaces_word_lists_by_folder_and_adds_words_in_its_file(tmp_path: Path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "en.toml").write_text(
        '[request]\nsensitive = ["hand over"]\n[more]\nlist = ["a"]', encoding="utf-8"
    )
    text = 'words_folder = "words"\n' + DESK + '[words.en]\n"request.sensitive" = ["give away"]\nmore.list = ["b", "a"]'
    words = a_desk(tmp_path, text).lexicon.words["en"]
    assert words["request.sensitive"] == ("hand over", "give away")
    assert words["more.list"] == ("a", "b")


def test_desks_without_words_of_their_own_share_one_lexicon():
    assert config.load_desk("flexihost").lexicon is config.load_desk("strato").lexicon


def test_all_shipped_languages_have_word_lists():
    words = config.load_desk("flexihost").lexicon.words
    assert all(words[language] for language in ("en", "de", "pl", "ru", "uk"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("30m", 1800),
        ("4h", 14400),
        ("14 days", 1209600),
        ("1h 30m", 5400),
        ("2 weeks", 1209600),
        ("1D", 86400),
    ],
)
def test_lengths_of_time_are_read(text: str, seconds: int):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "30 parsecs", "-5m", "1h and a bit", 30, None])
def test_what_is_no_length_of_time_is_refused(text: object):
    with pytest.raises(ValueError):
        seconds_of(text)


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("9:05", 545), ("23:59", 1439), ("24:00", 1440)])
def test_times_of_day_are_read(text: str, minutes: int):
    assert minutes_of(text) == minutes


def test_every_key_stands_in_the_documentation(tmp_path: Path):
    _, entries = config.explained(None, SECRET)
    text = (resources.root() / "docs" / "configuration.md").read_text(encoding="utf-8")
    keys = {
        entry.key.rpartition(".")[2]
        for entry in entries
        if not entry.key.startswith("desk[") or "[" not in entry.key[5:]
    }
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", text)] == []


def test_what_the_shipped_file_shows_as_a_comment_are_its_keys_and_their_defaults(tmp_path: Path):
    text = (resources.path("config") / "mailgate.toml").read_text(encoding="utf-8")
    shown = re.sub(r"(?m)^# (?=\w+ = |\[)", "", text)
    (tmp_path / "mailgate.toml").write_text(shown.replace(".toml", ""), encoding="utf-8")
    complaints = complaints_of(str(tmp_path / "mailgate.toml"))  # of files and mailboxes that are not there
    assert not [each for each in complaints if "is no key" in each]
    settings = config.load(None, SECRET)
    data = tomllib.loads(shown)
    assert data["smtp"]["max_connections"] == settings.smtp.max_connections
    assert tuple(data["smtp"]["trusted_peers"]) == settings.smtp.trusted_peers
    assert data["relay"]["give_up_seconds"] == settings.relay.give_up_seconds
    assert data["worker"]["max_parts"] == settings.worker.max_parts


def test_loading_is_fast():
    config.load(None, SECRET)
    started = time.perf_counter()
    config.load(None, SECRET)
    assert time.perf_counter() - started < 0.5  # some 20 ms on an idle machine
