"""Arrivals and letters to store."""

import hashlib
from datetime import UTC, datetime
from itertools import count
from typing import Any

from mailgate.model.arrival import Arrival
from mailgate.model.letter import Rendered
from mailgate.store.ids import Ids
from mailgate.store.inbox import Incoming
from mailgate.store.outbox import Outgoing

NOON = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
new_id = Ids()
_numbers = count()


def incoming(raw: bytes | None = None, **changes: Any) -> Incoming:
    """Return a mail at the door, another one each time."""
    raw = b"Subject: mail %d\r\n\r\nhello\r\n" % next(_numbers) if raw is None else raw
    values: dict[str, Any] = {
        "id": new_id(),
        "desk": "flexihost",
        "channel": "smtp",
        "received_at": NOON,
        "digest": hashlib.sha256(raw).hexdigest(),
        "size": len(raw),
        "recipients": ("support@flexihost.example",),
    }
    return Incoming(raw=raw, arrival=Arrival(**values | changes))


def outgoing(to: str = "olena@shop.example", **changes: Any) -> Outgoing:
    """Return a letter to be sent, another one each time."""
    number = next(_numbers)
    rendered = {
        "kind": "ack",
        "desk": "flexihost",
        "audience": "customer",
        "ticket": 10001,
        "to": to,
        "to_name": "Олена",
        "from_": "support@flexihost.example",
        "from_name": "Flexihost",
        "reply_to": "support+t@flexihost.example",
        "envelope_from": "support+t@flexihost.example",
        "subject": "[flexihost #10001] Сайт",
        "text": "Добрий день",
        "language": "uk",
        "message_id": f"{number}@flexihost.example",
        "in_reply_to": "a@shop.example",
        "references": ("a@shop.example", "b@shop.example"),
        "headers": (("Auto-Submitted", "auto-replied"),),
    }
    own = {"id": new_id(), "created_at": NOON}
    for name, value in changes.items():
        (rendered if name in Rendered.__dataclass_fields__ else own)[name] = value
    return Outgoing(rendered=Rendered(**rendered), **own)
