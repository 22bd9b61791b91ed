"""A sample letter of every kind, for `template check`, `template render` and the golden copies of the templates."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mailgate.model.letter import CUSTOMER_LETTERS, MANAGER_LETTERS, STAFF_LETTERS, Audience, Letter

# Monday, 9 March 2026, 09:00 UTC
_AT = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
_NUMBER = 10002
_SUBJECTS = {
    "en": "The shop shows 502",
    "de": "Der Shop zeigt 502",
    "pl": "Sklep pokazuje 502",
    "ru": "Магазин показывает 502",
    "uk": "Магазин показує 502",
}
_TEXTS = {
    "en": "Since this morning shop.example shows “502 Bad Gateway”.\n\nWe have changed nothing.",
    "de": "Seit heute Morgen zeigt shop.example „502 Bad Gateway“.\n\nWir haben nichts geändert.",
    "pl": "Od dziś rana shop.example pokazuje „502 Bad Gateway”.\n\nNiczego nie zmienialiśmy.",
    "ru": "С утра shop.example показывает «502 Bad Gateway».\n\nМы ничего не меняли.",
    "uk": "Від ранку shop.example показує «502 Bad Gateway».\n\nМи нічого не змінювали.",
}
_FILES = ({"filename": "screenshot.png", "size": 148213, "content_type": "image/png", "sha256": "9f86d081" * 8},)
_CARD: dict[str, Any] = {
    "queue": "support", "team": "support", "owner": "ivan@team.example", "status": "open", "priority": "high",
    "customer": "olena@shop.example", "customer_name": "Olena Kovalenko",
    "account": {"number": "1001", "login": "olena", "name": "Kovalenko Shop"},
    "level": "verified", "role": "owner", "evidence": "dmarc=pass (mx.desk.example)", "flags": ("misdirected",),
    "request": "sensitive", "rights": ("refund", "payment_data"), "others": (10007, 9981), "class": "site",
    "language": "uk",
    "fields": {"server": "203.0.113.25", "domain": "shop.example"}, "missing": ("service", "started"),
    "due_at": _AT + timedelta(hours=1), "due_kind": "first_response",
    "links": ({"kind": "split", "ticket": 10001},), "named_account": "1002", "created_at": _AT,
}  # fmt: skip
_HOURS = ({"days": (0, 1, 2, 3, 4), "from": "09:00", "to": "18:00"},)


def sample(kind: str, desk: str, language: str) -> Letter:
    """Return a letter of `kind` whose context has something in every name that its template may use."""
    return variants(kind, desk, language)["full"]


def variants(kind: str, desk: str, language: str) -> dict[str, Letter]:
    """Return letters of `kind` by a short name: `full`, the bare one, and one for every way a template can branch."""
    full = _contexts(language).get(kind, {})
    told = {"full": full, "bare": {}}
    told.update({name: {**full, **changes} for name, changes in _BRANCHES.get(kind, {}).items()})
    if kind not in CUSTOMER_LETTERS and kind not in _WITHOUT_CARD:
        told = {name: {"card": _CARD if name != "bare" else {}, **context} for name, context in told.items()}
    return {name: _letter(kind, desk, language, context) for name, context in told.items()}


def _letter(kind: str, desk: str, language: str, context: Mapping[str, Any]) -> Letter:
    has_ticket = kind not in ("announcement", *_WITHOUT_CARD)
    return Letter(
        kind=kind,
        desk=desk,
        audience=_audience(kind),
        to="olena@shop.example" if kind in CUSTOMER_LETTERS else "ivan@team.example",
        to_name="Olena Kovalenko" if kind in CUSTOMER_LETTERS else "Ivan Petrenko",
        language=language,
        ticket=_NUMBER if has_ticket else None,
        subject=_SUBJECTS.get(language, _SUBJECTS["en"]),
        context=context,
        in_reply_to="first@shop.example",
        references=("first@shop.example",),
        is_automatic=kind != "relay",
        held="01hq3zk5" if kind == "held_notice" else None,
    )


def _audience(kind: str) -> Audience:
    if kind in CUSTOMER_LETTERS:
        return "customer"
    return "manager" if kind in MANAGER_LETTERS and kind not in STAFF_LETTERS else "staff"


_WITHOUT_CARD = ("held_notice", "missed", "digest", "incident_suspected", "alarm", "probe")


def _contexts(language: str) -> dict[str, dict[str, Any]]:
    text = _TEXTS.get(language, _TEXTS["en"])
    history = (
        {"at": _AT - timedelta(hours=2), "who": "Olena Kovalenko", "kind": "customer", "text": text},
        {"at": _AT - timedelta(hours=1), "who": "Ivan Petrenko", "kind": "note", "text": "php-fpm, 203.0.113.25"},
    )
    return {
        "ack": {
            "class": "site", "due_at": _AT + timedelta(hours=1), "is_high": True, "identity_required": False,
            "missing": ("service", "started", "address", "error"), "form": ("service", "started", "summary"),
            "incidents": (text,), "moved": "technical", "from_ticket": 10001, "split_because": "matter",
            "receipt": None, "identity": "", "suggest_panel": True,
            "understood": {"server": "203.0.113.25", "domain": "shop.example"}, "source": "mail",
        },
        "relay": {"text": text},
        "escalation": {
            "cause": "breach", "team": "admins", "opens_at": _AT + timedelta(days=1), "hours": _HOURS,
            "due_at": _AT + timedelta(days=1, hours=1),
        },
        "progress": {"class": "site", "usual": "2h"},
        "nudge": {"asked_at": _AT - timedelta(days=3), "resolve_at": _AT + timedelta(days=4)},
        "promise": {"at": _AT + timedelta(hours=5)},
        "merged": {"from_number": 10001, "from_subject": "502"},
        "split_notice": {"from_number": 10001, "from_subject": "502", "is_copied": False},
        "resolved": {"reopen_days": 14, "by_clock": False},
        "incident": {"text": text, "state": "open"},
        "announcement": {"text": text},
        "staff_notice": {
            "event": "new", "author": "olena@shop.example", "author_name": "Olena Kovalenko", "text": text,
            "hidden": 3, "files": _FILES, "history": history,
            "suggest_split": True, "claimed": (10007, 10009), "from_ticket": 10001,
            "left_out": "5 / 10 min",
            "ack": {"due_at": _AT + timedelta(hours=1), "asked": ("service", "started"), "identity": "unknown"},
        },
        "reminder": {"cause": "first_response", "due_at": _AT + timedelta(hours=1), "text": text, "hidden": 1},
        "handover": {
            "cause": "command", "reason": "php-fpm, 203.0.113.25", "asker": "Ivan Petrenko", "from_team": "support",
            "text": text, "hidden": 5, "files": _FILES, "history": history,
        },
        "update_due": {"progress_at": _AT + timedelta(minutes=30), "text": text},
        "lead_notice": {"cause": "silence", "since": _AT - timedelta(days=2), "text": text, "hidden": 2},
        "promise_due": {"at": _AT + timedelta(minutes=30), "text": text},
        "colleague_notice": {"cause": "first", "colleague": "Petro Melnyk", "at": _AT, "text": text},
        "reply_check": {
            "causes": ("attachment", "foreign", "command"), "names": ("anna@other.example",), "lines": ("#resolve",),
            "text": text,
        },
        "command_error": {
            "errors": (
                {"line": "#reslove", "code": "unknown", "detail": "", "allowed": ("#resolve",)},
                {"line": "#assign Petro", "code": "several_persons", "detail": "Petro",
                 "allowed": ("petro@team.example", "petro.m@team.example")},
            ),
            "original": f"#reslove\n#assign Petro\n\n{text}",
        },
        "command_done": {"done": ({"line": "#take", "detail": "Ivan Petrenko"},), "is_help": True, "is_kept": False},
        "held_notice": {
            "sender": "olena@shop.example", "sender_name": "Olena Kovalenko", "mail_subject": "502",
            "would_be": "follow_up", "would_be_ticket": 10001, "because": "dmarc=fail", "text": text,
            "for_managers": False, "since": _AT, "queue": "support",
        },
        "bounce_notice": {
            "failed": ({"address": "olena@shop.example", "status": "5.1.1", "diagnostic": "550 no such user"},),
            "letter_kind": "relay", "letter_subject": "502", "next_address": "tech@shop.example",
        },
        "breach": {
            "entries": (), "kinds": ("first_response",), "due_at": _AT, "escalated_to": "admins",
            "opens_at": _AT + timedelta(days=1), "text": text,
        },
        "missed": {
            "entries": (
                {"ticket": 10001, "subject": "502", "kind": "first_response", "due_at": _AT, "what": "admins"},
                {"ticket": 10002, "subject": "503", "kind": "update", "due_at": _AT + timedelta(hours=1), "what": ""},
            )
        },
        "digest": {
            "day": _AT.date(), "until_day": None, "opened": 12, "answered": 10, "breached": 1, "held": 2, "quarantined": 0,
            "waiting": ({"ticket": 10001, "subject": "502", "queue": "support", "since": _AT - timedelta(days=1)},),
            "kept_percent": 97,
        },
        "incident_suspected": {"host": "node7.desk.example", "tickets": (1, 2, 3, 4, 5), "minutes": 15},
        "alarm": {"what": "quarantined", "detail": "UnicodeDecodeError", "help": "mailgate quarantine list"},
        "probe": {"handed_in_at": _AT, "would_be": "new (support)"},
    }  # fmt: skip


# What a template does otherwise than in the full letter; every branch of a shipped template is somewhere here.
_BRANCHES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "ack": {
        "plain": {
            "is_high": False, "missing": (), "form": (), "incidents": (), "moved": "", "from_ticket": None,
            "suggest_panel": False,
        },
        **{
            name: {
                "identity_required": True, "identity": name, "due_at": None, "moved": "", "from_ticket": None,
                "incidents": (), "missing": ("contract",) if name == "unknown" else (), "form": (),
            }
            for name in ("unknown", "unconfirmed", "role")
        },
        "form": {"missing": ("server", "started", "contract"), "form": ("server", "started", "contract"), "incidents": ()},
        "receipt": {
            "receipt": {"received_at": _AT, "subject": "502", "files": _FILES}, "missing": (), "moved": "financial",
            "split_because": "window", "incidents": (),
        },
    },
    "escalation": {name: {"cause": name, "opens_at": None} for name in ("command", "overflow", "management")}
    | {"elsewhere": {"team": "night shift", "hours": ()}},
    "resolved": {"clock": {"by_clock": True, "reopen_days": 1}},
    "split_notice": {"copied": {"is_copied": True}},
    "incident": {name: {"state": name} for name in ("update", "resolved")},
    "staff_notice": {
        name: {"event": name, "suggest_split": False, "claimed": (), "left_out": "", "history": (), "files": ()}
        for name in ("follow_up", "split", "reopened", "colleague", "answer", "bounce", "thanks", "own")
    },
    "reminder": {name: {"cause": name} for name in ("next_response", "snooze")},
    "handover": {name: {"cause": name, "reason": ""} for name in ("breach", "overflow", "queue")}
    | {name: {"cause": name} for name in ("management", "last_rung")},
    "colleague_notice": {"answered": {"cause": "answered"}},
    "command_done": {
        "listed": {
            "done": (), "is_help": False, "asked": "#mine",
            "listed": (
                {"number": 10001, "subject": "502", "status": "open", "priority": "high", "requestor": "olena@shop.example",
                 "queue": "support", "owner": "ivan@team.example"},
                {"number": 10002, "subject": "503", "status": "new", "priority": "normal", "requestor": "x@shop.example",
                 "queue": "support", "owner": None},
            ),
        },
        "none": {"done": (), "is_help": False, "asked": "#find 503", "listed": ()},
        "kept": {"done": (), "is_help": False, "is_kept": True},
    },
    "breach": {
        "many": {
            "entries": (
                {"ticket": 10001, "subject": "502", "kinds": ("ack",), "due_at": _AT, "team": None},
                {"ticket": 10002, "subject": "503", "kinds": ("first_response", "resolve"), "due_at": _AT, "team": "admins"},
            )
        }
    },
    "digest": {"days": {"until_day": (_AT + timedelta(days=2)).date()}},
    "lead_notice": {"again": {"cause": "wrote_again"}},
    "held_notice": {"managers": {"for_managers": True}},
}  # fmt: skip
