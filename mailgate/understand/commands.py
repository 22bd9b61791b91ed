"""Reading staff commands (C3): lines of their own that begin with #, before the text. What they do is in `orders`."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

STATUS_OF = {"close": "closed", "resolve": "resolved", "wait": "waiting", "open": "open"}
WITH_ARGUMENT = ("assign", "queue", "priority", "merge", "snooze", "eta", "lang", "answer")
WITHOUT_ARGUMENT = (
    "close", "resolve", "wait", "open", "take", "verify", "spam", "abuse", "undo", "send", "ack", "accept", "reject",
    "full",
)  # fmt: skip
COMMANDS = (
    "close", "resolve", "wait", "open", "take", "assign", "queue", "priority", "escalate", "merge", "split", "snooze",
    "note", "verify", "eta", "lang", "spam", "abuse", "accept", "reject", "undo", "send", "ack", "help", "full",
    "answer", "find", "mine",
)  # fmt: skip

_COMMAND = re.compile(r"#([^\W\d_][\w-]{0,30})(?:\s*:|([.,;!?…–—]{1,3}))?(?:\s+(.*))?\Z")
# what programs put around a line: blanks of all kinds, the stars of bold type, marks that nobody sees (Unicode's Cf)
_BLANK = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_AROUND = _BLANK + "*\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_NEXT = re.compile(r"\s#(" + "|".join(COMMANDS) + r")(?=\s|\Z)", re.IGNORECASE)
_MERGE = re.compile(rf"^[{_AROUND}]*#merge\s+\D{{0,30}}?(\d{{1,12}})", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(r"(\d{1,4})\s*(m|h|d|w)(?:in|inutes?|ours?|ays?|eeks?)?\Z", re.IGNORECASE)
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})\Z")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{1,2}):(\d{2}))?\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command as it was written: `name` in lower case, `argument` trimmed, `line` as it stood."""

    name: str
    argument: str
    line: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A staff mail: its commands, and the text behind them."""

    commands: tuple[Command, ...]
    text: str

    def has(self, *names: str) -> bool:
        return any(command.name in names for command in self.commands)


def read_commands(text: str) -> Said:
    """Return the commands that stand before the text; a # later in the text is text (C3). Whoever writes below what they
    answer has the quote above both: it goes where commands follow it (M3)."""
    lines, commands = text.split("\n"), []
    place = next((place for place, line in enumerate(lines) if line.strip() and not line.startswith(">")), 0)
    while place < len(lines):
        line = lines[place].strip(_AROUND)
        if line and not (found := _read_line(line)):
            break
        if line:
            commands += found
        place += 1
    return Said(commands=tuple(commands), text="\n".join(lines[place if commands else 0 :]).strip())


def read_listing(text: str, *, is_alone: bool) -> Command | None:
    """Return the one command of a mail that asks for a list of tickets (C9): #find WORDS, #mine, #queue without a name; None
    for any other mail. `is_alone`: the mail names no ticket, so that text below it can only be a signature."""
    if "#" not in text[:200]:
        return None
    said = read_commands(text)
    if len(said.commands) != 1 or (said.text and not is_alone):
        return None
    command = said.commands[0]
    return command if command.name in ("find", "mine") or command.name == "queue" and not command.argument else None


def read_answer(line: str) -> Command | None:
    """Return the `#answer NAME` that a line of a text is (C9), or None. It stands wherever the text is to stand."""
    found = _COMMAND.match(line.strip(_AROUND))
    if not found or found.group(1).lower() != "answer":
        return None
    return Command(name="answer", argument=(found.group(3) or "").strip(), line=line.strip(_AROUND))


def find_commands_within(text: str) -> tuple[str, ...]:
    """Return the lines of a text that begin with a command of ours: below the first words they are none (C3), and were
    most likely meant as one (C7)."""
    lines = (line.strip(_AROUND) for line in text.split("\n"))
    found = ((line, _COMMAND.match(line)) for line in lines if line.startswith("#"))
    return tuple(line for line, match in found if match and match.group(1).lower() in COMMANDS)[:20]


def numbers_named(text: str) -> tuple[int, ...]:
    """Return the tickets that #merge lines name, to be looked up before the decision."""
    return tuple(int(number) for number in _MERGE.findall(text[:5000]))[:5]


def read_duration(argument: str) -> timedelta | None:
    """Return `30m`, `4h`, `2d`, `1w` as a length of time, or None."""
    found = _DURATION.match(argument.strip())
    if not found or not int(found.group(1)):
        return None
    return timedelta(seconds=int(found.group(1)) * _SECONDS[found.group(2).lower()])


def read_moment(argument: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the moment that `2d`, `16:00` or `2026-03-09 16:00` means for a person in `zone`, or None. UTC out."""
    argument = argument.strip()
    if length := read_duration(argument):
        return now + length
    local = now.astimezone(zone)
    try:
        if found := _CLOCK.match(argument):
            at = time(int(found.group(1)), int(found.group(2)))
            return datetime.combine(local.date(), at, zone).astimezone(now.tzinfo)
        if found := _DAY.match(argument):
            year, month, day, hour, minute = (int(one) if one else 0 for one in found.groups())
            return datetime(
                year, month, day, hour or (12 if not found.group(4) else 0), minute, tzinfo=zone
            ).astimezone(now.tzinfo)
    except ValueError:
        return None
    return None


def _read_line(line: str) -> list[Command]:
    """Return the commands of one line: `#take #resolve` are two."""
    commands = []
    for part in _split(line):
        found = _COMMAND.match(part)
        # "#note." is meant as one; "#thanks!" is text
        if not found or (found.group(2) and found.group(1).lower() not in COMMANDS):
            return []
        commands.append(Command(name=found.group(1).lower(), argument=(found.group(3) or "").strip(), line=part))
    return commands


def _split(line: str) -> list[str]:
    starts = [0, *(found.start() + 1 for found in _NEXT.finditer(line))]
    return [line[start:end].strip() for start, end in zip(starts, [*starts[1:], len(line)], strict=True)]
