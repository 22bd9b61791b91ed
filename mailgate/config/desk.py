"""A desk file → Desk, with every complaint about it in the book."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, TypeVar, cast
from zoneinfo import ZoneInfo

from mailgate import resources
from mailgate.config import kinds
from mailgate.config.accounts import read_accounts
from mailgate.config.calendars import read_calendar
from mailgate.config.lexicon import languages_of, read_lexicon
from mailgate.config.own_rules import read_own_rules
from mailgate.config.reading import Kind, Section
from mailgate.config.service import Places, read_retention
from mailgate.model.settings import SLA_KINDS, AccountSource, Calendar, Desk, Mailbox, Promise, Queue, Rules, Sla, Team

SOURCES = ("mail", "panel", "phone", "chat", "social")
CLASSES = ("site", "mail", "undelivered", "domain", "certificate", "server", "invoice", "access", "other")
COMMANDS = (
    "close", "resolve", "wait", "open", "take", "assign", "queue", "priority", "escalate", "merge", "split", "snooze",
    "note", "verify", "eta", "lang", "spam", "abuse", "accept", "reject", "undo", "send", "ack", "help",
    "answer", "find", "mine", "full",
)  # fmt: skip
_USUAL = kinds.text_of(
    '"30m", "2h" or "next_day"', lambda text: re.fullmatch(r"\d{1,3}[mhd]|next_day", text) is not None
)
_SIDE = kinds.one_of("technical", "financial", "abuse", "")
_COMMAND = kinds.text_of("a command such as close", lambda text: text.removeprefix("#") in COMMANDS)
_GROUP = kinds.text_of(
    'an address such as "support@groups.desk.example", or the id of a list such as "support.groups.desk.example"',
    lambda text: (
        re.fullmatch(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,253}|[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", text) is not None
    ),
)
_WEB = kinds.text_of(
    'an address such as "https://panel.desk.example/"', lambda text: not text or kinds.is_web_url(text)
)

_ANSWER = re.compile(r"([a-z0-9][a-z0-9_-]{0,39})\.([a-z]{2})\.txt")
N = TypeVar("N", AccountSource, Calendar, Team, Queue)


def read_desk(section: Section, folder: Path, credentials: Path | None = None) -> Desk:
    """Return the desk of a file. `folder` is where its relative paths begin, `credentials` where systemd put secrets."""
    places = Places(folder=folder, state=folder, credentials=credentials)
    zone = section.take("timezone", kinds.ZONE, ZoneInfo("UTC"), required=True)
    lexicon = read_lexicon(section.sub("words"), _words_folder(section, folder))
    calendars = _by_name(section, "calendar", (read_calendar(each, zone) for each in section.subs("calendar", "name")))
    queues = _by_name(section, "queue", (_read_queue(each) for each in section.subs("queue", "name")))
    language = kinds.one_of(*languages_of(lexicon))
    name = section.take("name", kinds.NAME, folder.name, required=True)
    tag = section.take("tag", kinds.TAG, name)
    mailboxes, teams = _read_mailboxes(section, queues), _read_teams(section, queues)
    desk = Desk(
        name=name,
        tag=tag,
        title=section.take("title", kinds.TEXT, f"Support {tag}"),
        first_number=section.take("first_number", kinds.whole(1, 10**9), 10001),
        languages=section.take("languages", kinds.list_of(language), ("en",), required=True),
        timezone=zone,
        authserv_ids=_lower(section.take("authserv_ids", kinds.list_of(kinds.TEXT), ())),
        arc_sealers=_lower(section.take("arc_sealers", kinds.list_of(kinds.TEXT), ())),
        managers=_addresses(section, "managers"),
        mailboxes=mailboxes,
        queues=queues,
        calendars=calendars,
        teams=teams,
        lexicon=lexicon,
        former_tags=tuple(each.lower() for each in section.take("former_tags", kinds.list_of(kinds.TAG), ())),
        groups=tuple(each.lower() for each in section.take("groups", kinds.list_of(_GROUP), ())),
        own_rules=read_own_rules(
            section,
            queues=queues.values(),
            teams=teams.values(),
            mailboxes=[one.address for one in mailboxes],
            classes=CLASSES,
            languages=languages_of(lexicon),
        ),
        account_patterns=section.take("account_patterns", kinds.list_of(kinds.PATTERN), ()),
        generic_subjects=section.take("generic_subjects", kinds.list_of(kinds.TEXT), ()),
        solving_times=_read_solving_times(section.sub("solving_times")),
        panel_url=section.take("panel_url", _WEB, ""),
        plus_addresses=section.take("plus_addresses", kinds.FLAG, True),
        leads_only=tuple(each.removeprefix("#") for each in section.take("leads_only", kinds.list_of(_COMMAND), ())),
        answers=_read_answers(section, folder),
        rules=_read_rules(section.sub("rules")),
        retention=read_retention(section.sub("retention")),
        accounts=_read_sources(section, places),
    )
    section.finish()
    _cross_check(section, desk)
    return desk


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names as they are compared."""
    return tuple(name.lower().rstrip(".") for name in names)


