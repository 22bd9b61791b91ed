"""Acts on the board (W1): each is a mail of the person's own, with the commands they would have written, that goes through
the inbox like every other. So rule, decision and trace are the same as by mail."""

import asyncio
import hmac
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.intake.panel import panel_mail
from mailgate.log import Log, short
from mailgate.model.arrival import BoardForm
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.store import outbox
from mailgate.store.engine import reading
from mailgate.store.inbox import Incoming
from mailgate.web.desk import Faces, wait_until_applied
from mailgate.web.forms import MOST_FILES, MOST_TEXT
from mailgate.web.sign_in import Person

LOG = Log("board")
MOST_ACTS = 60  # of one person within a minute
_SLACK = 1 << 20
_AFTER = {"open": "#open", "resolve": "#resolve", "close": "#close"}
_BARE = ("take", "wait", "open", "resolve", "close", "verify", "spam", "abuse", "undo", "send")
_WITH = ("assign", "queue", "priority", "merge", "split", "snooze", "eta", "lang")
BULK = ("take", "assign", "close", "resolve", "spam")


class NotDone(Exception):
    """An act that was not even begun. `key` names the words that say why."""

    def __init__(self, status: int, key: str, **values: Any) -> None:
        super().__init__(key)
        self.status, self.key, self.values = status, key, values


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A form of ours, read: its fields, the tickets that are ticked, and the files as (name, content type, bytes)."""

    values: Mapping[str, str]
    tickets: tuple[int, ...] = ()
    files: Sequence[tuple[str, str, bytes]] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What an act came to. `outcome` is None where it is accepted and not applied yet; `said`: what answers it."""

    arrival: str
    outcome: str | None
    said: tuple[tuple[str, str], ...] = ()  # kind and text of the letters that are shown here instead of mailed

    @property
    def is_refused(self) -> bool:
        return any(kind == "command_error" for kind, _ in self.said)


class Acting:
    """Reads forms, and lets acts go their way."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._house = faces.house
        self._recipients = Recipients.of(faces.house.settings)
        self._lately: dict[str, deque[float]] = {}

    async def read(self, request: Request, person: Person) -> Posted:
        """Return the form. Raises NotDone for one that no page of ours wrote, and for what is too large."""
        most = self._house.settings.smtp.size_limit + MOST_TEXT * 4 + _SLACK
        declared = request.headers.get("content-length", "")
        if not declared.isdecimal() or int(declared) > most:
            raise NotDone(413, "too_large")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise NotDone(403, "forged")
        try:
            async with request.form(max_files=MOST_FILES, max_fields=600, max_part_size=MOST_TEXT * 4 + 1) as form:
                posted = await _posted(form)
        except (MultiPartException, HTTPException, ClientDisconnect, UnicodeError) as error:
            raise NotDone(413, "too_long", most=MOST_TEXT) from error
        if not _is_same(posted.values.get("csrf", ""), person.csrf):
            raise NotDone(403, "forged")
        if len(posted.values.get("text", "")) > MOST_TEXT:
            raise NotDone(413, "too_long", most=MOST_TEXT)
        if sum(len(data) for _, _, data in posted.files) > self._house.settings.smtp.size_limit * 3 // 4:
            raise NotDone(413, "too_large")
        self._count(person)
        return posted

    async def act(self, person: Person, desk: Desk, ticket: Mapping[str, Any], posted: Posted) -> Result:
        """Let the person do to `ticket` what the form says; wait until it is done. Raises NotDone."""
        commands, text = written(posted.values)
        if not commands and not text and not posted.files:
            raise NotDone(422, "empty")
        if not self._faces.may_take():
            raise NotDone(503, "too_often")
        incoming = self._mail(person, desk, ticket, "\n".join([*commands, "", text]).strip(), posted.files)
        await asyncio.shield(asyncio.to_thread(self._faces.inbox.accept, [incoming]))
        arrival = incoming.arrival.id
        LOG.event("board.acted", arrival=arrival, by=short(person.address), ticket=ticket["number"])
        self._faces.on_commit()
        found = await wait_until_applied(self._faces, arrival)
        if found is None:
            return Result(arrival=arrival, outcome=None)
        self._faces.on_letter()
        return Result(
            arrival=arrival, outcome=found[0], said=await asyncio.to_thread(self.said, arrival, person.address)
        )

    def said(self, arrival: str, address: str) -> tuple[tuple[str, str], ...]:
        """Return what answered an act, as it is to be shown."""
        with reading(self._house.engine) as connection:
            found = outbox.list_letters(connection, arrival=arrival)
        return tuple(
            (one.rendered.kind, plain(one.rendered.text))
            for one in found
            if one.rendered.to == address and one.reason == outbox.SHOWN
        )

    def _mail(
        self, person: Person, desk: Desk, ticket: Mapping[str, Any], text: str, files: Sequence[tuple[str, str, bytes]]
    ) -> Incoming:
        now, id_, mailbox = self._house.clock(), self._house.tools.ids(), desk.mailboxes[0].address
        raw = panel_mail(
            address=person.address, name=person.name, mailbox=mailbox, text=text, message_id=f"{id_}@board.invalid", at=now,
            subject=f"[{desk.tag} #{ticket['number']}] {ticket['subject']}", files=files,
        )  # fmt: skip
        envelope = Envelope(
            channel="board", sender=person.address, recipients=(mailbox,), peer="board", is_trusted=True
        )
        one = arrivals_of(raw, envelope, self._recipients, lambda: id_, now)[0]
        board = BoardForm(person=person.address, ticket=ticket["number"])
        return Incoming(raw=raw, arrival=replace(one.arrival, board=board))

    def _count(self, person: Person) -> None:
        """Bound what one person's session does: a program that has it would do more than any person."""
        now = asyncio.get_running_loop().time()
        times = self._lately.setdefault(person.address, deque())
        while times and times[0] < now - 60:
            times.popleft()
        if len(times) >= MOST_ACTS:
            raise NotDone(429, "too_often")
        times.append(now)


