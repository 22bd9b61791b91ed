"""A desk to write from, and letters to write."""

from typing import Any
from zoneinfo import ZoneInfo

from mailgate.compose.letters import compose
from mailgate.compose.templates import Templates
from mailgate.model.letter import Letter, Rendered
from mailgate.model.settings import Desk, Lexicon, Mailbox

SECRET = b"a secret of the tests, 32 bytes."


def a_desk(**changes: Any) -> Desk:
    values: dict[str, Any] = {
        "name": "desk",
        "tag": "desk",
        "title": "Example Support",
        "first_number": 10001,
        "languages": ("en", "de"),
        "timezone": ZoneInfo("Europe/Berlin"),
        "authserv_ids": (),
        "managers": ("boss@desk.example",),
        "mailboxes": (
            Mailbox(address="support@desk.example", queue="support"),
            Mailbox(address="bill@desk.example", queue="billing"),
        ),
        "queues": {},
        "calendars": {},
        "teams": {},
        "lexicon": Lexicon({}),
        "panel_url": "https://panel.desk.example/",
    }
    return Desk(**{**values, **changes})


def a_letter(kind: str = "ack", **changes: Any) -> Letter:
    values: dict[str, Any] = {
        "kind": kind,
        "desk": "desk",
        "audience": "customer",
        "to": "olena@shop.example",
        "language": "en",
        "ticket": 10001,
        "subject": "The shop shows 502",
    }
    return Letter(**{**values, **changes})


def composed(letter: Letter, templates: Templates, desk: Desk | None = None, number: int | None = None) -> Rendered:
    return compose(letter, desk or a_desk(), templates, id_="01hq3zk5", secret=SECRET, number=number)
