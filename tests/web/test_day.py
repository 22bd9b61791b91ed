"""A day of a desk, played by a browser and by mail in turns: what comes of it is what comes of the same day by mail alone."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import ndiff
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mailgate.byhand import aside
from mailgate.config.directory import write_directory
from mailgate.model.people import Account, Contact, Staff
from mailgate.store import people, views
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL
from tests.conftest import find_server
from tests.serve.daemon import AUTHSERV, Daemon, mail
from tests.web.day import DAY, FILE, HANS, IVAN, OLGA, Acts, Bulk, Comes, Meanwhile, Settles, Step

pytestmark = [pytest.mark.server("chromium"), pytest.mark.slow, pytest.mark.timeout(180)]
HOLD_SECONDS = 8
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_STAFF = ((IVAN, "Ivan Petrenko", "staff", "flexihost"), (OLGA, "Olga Koval", "lead", "flexihost"),
          (HANS, "Hans Huber", "staff", "strato"))  # fmt: skip


class House(Daemon):
    """A daemon of two desks; the first lets leads alone mark spam."""

    def make(self) -> None:
        write_directory(self.folder, ["flexihost", "strato"])
        desk = self.folder / "flexihost.toml"
        text = desk.read_text(encoding="utf-8").replace("\nauthserv_ids", '\nleads_only = ["spam"]\nauthserv_ids', 1)
        desk.write_text(re.sub(r"\nhours = .*", '\nhours = { mon-sun = "00:00-24:00" }', text), encoding="utf-8")
        config = Path(self.config)
        text = config.read_text(encoding="utf-8").replace("\n[web]\n", '\n[web]\nurl = "https://board.example"\n')
        config.write_text(text, encoding="utf-8")
        with self.built() as built, transaction(built.engine) as connection:
            for number, language in (("1001", "uk"), ("1003", "en")):
                account = Account(id="", desk="flexihost", number=number, name=language, language=language)
                id_, _ = people.put_account(connection, account, built.ids)
                people.put_contact(
                    connection, Contact(id="", account=account, address=f"{language}@shop.example"), id_, built.ids
                )
            for address, name, role, where in _STAFF:
                people.put_staff(connection, Staff(
                    desk=where, address=address, name=name, teams=("support",), role=role, language="en",  # type: ignore[arg-type]
                ))  # fmt: skip

    def tickets(self) -> list[dict[str, Any]]:
        engine = open_engine(f"sqlite:///{self.folder / 'mailgate.db'}", readonly=True)
        with reading(engine) as connection:
            found = [views.show_ticket(connection, one["number"]) for one in views.list_tickets(connection)]
        engine.dispose()
        return [one for one in reversed(found) if one]

    def outcome(self, message_id: str) -> str:
        return self.wait_for(lambda: [one["outcome"] for one in self.rows(ARRIVAL) if one["message_id"] == message_id])[
            0
        ]


class Play:
    """A day being played; `pages` are the browsers of those who have one."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.count = 0

    def play(self, step: Step) -> None:
        match step:
            case Comes():
                raw = mail(step.text, sender=step.sender, subject=step.subject, message_id=self._id(), auth=step.auth,
                           **step.headers)  # fmt: skip
                assert self._post(raw, step.sender) == step.becomes
            case Acts():
                self.acts(step)
            case Bulk():
                self.bulk(step)
            case Settles():
                self.settles(step)
            case Meanwhile():
                self.meanwhile(step)

    def acts(self, step: Acts) -> None:
        self._write(step.who, step.ticket, step.mail, with_file=step.with_file)

    def bulk(self, step: Bulk) -> None:
        for ticket in step.tickets:
            self._write(step.who, ticket, step.mail)

    def settles(self, step: Settles) -> None:
        if step.where == "held":
            (notice,) = self.house.wait_for(lambda: self.house.letters(step.who, "held_notice"))
            self._write(step.who, None, f"#{step.do}", notice=notice)
        else:
            (row,) = self.house.cli("aside", "list")
            with self.house.built() as built:  # as `mailgate aside release` does, which has no mail beside it
                aside.release(built.house, row["id"], step.who)

    def meanwhile(self, step: Meanwhile) -> None:
        for who, text in zip((step.first, step.second), step.texts, strict=True):
            self._write(who, step.ticket, text)

    def _write(
        self, who: str, ticket: int | None, text: str, *, with_file: bool = False, notice: EmailMessage | None = None
    ) -> str:
        written = EmailMessage(policy=SMTP)
        desk = "strato" if who == HANS else "flexihost"
        written["From"], written["To"] = who, f"support@{desk}.example"
        written["Subject"] = f"Re: {notice['Subject']}" if notice else f"Re: [flexihost #{ticket}]"
        if notice:
            written["In-Reply-To"] = notice["Message-ID"]
            written.replace_header("To", notice["Reply-To"])
        written["Message-ID"] = f"<{self._id()}>"
        written.set_content(text)
        if with_file:
            written.add_attachment(FILE[1], maintype="text", subtype="plain", filename=FILE[0])
        head = f"Authentication-Results: {AUTHSERV[desk]}; dmarc=pass header.from=team.example\r\n".encode()
        return self._post(head + bytes(written), who, str(written["To"]))

    def _post(self, raw: bytes, sender: str, to: str | None = None) -> str:
        self.house.send(raw, to, sender)
        return self.house.outcome(f"{self.count}@mail.example")

    def _id(self) -> str:
        self.count += 1
        return f"{self.count}@mail.example"


