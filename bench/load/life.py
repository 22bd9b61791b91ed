"""A year of a desk's mail, written by chance: customers who ask, staff who answer late or not, thanks, reopenings, machines."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

STAFF = {"support": 4, "admins": 2, "billing": 2}
SERVER, DESK, ZONE = "mx.flexihost.example", "flexihost", ZoneInfo("Europe/Kyiv")
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86400

_HOURS = (1, 1, 1, 1, 1, 2, 3, 6, 9, 11, 12, 11, 9, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)  # of the desk's place
_WEEK = (11, 10, 10, 10, 9, 4, 4)
_SITES = ("502 Bad Gateway", "pages load slowly", "the form sends nothing", "images are missing", "login does not work")
_ASKS = (
    ("support", "{site}: {what} ({n})", "Hello,\n\nsince this morning on {site}: {what}. Please have a look."),
    ("support", "Не работает {site}, {n}", "Добрый день!\n\nНа сайте {site} ошибка: {what}. Посмотрите, пожалуйста."),
    ("support", "Питання щодо {site} {n}", "Вітаю!\n\nНа {site} бачу таке: {what}. Що робити?"),
    ("support", "DNS of {site} {n}", "Hi,\n\nwhich name servers should {site} have? Now I see {what}."),
    ("bill", "Invoice {n} for {site}", "Hello,\n\nplease send the invoice {n} for {site}."),
    ("bill", "Счёт {n} за {site}", "Здравствуйте!\n\nПришлите, пожалуйста, счёт {n} за {site}."),
)
_ANSWERS = (
    "Fixed, please try again.", "We have restarted the service. Does it work now?", "Which browser do you use?",
    "Исправили, проверьте, пожалуйста.", "Надішліть, будь ласка, знімок екрана.", "You find it in the panel, section Invoices.",
)  # fmt: skip
_COMMANDS = (*("",) * 8, *("#resolve\n\n",) * 9, "#take\n\n", "#eta 1d\n\n", "#open\n\n")
_ALONE = (
    "#take",
    "#priority high",
    "#escalate please help",
    "#snooze 2d",
    "#resolve",
    "#wait",
    "#queue support",
    "#note\n\nCalled.",
)
_MORE = ("It still does not work.", "Спасибо, но ошибка осталась.", "Ось знімок, помилка та сама.", "Any news on this?")
_THANKS = ("Thank you!", "Спасибо!", "Дякую!", "Thanks, it works.")


@dataclass(frozen=True, order=True)
class Planned:
    """A mail to come. `thread` is what it is about; its number is known once its first mail is applied."""

    at: datetime
    order: int
    kind: str = field(compare=False)
    thread: "Thread" = field(compare=False)


@dataclass
class Thread:
    """What a customer and the desk write to each other."""

    customer: int
    subject: str
    mailbox: str
    text: str
    turns: int = 0
    number: int | None = None
    is_resolved: bool = False


class Life:
    """Plans mails one after the other. `mails` yields them in time; `happened` says what became of each."""

    def __init__(self, mails: int, days: float, seed: int) -> None:
        self._random = random.Random(seed)
        self._left = mails
        self.customers = max(20, mails // 25)
        self._days = days
        self._order = 0
        self._queue: list[Planned] = []
        self._openings = self._moments(round(mails * 0.23))

    def mails(self) -> Iterator[Planned]:
        for at in self._openings:
            yield from self._until(at)
            if self._left <= 0:
                return
            yield from self._take(self._plan_opening(at))
        yield from self._until(START + timedelta(days=self._days + 60))

    def happened(self, planned: Planned, ticket: int | None, is_open: bool) -> None:
        """Plan what follows; `is_open`: the desk has the ball."""
        thread, chance = planned.thread, self._random.random()
        match planned.kind:
            case "ask" | "more":
                thread.number = ticket or thread.number
                self._plan_answer(planned.at, thread)
                if chance < 0.04:
                    self._later(planned.at, 1, "vacation", thread)
            case "answer":
                thread.turns += 1
                if thread.turns < 4 and chance < 0.38:
                    self._later(planned.at, self._waits(10), "more", thread)
                elif chance < 0.55:
                    self._later(planned.at, self._waits(6), "thanks", thread)
                elif chance < 0.58:
                    self._later(planned.at, self._random.uniform(1, 13) * DAY, "more", thread)  # reopened
                elif chance < 0.60:
                    self._later(planned.at, 40, "bounce", thread)
                if is_open and chance < 0.98:
                    self._later(planned.at, self._waits(3), "answer", thread)
            case "command" | "thanks" if is_open and chance < 0.98:
                self._later(planned.at, self._waits(2), "answer", thread)

    def raw(self, planned: Planned) -> tuple[bytes, str, str]:
        """Return the mail, its recipient, and its sender."""
        thread, at = planned.thread, planned.at
        customer, site = f"c{thread.customer}@site{thread.customer}.example", f"site{thread.customer}.example"
        mailbox = f"{thread.mailbox}@flexihost.example"
        tagged = f"Re: [flexihost #{thread.number}] {thread.subject}"
        match planned.kind:
            case "ask":
                return self._mail(customer, mailbox, thread.subject, thread.text, planned), mailbox, customer
            case "more" | "thanks":
                words = self._random.choice(_MORE if planned.kind == "more" else _THANKS)
                quoted = f"{words}\n\nOn {at:%a, %d %b %Y} Support flexihost wrote:\n> Fixed, please try again.\n"
                return self._mail(customer, mailbox, tagged, quoted, planned), mailbox, customer
            case "vacation":
                more = "Auto-Submitted: auto-replied\n"
                text = "I am out of office until Monday."
                return (
                    self._mail(customer, mailbox, "Automatic reply: " + tagged, text, planned, more),
                    mailbox,
                    customer,
                )
            case "newsletter":
                more = f"List-Id: <news.{site}>\nPrecedence: bulk\nList-Unsubscribe: <mailto:x@{site}>\n"
                sender = f"news@list-{site}"
                return self._mail(sender, mailbox, f"News {planned.order}", "Buy now.", planned, more), mailbox, sender
            case "bounce":
                more = "Auto-Submitted: auto-replied\nX-Failed-Recipients: " + customer + "\n"
                text = f"Delivery to {customer} failed: 550 5.1.1 User unknown."
                sender = "mailer-daemon@mx.flexihost.example"
                return (
                    self._mail(sender, mailbox, "Undelivered Mail Returned to Sender", text, planned, more),
                    mailbox,
                    "",
                )
            case _:
                person = self._person(thread)
                alone = self._random.choice(_ALONE)
                text = (
                    alone
                    if planned.kind == "command"
                    else self._random.choice(_COMMANDS) + self._random.choice(_ANSWERS)
                )
                return self._mail(person, mailbox, tagged, text, planned), mailbox, person

    def _person(self, thread: Thread) -> str:
        team = "billing" if thread.mailbox == "bill" else "admins" if self._random.random() < 0.15 else "support"
        return f"{team}{self._random.randrange(STAFF[team])}@team.example"

    def _mail(self, sender: str, to: str, subject: str, text: str, planned: Planned, more: str = "") -> bytes:
        domain = sender.rpartition("@")[2]
        head = (
            f"Authentication-Results: {SERVER}; dmarc=pass header.from={domain}\nFrom: {sender}\nTo: {to}\nSubject: {subject}\n"
            f"Date: {format_datetime(planned.at)}\nMessage-ID: <{planned.order}@{domain}>\n{more}MIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        )
        return (head + text + "\n").replace("\n", "\r\n").encode()

    def _plan_opening(self, at: datetime) -> Planned:
        customer = self._random.randrange(self.customers)
        mailbox, subject, text = self._random.choice(_ASKS)
        words = {"site": f"site{customer}.example", "what": self._random.choice(_SITES), "n": f"{self._order:06}"}
        thread = Thread(customer=customer, subject=subject.format(**words), mailbox=mailbox, text=text.format(**words))
        return self._planned(at, "newsletter" if self._random.random() < 0.05 else "ask", thread)

    def _plan_answer(self, at: datetime, thread: Thread) -> None:
        chance = self._random.random()
        if chance < 0.003:
            return  # nobody ever answers
        kind = "command" if chance < 0.07 else "answer"
        seconds = self._random.lognormvariate(7.0, 0.8) if chance < 0.97 else self._random.uniform(0.2, 3) * DAY
        moment = at + timedelta(seconds=seconds)
        local = moment.astimezone(ZONE)
        if thread.mailbox == "bill" and (local.weekday() > 4 or not 9 <= local.hour < 18):
            days = 1 if local.hour >= 18 else 0
            while (local + timedelta(days=days)).weekday() > 4:
                days += 1
            morning = (local + timedelta(days=days)).replace(hour=9, minute=0)
            moment = morning.astimezone(UTC) + timedelta(seconds=seconds % 7200)
        self._push(max(moment, at + timedelta(seconds=60)), kind, thread)

    def _waits(self, hours: float) -> float:
        return self._random.lognormvariate(0, 1.2) * hours * 3600

    def _later(self, at: datetime, seconds: float, kind: str, thread: Thread) -> None:
        self._push(at + timedelta(seconds=seconds), kind, thread)

    def _push(self, at: datetime, kind: str, thread: Thread) -> None:
        heapq.heappush(self._queue, self._planned(at.replace(microsecond=0), kind, thread))

    def _planned(self, at: datetime, kind: str, thread: Thread) -> Planned:
        self._order += 1
        return Planned(at, self._order, kind, thread)

    def _until(self, at: datetime) -> Iterator[Planned]:
        while self._queue and self._queue[0].at <= at and self._left > 0:
            yield from self._take(heapq.heappop(self._queue))

    def _take(self, planned: Planned) -> Iterator[Planned]:
        self._left -= 1
        yield planned

    def _moments(self, count: int) -> list[datetime]:
        """Return when customers write first: by the hours of the day and the days of the week."""
        found: list[datetime] = []
        days = [START + timedelta(days=day) for day in range(max(1, round(self._days)))]
        weights = [_WEEK[day.weekday()] for day in days]
        for day in self._random.choices(days, weights, k=count):
            hour = self._random.choices(range(24), _HOURS)[0]
            second = self._random.randrange(3600)
            found.append(
                (day.astimezone(ZONE).replace(hour=hour, minute=0) + timedelta(seconds=second)).astimezone(UTC)
            )
        return sorted(max(one, START) for one in found)
