"""Signing in to the board: a link mailed to a staff address opens it once; no password anywhere."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from mailgate.model import tokens
from mailgate.model.letter import Rendered
from mailgate.model.people import Staff
from mailgate.model.settings import Desk
from mailgate.pipeline import House
from mailgate.store import outbox, people
from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX, Outgoing
from mailgate.store.tables import META

KIND = "sign_in"
LINK_MINUTES, SESSION_HOURS = 15, 12
MOST_LINKS = 3  # to one address within LINK_MINUTES
_USED = "link:"
_WORDS: Mapping[str, tuple[str, str]] = {
    "en": ("Your link to the board", "Open this link within {minutes} minutes to see the board:\n\n{link}\n\n"
           "It works once. If you did not ask for it, ignore this letter."),
    "de": ("Ihr Link zur Übersicht", "Mit diesem Link öffnen Sie innerhalb von {minutes} Minuten die Übersicht:\n\n{link}\n\n"
           "Er gilt einmal. Haben Sie ihn nicht angefordert, können Sie diese Mail ignorieren."),
    "pl": ("Link do tablicy zgłoszeń", "Ten link otwiera tablicę zgłoszeń, jest ważny {minutes} minut:\n\n{link}\n\n"
           "Działa tylko raz. Jeśli nie prosili Państwo o niego, proszę zignorować tę wiadomość."),
    "ru": ("Ссылка на доску тикетов", "По этой ссылке в течение {minutes} минут откроется доска тикетов:\n\n{link}\n\n"
           "Она действует один раз. Если вы её не запрашивали, ничего делать не нужно."),
    "uk": ("Посилання на дошку тікетів", "За цим посиланням протягом {minutes} хвилин відкриється дошка тікетів:\n\n{link}\n\n"
           "Воно діє один раз. Якщо ви його не замовляли, нічого робити не потрібно."),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who looks at the board, and the desks that are theirs. `csrf` belongs to this session alone: a form without it was
    not written by a page of ours."""

    address: str
    name: str
    desks: tuple[str, ...]
    teams: frozenset[tuple[str, str]]  # desk and team
    language: str | None
    timezone: str | None
    csrf: str


class SignIn:
    """Links and sessions, signed with the installation's secret."""

    def __init__(self, house: House, address: str) -> None:
        """`address` is how people reach the board, without a slash at its end."""
        self._house = house
        self._address = address

    def send_link(self, address: str) -> bool:
        """Mail a link to that address if it is a staff member's; whether it is, nobody but they learn."""
        now = self._house.clock()
        with transaction(self._house.engine) as connection:
            person = next((one for one in people.list_staff(connection) if one.address == address.lower()), None)
            desk = self._house.settings.desks.get(person.desk) if person else None
            if person is None or desk is None or _sent_lately(connection, person.address, now) >= MOST_LINKS:
                return False
            outbox.add(connection, [self._letter(desk, person, self.make_link(person.address), now)])
        return True

    def make_link(self, address: str) -> str:
        """Return a link that lets that address in, once, within LINK_MINUTES."""
        until = self._house.clock() + timedelta(minutes=LINK_MINUTES)
        return f"{self._address}/sign-in/{self._signed('link', address, until)}"

    def open_link(self, link: str) -> str | None:
        """Return a session for a link that is good and was not used; None otherwise."""
        address = self._read("link", link)
        if address is None:
            return None
        now, name = self._house.clock(), _USED + hashlib.sha256(link.encode()).hexdigest()
        with transaction(self._house.engine) as connection:
            old = (now - timedelta(hours=1)).isoformat()
            connection.execute(delete(META).where(META.c.name.startswith(_USED), META.c.value < old))
            if connection.execute(select(META.c.name).where(META.c.name == name)).first():
                return None
            connection.execute(insert(META), [{"name": name, "value": now.isoformat()}])
        return self._signed("session", address, now + timedelta(hours=SESSION_HOURS))

    def find_person(self, session: str) -> Person | None:
        """Return whose session it is, while they are staff."""
        address = self._read("session", session) if session else None
        if address is None:
            return None
        with reading(self._house.engine) as connection:
            found = [one for one in people.list_staff(connection) if one.address == address]
        found = [one for one in found if one.desk in self._house.settings.desks]
        if not found:
            return None
        return Person(
            address=address, name=found[0].name, desks=tuple(one.desk for one in found),
            teams=frozenset((one.desk, team) for one in found for team in one.teams),
            language=next((one.language for one in found if one.language), None),
            timezone=next((one.timezone for one in found if one.timezone), None), csrf=self._check("csrf", session),
        )  # fmt: skip

    def _letter(self, desk: Desk, person: Staff, link: str, now: datetime) -> Outgoing:
        wanted = (person.language or "", *desk.languages, "en")
        language = next(one for one in wanted if one in _WORDS)
        subject, text = _WORDS[language]
        mailbox, id_ = desk.mailboxes[0].address, self._house.tools.ids()
        rendered = Rendered(
            kind=KIND, desk=desk.name, audience="staff", ticket=None, to=person.address, to_name=person.name,
            from_=mailbox, from_name=desk.title, reply_to=mailbox, envelope_from=mailbox, subject=subject,
            text=text.format(minutes=LINK_MINUTES, link=link) + "\n", language=language,
            message_id=tokens.message_id(self._house.settings.secret, id_, mailbox.rpartition("@")[2]),
            in_reply_to=None, references=(), headers=(("Auto-Submitted", "auto-generated"),),
        )  # fmt: skip
        return Outgoing(id=id_, rendered=rendered, created_at=now)

    def _signed(self, kind: str, address: str, until: datetime) -> str:
        body = _pack(json.dumps([address, int(until.timestamp()), secrets.token_urlsafe(12)]).encode())
        return f"{body}.{self._check(kind, body)}"

    def _read(self, kind: str, text: str) -> str | None:
        body, _, check = text.partition(".")
        if len(text) > 1000 or not text.isascii() or not hmac.compare_digest(check, self._check(kind, body)):
            return None
        address, until, _ = json.loads(_unpack(body))
        return str(address) if self._house.clock().timestamp() < until else None

    def _check(self, kind: str, body: str) -> str:
        return _pack(hmac.digest(self._house.settings.secret, f"board {kind} {body}".encode(), hashlib.sha256))


def _sent_lately(connection: Connection, address: str, now: datetime) -> int:
    since = now - timedelta(minutes=LINK_MINUTES)
    query = select(func.count()).where(
        OUTBOX.c.to_address == address, OUTBOX.c.kind == KIND, OUTBOX.c.created_at >= since
    )
    return int(connection.execute(query).scalar_one())


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
