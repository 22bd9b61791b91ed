"""What every template may count on: the names of each kind of letter, with the values that stand for "nothing"."""

from collections.abc import Mapping
from typing import Any

from mailgate.compose.headers import INVISIBLE as _INVISIBLE
from mailgate.model.letter import CUSTOMER_LETTERS

CARD: Mapping[str, Any] = {
    "queue": "", "team": "", "owner": None, "status": "new", "priority": "normal", "customer": "",
    "customer_name": "", "account": None, "level": "unknown", "role": None, "evidence": "", "flags": (),
    "request": "general", "rights": (), "others": (), "class": "other", "language": "", "fields": {}, "missing": (), "due_at": None,
    "due_kind": "", "links": (), "named_account": None, "created_at": None,
}  # fmt: skip
_NAMES = frozenset((
    "author", "author_name", "customer", "customer_name", "sender", "sender_name", "colleague", "asker", "who", "name",
    "login", "subject", "mail_subject", "letter_subject", "from_subject", "filename", "owner", "address",
))  # fmt: skip
_MAY_LACK_CARD = ("command_error", "command_done")
_ACCOUNT: Mapping[str, Any] = {"number": "", "login": "", "name": ""}

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "ack": {
        "class": "other", "due_at": None, "is_high": False, "identity_required": False, "missing": (), "form": (),
        "incidents": (), "moved": "", "from_ticket": None, "split_because": "", "receipt": None,
        "identity": "", "suggest_panel": False, "understood": {}, "source": "mail",
    },
    "relay": {"text": ""},
    "escalation": {"cause": "command", "team": "", "opens_at": None, "hours": (), "due_at": None},
    "progress": {"class": "other", "usual": ""},
    "nudge": {"asked_at": None, "resolve_at": None},
    "promise": {"at": None},
    "merged": {"from_number": None, "from_subject": ""},
    "split_notice": {"from_number": None, "from_subject": "", "is_copied": False},
    "resolved": {"reopen_days": 14, "by_clock": False},
    "incident": {"text": "", "state": "open"},
    "announcement": {"text": ""},
    "staff_notice": {
        "event": "new", "author": "", "author_name": "", "text": "", "hidden": 0, "files": (), "history": (),
        "suggest_split": False, "claimed": (), "from_ticket": None, "left_out": "", "ack": None,
        "removed": (),
    },
    "reminder": {"cause": "first_response", "due_at": None, "text": "", "hidden": 0},
    "handover": {
        "cause": "command", "reason": "", "asker": "", "from_team": "", "text": "", "hidden": 0, "files": (), "history": (),
    },
    "update_due": {"progress_at": None, "text": "", "hidden": 0},
    "lead_notice": {"cause": "silence", "since": None, "text": "", "hidden": 0},
    "promise_due": {"at": None, "text": "", "hidden": 0},
    "colleague_notice": {"cause": "first", "colleague": "", "at": None, "text": ""},
    "reply_check": {"causes": (), "names": (), "lines": (), "text": ""},
    "command_error": {"errors": (), "original": ""},
    "command_done": {"done": (), "is_help": False, "is_kept": False, "listed": None, "asked": ""},
    "held_notice": {
        "sender": "", "sender_name": "", "mail_subject": "", "would_be": "new", "would_be_ticket": None,
        "because": "", "text": "", "hidden": 0, "for_managers": False, "since": None, "queue": "", "rule": "",
    },
    "bounce_notice": {"failed": (), "letter_kind": "", "letter_subject": "", "next_address": None},
    "breach": {"entries": (), "kinds": (), "due_at": None, "escalated_to": None, "opens_at": None, "text": "", "hidden": 0},
    "missed": {"entries": ()},
    "digest": {
        "day": None, "until_day": None, "opened": 0, "answered": 0, "breached": 0, "held": 0, "quarantined": 0, "junk": 0,
        "malware": 0, "waiting": (),
        "kept_percent": None,
    },
    "incident_suspected": {"host": "", "tickets": (), "minutes": 15},
    "alarm": {"what": "", "detail": "", "help": ""},
    "probe": {"handed_in_at": None, "would_be": ""},
}  # fmt: skip


def filled(kind: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return `context` with every name that the templates of `kind` may use; a `card` is filled likewise."""
    values = {"card": None, **DEFAULTS.get(kind, {}), **context}
    if kind not in CUSTOMER_LETTERS:
        values = {key: _seen(key, value) for key, value in values.items()}
    card = values["card"]
    if card is not None or (kind not in CUSTOMER_LETTERS and kind not in _MAY_LACK_CARD):
        card = values["card"] = {**CARD, **(card or {})}
        if card["account"] is not None:
            card["account"] = {**_ACCOUNT, **card["account"]}
    return values


def _seen(key: str, value: Any) -> Any:
    """Return names and subjects within `value` as they are seen: what is invisible in them could make one person look
    like another to the desk's people. Whole texts are left as they are."""
    if isinstance(value, str):
        return _INVISIBLE.sub("", value) if key in _NAMES and not value.isascii() else value
    if isinstance(value, Mapping):
        return {name: _seen(name, one) for name, one in value.items()}
    if isinstance(value, (list, tuple)) and value and not isinstance(value[0], str):
        return tuple(_seen(key, one) for one in value)
    return value