def _words_folder(section: Section, folder: Path) -> Path | None:
    name = section.take("words_folder", kinds.TEXT, "")
    if name and not (folder / name).is_dir():
        section.wrong("words_folder", name, "a folder with files such as de.toml, beside the desk file")
        return None
    return folder / name if name else None


def _by_name(section: Section, key: str, values: Iterable[N]) -> dict[str, N]:
    found: dict[str, N] = {}
    for value in values:
        if value.name in found:
            section.complain(key, f"names {value.name} twice")
        found[value.name] = value
    return found


def _addresses(section: Section, key: str) -> tuple[str, ...]:
    return tuple(each.lower() for each in section.take(key, kinds.list_of(kinds.ADDRESS), ()))


def _read_mailboxes(section: Section, queues: Mapping[str, Queue]) -> tuple[Mailbox, ...]:
    found: dict[str, Mailbox] = {}
    for each in section.subs("mailbox", "address"):
        address = each.take("address", kinds.ADDRESS, "", required=True)
        queue = each.take("queue", _known(queues, "queue"), "", required=True)
        each.finish()
        if address in found:
            section.complain("mailbox", f"names {address} twice")
        is_abuse = queue in queues and queues[queue].side == "abuse"
        found[address] = Mailbox(address=address, queue=queue, is_abuse=is_abuse)
    return tuple(found.values())


def _read_queue(section: Section) -> Queue:
    name = section.take("name", kinds.NAME, "", required=True)
    team = section.take("team", kinds.NAME, name)
    slas = section.sub("sla")
    normal = _read_sla(slas.sub("normal"), Sla(promises={}))
    high = _read_sla(slas.sub("high"), normal)
    slas.finish()
    queue = Queue(
        name=name,
        team=team,
        sla={"normal": normal, "high": high},
        calendar=section.take("calendar", kinds.NAME, "") or None,
        ladder=section.take("ladder", kinds.list_of(kinds.NAME), ()),
        overflow=section.take("overflow", kinds.NAME, "") or None,
        side=cast(Literal["technical", "financial", "abuse", ""], section.take("side", _SIDE, "")),
    )
    section.finish()
    if queue.ladder and queue.ladder[0] != team:
        section.wrong("ladder", list(queue.ladder), f'a list that begins with the team of the queue, "{team}"')
    return queue


def _read_sla(section: Section, inherited: Sla) -> Sla:
    """Return the promises of a priority: its own, and for the rest the `inherited` ones. What a priority says itself
    also stands above what the other one says of a source."""
    own = _read_promises(section)
    by_source: dict[str, Mapping[str, Promise]] = {}
    for source in SOURCES:
        said = _read_promises(table := section.sub(source))
        table.finish()
        kept = {kind: promise for kind, promise in inherited.by_source.get(source, {}).items() if kind not in own}
        if said or kept:
            by_source[source] = {**kept, **said}
    section.finish()
    return Sla(promises={**inherited.promises, **own}, by_source=by_source)


def _read_promises(section: Section) -> dict[str, Promise]:
    nothing = Promise(amount=0, unit="seconds")
    said = {kind: section.take(kind, kinds.PROMISE, nothing) for kind in SLA_KINDS if section.has(kind)}
    for kind in SLA_KINDS:
        if kind not in said:
            section.skip(kind)
    return said


