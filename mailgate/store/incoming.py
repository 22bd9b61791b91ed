"""An arrival on its way into the inbox, and how it is written down. Imports no library of databases: a pipe that takes one
mail would spend its time on that."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from mailgate.model.arrival import Arrival, BoardForm, PanelForm
from mailgate.model.verdicts import NOT_ASKED, Evidence, Junk, Malware, Verdicts

SMALL_BYTES = 256 * 1024  # up to here raw mail is committed with its arrival, beyond it goes to the blobs first
_FIELDS = tuple(one.name for one in fields(Arrival))
_JSON = json.JSONEncoder(separators=(",", ":"))  # made once: `dumps` makes one for each call that wants these


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A raw mail and what the door knows of it."""

    raw: bytes = field(repr=False)
    arrival: Arrival


def arrival_to_json(arrival: Arrival) -> str:
    """Return the arrival as JSON in ASCII: what a peer said may hold what no database stores as text."""
    return _JSON.encode(value_of_arrival(arrival))


def value_of_arrival(arrival: Arrival) -> dict[str, Any]:
    """Return the arrival as `arrival_to_json` writes it: tuples as they are, not yet through JSON."""
    form = asdict(arrival.form) if arrival.form else None
    verdicts = asdict(arrival.verdicts) if arrival.verdicts is not NOT_ASKED else None
    board = asdict(arrival.board) if arrival.board else None
    values = {name: getattr(arrival, name) for name in _FIELDS}
    received_at = arrival.received_at.isoformat()
    return {**values, "received_at": received_at, "form": form, "board": board, "verdicts": verdicts}


def arrival_from_json(written: str) -> Arrival:
    """Return what `arrival_to_json` wrote."""
    return arrival_of_value(json.loads(written))


def arrival_of_value(written: Mapping[str, Any]) -> Arrival:
    """Return the arrival of such JSON that has been loaded."""
    values = {name: value for name, value in written.items() if name in _FIELDS}  # an older version may have had more
    values["received_at"] = datetime.fromisoformat(values["received_at"])
    values["recipients"] = tuple(values["recipients"])
    values["form"] = PanelForm(**values["form"]) if values["form"] else None
    values["verdicts"] = _verdicts(values["verdicts"]) if values.get("verdicts") else NOT_ASKED
    values["board"] = BoardForm(**values["board"]) if values.get("board") else None
    return Arrival(**values)


def _verdicts(written: Mapping[str, Any]) -> Verdicts:
    return Verdicts(
        own=Evidence(**written["own"]) if written["own"] else None,
        arc=Evidence(**written["arc"]) if written["arc"] else None,
        junk=Junk(**written["junk"]) if written["junk"] else None,
        malware=tuple(Malware(**one) for one in written["malware"]),
        unanswered=tuple(written["unanswered"]),
    )


def row_of(item: Incoming) -> dict[str, Any]:
    """Return the inbox row of an arrival that nobody has read; `received_at` an instant."""
    arrival = item.arrival
    return {
        "id": arrival.id,
        "desk": arrival.desk,
        "digest": arrival.digest,
        "size": arrival.size,
        "received_at": arrival.received_at,
        "state": "waiting",
        "tries": 0,
        "claimer": "",
        "lease_until": None,
        "reason": "",
        "arrival": arrival_to_json(arrival),
        "raw": item.raw if len(item.raw) <= SMALL_BYTES else None,
    }