class BoardPlay(Play):
    """A day on the board: of each step, `turns` says whether it is done there or by mail."""

    def __init__(self, house: House, browser: Browser, turns: Callable[[Acts], bool], *, scripts: bool) -> None:
        super().__init__(house)
        self._turns = turns
        self._url = "http://" + house.lines["web"]
        self._browser, self._scripts = browser, scripts
        self._pages = {who: self._signed_in(who) for who in (IVAN, OLGA, HANS)}

    def acts(self, step: Acts) -> None:
        if not self._turns(step):
            return super().acts(step)
        page = self._pages[step.who]
        page.goto(f"/tickets/{step.ticket}")
        if page.locator(".ticket").count():
            self._fill(page, step)
            with page.expect_navigation():
                page.click(f"button[value={step.do}]")
        assert step.sees.lower() in page.inner_text("main").lower()
        return None

    def bulk(self, step: Bulk) -> None:
        page = self._pages[step.who]
        page.goto("/")
        for ticket in step.tickets:
            page.check(f"input[name=ticket][value='{ticket}']")
        with page.expect_navigation():
            page.click(f".bulk button[value={step.do}]")
        assert page.inner_text("main").count("Done.") == len(step.tickets)

    def settles(self, step: Settles) -> None:
        page = self._pages[step.who]
        page.goto(f"/{step.where}")
        with page.expect_navigation():
            page.click(f"button[value={step.do}]")
        assert not page.locator(f"button[value={step.do}]").count()

    def meanwhile(self, step: Meanwhile) -> None:
        """Both have the page open; whoever comes second is shown what the first wrote, and is told once more when it is done."""
        first, second = self._pages[step.first], self._pages[step.second]
        for page, text in zip((first, second), step.texts, strict=True):
            page.goto(f"/tickets/{step.ticket}")
            page.fill("#text", text)
        with first.expect_navigation():
            first.click("button[value=reply]")
        with second.expect_navigation():
            second.click("button[value=reply]")
        second.wait_for_selector("text=has changed since you opened it")
        assert step.texts[0] in second.inner_text("main")
        assert second.input_value("#text") == step.texts[1]
        with second.expect_navigation():
            second.click("button[value=reply]")
        assert step.texts[0] in second.inner_text(".notice .said")

    def searches(self, who: str, words: str) -> str:
        page = self._pages[who]
        page.goto("/")
        page.fill("form.find input", words)
        with page.expect_navigation():
            page.press("form.find input", "Enter")
        return page.inner_text("main")

    def _fill(self, page: Page, step: Acts) -> None:
        if page.locator("details:has(.grid)").count():
            page.click("details:has(.grid) > summary")
        for name, value in step.fill.items():
            field = page.locator(f"form.answer [name={name}]")
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        if step.with_file:
            page.set_input_files("[name=files]", {"name": FILE[0], "mimeType": "text/plain", "buffer": FILE[1]})

    def _signed_in(self, who: str) -> Page:
        context = self._browser.new_context(base_url=self._url, java_script_enabled=self._scripts)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.goto("/")
        page.fill("#address", who)
        page.click("button.main")
        found = self.house.wait_for(lambda: [one.get_content() for one in self.house.letters(who)])
        page.goto("/sign-in/" + re.findall(r"/sign-in/(\S+)", found[0])[0])
        page.click("button.main")
        page.wait_for_url(self._url + "/")
        return page