def _read_teams(section: Section, queues: Mapping[str, Queue]) -> dict[str, Team]:
    """Return the teams of the file, and those that only a queue names: they work when their queue does."""
    declared = _by_name(section, "team", (_read_team(each) for each in section.subs("team", "name")))
    implied = {queue.team: Team(name=queue.team, calendar=queue.calendar) for queue in reversed(tuple(queues.values()))}
    return {**implied, **declared}


def _read_team(section: Section) -> Team:
    name = section.take("name", kinds.NAME, "", required=True)
    team = Team(name=name, calendar=section.take("calendar", kinds.NAME, "") or None)
    section.finish()
    return team


def _read_answers(section: Section, folder: Path) -> dict[str, dict[str, str]]:
    """Return the ready answers (C9) by name and language: the shipped ones, those of the desk's folder over them."""
    named = section.take("answers", kinds.TEXT, "answers")
    own = folder / named
    if section.has("answers") and not own.is_dir():
        section.complain("answers", f"= {named}: there is no such folder; it holds files NAME.LANGUAGE.txt")
    found: dict[str, dict[str, str]] = {}
    for place in (resources.path("config") / "answers", own):
        for file in sorted(place.glob("*.txt")):
            name = _ANSWER.fullmatch(file.name)
            if name is None:
                section.complain("answers", f"{file}: the name is not NAME.LANGUAGE.txt, such as closing.en.txt")
                continue
            try:
                found.setdefault(name[1], {})[name[2]] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                section.complain("answers", f"{file}: {error}")
    return found


def _read_solving_times(section: Section) -> dict[str, str]:
    times = {each: section.take(each, _USUAL, "") for each in CLASSES}
    section.finish()
    return {each: usual for each, usual in times.items() if usual}


def _read_sources(section: Section, places: Places) -> tuple[AccountSource, ...]:
    read = [read_accounts(each, places) for each in section.subs("accounts", "name")]
    return tuple(_by_name(section, "accounts", (one for one in read if one)).values())


def _read_rules(section: Section) -> Rules:
    """Return the numbers of the rules; lengths of time are given in words, `reopen_window = "14 days"`."""
    values: dict[str, Any] = {}
    for rule in fields(Rules):
        key = rule.name.removesuffix("_seconds")
        values[rule.name] = section.take(key, _kind_of_rule(rule.name, rule.default), rule.default)
    section.finish()
    return Rules(**values)


def _kind_of_rule(name: str, default: Any) -> Kind[Any]:
    if isinstance(default, bool):
        return kinds.FLAG
    if isinstance(default, str):
        return kinds.TIME_OF_DAY
    if name.endswith("_seconds"):
        return kinds.DURATION
    return kinds.whole(1, 99 if name.endswith("_percent") else 1_000_000)


def _known(names: Iterable[str], what: str) -> Kind[str]:
    names = tuple(names)
    return kinds.text_of(f"a {what} of this desk: {', '.join(names) or 'none'}", lambda text: text in names)


def _cross_check(section: Section, desk: Desk) -> None:
    for key, values in (("mailbox", desk.mailboxes), ("queue", desk.queues), ("languages", desk.languages)):
        if not values:
            section.complain(key, "is missing; a desk needs at least one")
    for queue in desk.queues.values():
        place = f"queue[{queue.name}]"
        _check_name(section, f"{place}.calendar", queue.calendar, desk.calendars)
        _check_name(section, f"{place}.overflow", queue.overflow, desk.teams)
        for rung in queue.ladder:
            _check_name(section, f"{place}.ladder", rung, desk.teams)
        _check_business_days(section, queue)
    for team in desk.teams.values():
        if all(queue.calendar != team.calendar for queue in desk.queues.values()):
            _check_name(section, f"team[{team.name}].calendar", team.calendar, desk.calendars)


def _check_name(section: Section, key: str, name: str | None, known: Iterable[str]) -> None:
    if name and name not in known:
        section.wrong(key, name, f"one that this desk has: {', '.join(known) or 'none'}")


def _check_business_days(section: Section, queue: Queue) -> None:
    tables = [promises for sla in queue.sla.values() for promises in (sla.promises, *sla.by_source.values())]
    has_days = any(promise.unit == "business_days" for table in tables for promise in table.values())
    if has_days and not queue.calendar:
        section.complain(f"queue[{queue.name}].calendar", "is missing: business days need a calendar")