def written(values: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the command lines and the text that a person would have written for this form."""
    do, text = values.get("do", ""), values.get("text", "").replace("\r\n", "\n").strip()
    if do == "reply":
        ready = [f"#answer {_line(values['answer'])}"] if values.get("answer") else []
        after = [_AFTER[values["then"]]] if values.get("then") in _AFTER else []
        return [*after, *ready], text
    if do == "note":
        return (["#note"], text) if text else ([], "")
    if do in _BARE:
        return [f"#{do}"], ""
    if do == "escalate":
        words = (_line(values.get("escalate", "")), _line(values.get("reason", "")))
        return [" ".join(["#escalate", *(word for word in words if word)])], ""
    if do in _WITH and (_line(values.get(do, "")) or do == "split"):
        return [f"#{do} {_line(values.get(do, ''))}".strip()], ""
    return [], ""


def plain(text: str) -> str:
    """Return a letter to staff without the frame that keeps it apart in a mail, and without the card of the ticket."""
    lines = [line for line in text.split("\n") if not line.startswith("=== ")]
    kept: list[str] = []
    for line in lines:
        if line.startswith("|"):
            kept.append(line.removeprefix("|").removeprefix(" "))
        elif kept:
            break
    return "\n".join(kept).strip()


async def _posted(form: FormData) -> Posted:
    values: dict[str, str] = {}
    tickets: list[int] = []
    files: list[tuple[str, str, bytes]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            if value.filename or data:
                files.append((value.filename or "file", value.content_type or "", data))
        elif name == "ticket" and value.isascii() and value.isdecimal() and len(value) < 10:
            tickets.append(int(value))
        else:
            values.setdefault(name, value)
    return Posted(values=values, tickets=tuple(dict.fromkeys(tickets))[:200], files=files)


def _is_same(given: str, wanted: str) -> bool:
    return given.isascii() and hmac.compare_digest(given, wanted)


def _line(text: str) -> str:
    """Return an argument as one line that is no second command."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(clean.replace("#", " ").split())[:200]
