"""What two configurations do differently to the same timeline, in lines that people read."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def told(line: Mapping[str, Any]) -> str:
    """Return one line of the timeline for people."""
    at = line["at"][5:16].replace("T", " ")
    match line["event"]:
        case "received":
            ticket, level = line["ticket"] or "-", line["identity"]["level"]
            flags = f"  {', '.join(line['flags'])}" if line["flags"] else ""
            place = f"  queue {line['queue']}, {line['priority']}" if line["queue"] else ""
            rules = [
                step["verdict"]
                for step in line["trace"]
                if step["rule"] == "Q9" and step["verdict"].startswith("rule ")
            ]
            place += f"  by {', '.join(rules)}" if rules else ""
            return f"{at}  in    {line['outcome']:<12} ticket {ticket}  level {level}{place}{flags}"
        case "sent":
            return f"{at}  out   {line['kind']:<12} to {', '.join(line['to'])}  «{line['subject']}»"
        case "ticket":
            return f"{at}        ticket {line['ticket']}: {line['change']} {line['from']} → {line['to']}"
        case "deadline":
            return f"{at}        ticket {line['ticket']}: {line['kind']} {line['state']}"
        case _:
            return f"{at}  step  {line['step']}: {'ok' if line['ok'] else 'FAIL'}"


def differences(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what happens in one timeline and not in the other: `-` with the old configuration, `+` with the new."""
    before, after = ([told(line) for line in timeline if line["event"] != "step"] for timeline in (old, new))
    for line in difflib.unified_diff(before, after, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield line