Told = dict[str, Any]


def became(house: House) -> Told:
    """Return what became of a day: each ticket with its entries and its history, and the letters that customers got."""
    house.wait_for(
        lambda: all(one["state"] not in ("waiting", "sending") for one in house.rows(OUTBOX) if one["kind"] == "relay")
    )
    tickets = house.tickets()
    known = {one["id"]: str(place) for place, one in enumerate(m for t in tickets for m in t["messages"])}
    letters = [(one["to_address"], one["kind"], one["subject"], _plain(one["text"], known), one["state"], one["reason"])
               for one in house.rows(OUTBOX) if not one["to_address"].endswith("@team.example")]  # fmt: skip
    names = (
        "status",
        "priority",
        "owner",
        "queue",
        "team",
        "flags",
        "links",
        "language",
        "level",
        "request",
        "subject",
    )
    return {
        "tickets": {
            one["number"]: {
                "is": {name: one[name] for name in names},
                "entries": [
                    (m["kind"], m["from"], m["visible_text"], m["state"], [a["filename"] for a in m["attachments"]])
                    for m in one["messages"]
                ],
                "history": [(e["actor"], e["kind"], _plain(repr(e["detail"]), known)) for e in one["events"]],
            }
            for one in tickets
        },
        "letters": sorted(letters, key=repr),
    }  # fmt: skip


def _plain(text: str, known: dict[str, str]) -> str:
    for id_, name in known.items():
        text = text.replace(id_, name)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]+Z?", "<instant>", text)
    return re.sub(r"\b\d\d:\d\d\b", "<time>", text)


@contextmanager
def house_of(folder: Path) -> Iterator[House]:
    house = House(
        folder, environ={"MAILGATE_WEB__LISTEN": "127.0.0.1:0", "MAILGATE_RELAY__HOLD_SECONDS": str(HOLD_SECONDS)}
    )
    house.make()
    try:
        yield house.start()
    finally:
        if house.process is not None and house.process.poll() is None:
            house.stop()


@pytest.fixture(scope="module")
def by_mail(tmp_path_factory: pytest.TempPathFactory) -> Told:
    with house_of(tmp_path_factory.mktemp("mail")) as house:
        play = Play(house)
        for step in DAY:
            play.play(step)
        return became(house)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=find_server("chromium"), args=_QUIET)
        yield opened
        opened.close()


@pytest.mark.parametrize(
    ("turns", "scripts"),
    [(lambda step: step.by == "board", True), (lambda step: True, False)],
    ids=["in-turns-with-mail", "all-on-the-board-without-scripts"],
)
def test_a_day_on_the_board_becomes_what_it_becomes_by_mail(
    by_mail: Told, browser: Browser, tmp_path: Path, turns: Callable[[Acts], bool], scripts: bool
):
    with house_of(tmp_path) as house:
        play = BoardPlay(house, browser, turns, scripts=scripts)
        for step in DAY:
            play.play(step)
        assert "Greylisting" in play.searches(OLGA, "greylisting")
        assert "Nothing found" in play.searches(HANS, "greylisting")
        on_board = became(house)
    wanted, found = (pformat(one, width=160).split("\n") for one in (by_mail, on_board))
    assert not (differing := [line for line in ndiff(wanted, found) if line[0] in "+-"]), "\n".join(differing)
