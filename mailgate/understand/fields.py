"""Facts read out of a mail and kept as fields (Q4): numbers, times, call-back, service; and filled labels (Q7)."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from mailgate.model.settings import Lexicon
from mailgate.understand.labels import read_labels
from mailgate.understand.names import Names
from mailgate.understand.numbers import Lines, read_numbers

_ZONE = (
    r"(?:MESZ|MEZ|CEST|CET|EEST|EET|BST|MSK|МСК|UTC(?:[ ]?[+-]\d{1,2}(?::\d\d)?)?|GMT(?:[ ]?[+-]\d{1,2})?|Ortszeit|"
    r"(?:Kyiv|Kiev|Berlin|London|Warsaw|Moscow|local)[ ]time|czasu[ ]\w{4,14}|"
    r"(?:по|за)[ ](?:Києву|Києвом|Киеву|Берлину|Берліну|Москве|Варшаве|(?:київськ|киевск|берлинск|"
    r"берлінськ|московск|местн|місцев)\w{1,4}"
    r"(?:[ ](?:времени|часом|часу))?))"
)
_CLOCK = (
    r"(?:(?:\d{1,2}[./]\d{1,2}\.?(?:[./]?\d{2,4})?|\d{4}-\d\d-\d\d|"
    r"\d{1,2}\.?[ ][^\W\d_]{3,10})[ ,]{1,2}(?:um|at|o|в|о|об|ab)?[ ]?)?"
    r"\d{1,2}(?:[:.]\d{2}(?::\d\d)?(?:[ ]?(?:Uhr|[ap]\.?m\.?|h|часов|час[аи]?|год(?:ин\w?)?\.?))?|"
    r"[ ]?(?:Uhr|[ap]\.?m\.?|часов|часа|години|годин|o['’]clock|rano|wieczorem|w nocy|утра|вечера|ночи|дня|ранку|вечора|ночі|"
    r"дня))"
    rf"(?:[ ]?(?:ранку|вечора|утра|вечера|rano|wieczorem|morgens|abends))?(?:[ ]?\(?{_ZONE}\)?)?"
)
_ROUGH = (
    r"(?:(?:heute|gestern|vorgestern)(?:[ ](?:früh|morgen|vormittag|mittag|nachmittag|abend|nacht))?|mitternacht|"
    r"(?:mon|diens|donners|frei|sams|sonn)tag(?:[ ]\w{3,8})?|mittwoch(?:[ ]\w{3,8})?|(?:der|heute)[ ]nacht|"
    r"(?:(?:about|over|more[ ]than)[ ])?(?:an?|one|two|three|several|\d{1,2})[ ](?:minutes?|hours?|"
    r"days?)(?:[ ]ago)?|"
    r"(?:einer|zwei|drei|mehreren|\d{1,2})[ ](?:minuten|stunden?|tag(?:en)?)|"
    r"(?:this|yesterday|last|early)[ ](?:morning|afternoon|evening|night|noon|monday|tuesday|"
    r"wednesday|thursday|friday|saturday|sunday)|"
    r"yesterday|midnight|noon|(?:mon|tues|wednes|thurs|fri|satur|sun)day(?:[ ]\w{5,9})?|"
    r"(?:wczoraj(?:sze(?:j|go))?|dzisiaj|dziś|dzisiejsze(?:j|go))(?:[ ](?:rana|wieczora|nocy|południa|"
    r"rano|wieczorem))?|"
    r"rana|północy|południa|poniedziałku|wtorku|środy|czwartku|piątku|soboty|niedzieli|(?:\d{1,2}|"
    r"kilku|dwóch|trzech)[ ](?:godzin|minut|dni)|godziny|"
    r"(?:самого[ ]|раннего[ ]|сегодняшнего[ ]|вчерашнего[ ])?(?:утра|вечера|ночи|полуночи|полудня|обеда|дня)|"
    r"вчера(?:шнего[ ]\w{3,7})?|(?:понедельника|вторника|среды|четверга|пятницы|субботы|воскресенья)|"
    r"(?:самого[ ]|сьогоднішнього[ ]|вчорашнього[ ])?(?:ранку|вечора|ночі|півночі|опівночі|полудня|обіду)|"
    r"(?:учора|вчора)(?:шнього[ ]\w{3,7})?|(?:понеділка|вівторка|середи|четверга|п['’]ятниці|суботи|неділі))"
)
_ABOUT = (
    r"(?:(?:ca\.?|etwa|ungefähr|about|around|approx\.?|ok\.?|około|mniej więcej|około|около|примерно|"
    r"приблизно|близько|circa|roughly|um|gegen|at|o|в|о|об|godz(?:iny|\.)?|~)[ ]?){0,2}"
)
_COUNT = (
    r"(?:an?|one|two|three|four|five|several|some|a couple of|einer|einem|eine|zwei|drei|vier|fünf|mehreren|einigen|"
    r"ein paar|dwie|dwóch|dwa|trzy|trzech|kilku|kilka|parę|два|две|двух|три|трёх|трех|пару|несколько|нескольких|"
    r"дві|двох|трьох|кілька|кількох|декілька|\d{1,3})"
)
_UNIT = (
    r"(?:minutes?|mins?|hours?|hrs?|days?|weeks?|minuten?|stunden?|tage?n?|wochen?|godzin[aęy]?|godz\.?|minut[aęy]?|"
    r"dni|dzień|tygodni\w{0,2}|tydzień|минут[аыу]?|мин\.?|часа?|часов|дня|дней|день|сутки|суток|недел[июья]|"
    r"хвилин[аиу]?|хв\.?|годин[аиу]?|год\.?|дні|днів|добу|доби|діб|тиждень|тижн[іея]\w?)"
)
_DURATION = re.compile(rf"{_COUNT}[ ]{_UNIT}\Z", re.IGNORECASE)
_HOUR = r"\d{1,2}(?=[ ]?(?:[,;!?\n]|[.](?!\d)|$))"
_STARTED = re.compile(
    r"(?<!\w)(?=[sSbBoOpPzZrRwWсСнНзЗвВіІпПaAfFуУ])(?i:(?:seit(?:[ ]dem)?|since|started|starting|began|as of|"
    r"begann|beginn|begonnen|ab|from|od|początek|"
    r"zaczęło[ ]się|rozpoczęł\w{1,3}(?:[ ]się)?|wystąpił\w?|с|со|начиная[ ]с|начал(?:ось|ась|ся)|з|із|зі|"
    r"від|починаючи[ ]з|почал(?:ося|ася)|почався)"
    rf"(?::|\b)[ \t]{{0,3}}{_ABOUT}(?P<at>{_CLOCK}(?![ ]?(?:до|bis|to|do|until|till|[-–—])[ ]?\d)|"
    rf"{_ROUGH}(?!\w)(?:[,]?[ ]{_ABOUT}{_CLOCK})?|{_HOUR}))"
)
# what says when something happened, but not that it is the beginning: read where something is said to be wrong
_SINCE_COUNT = re.compile(
    rf"(?<!\w)(?=[sSfFoOуУвВzZзЗiIdD])(?i:(?:seit(?:[ ](?:etwa|ca\.?|ungefähr|über))?|for(?:[ ](?:the[ ])?(?:past|last))?"
    rf"(?:[ ](?:about|over|more than))?|od|уже|вже|ось уже|вот уже|juz od|już od|już)[ ]{_COUNT}[ ]{_UNIT})(?!\w)"
)
_BEFORE = re.compile(rf"(?<!\w)(?=[vV])(?i:vor[ ](?:etwa[ ]|ca\.?[ ]|ungefähr[ ])?{_COUNT}[ ]{_UNIT})(?!\w)")
_AGO = re.compile(rf"(?<!\w)(?i:(?:{_COUNT}[ ])?{_UNIT}[ ](?:ago|temu|назад|тому))(?!\w)")
_AT = re.compile(
    rf"(?<!\w)(?=[aAuUgGoOwWвВоОбБkKаАнН])(?i:(?:at|around|um|gegen|o|około|ok\.|koło|в|около|о|об|близько|на))[ ]"
    rf"(?P<at>{_CLOCK})(?![ ]?(?:до|bis|to|do|until|till|[-–—])[ ]?\d)"
)
_DAYPART = re.compile(
    r"(?<!\w)(?=[lLyYtToOhHgGüÜdDwWсСвВнНуУ])"
    r"(?i:last night|yesterday (?:morning|afternoon|evening)|this (?:morning|afternoon|evening|night)|overnight|"
    r"(?:heute|letzte|gestern) (?:nacht|früh|morgen|vormittag|mittag|nachmittag|abend)|über nacht|"
    r"(?:dziś|dzisiaj|wczoraj) (?:rano|w nocy|wieczorem|po południu)|w nocy|dziś|"
    r"(?:сегодня|вчера) (?:ночью|утром|днем|днём|вечером)|ночью|"
    r"(?:сьогодні|вчора|учора) (?:вночі|вранці|зранку|вдень|ввечері|увечері)|вночі)(?!\w)"
)
_WEEKEND = re.compile(r"(?<!\w)(?i:seit dem wochenende|since the weekend|od weekendu|с выходных|з вихідних)(?!\w)")


class _Moment(NamedTuple):
    """Words for a moment, with needles, one of which is in whatever they match. `is_last`: they end with it, and are dear to
    look for anywhere else."""

    pattern: re.Pattern[str]
    needles: tuple[str, ...]
    is_last: bool = False


_MOMENTS = (
    _Moment(_WEEKEND, ("week", "woche", "выходн", "вихідн")),
    _Moment(_SINCE_COUNT, ("seit", "for ", "od ", "уже", "вже", "вот", "już", "juz")),
    _Moment(_BEFORE, ("vor ",)),
    _Moment(_AGO, (" ago", " temu", " назад", " тому"), is_last=True),
    _Moment(_AT, tuple("0123456789")),
    _Moment(_DAYPART, ("night", "yesterday", "this ", "heute", "letzte", "gestern", "nacht", "dzi", "wczoraj", "nocy",
                       "сегодня", "вчера", "ноч", "сьогодні", "учора", "вночі")),
)  # fmt: skip
_TO_COME = re.compile(
    r"(?<!\w)(?i:please|bitte|proszę|prosze|пожалуйста|позвон|перезвон|перезвонить|зателефон|будь ласка|will|werden|wird|"
    r"ist am|planned|geplant|umzug|tomorrow|morgen früh|jutro|завтра|call|oddzwo|pod telefonem|can i|can we|"
    r"open from|geöffnet|czynn)"
)

_UNTIL = re.compile(r"[ ]?(?:до|bis|to|do|until|till|und|and|a|i|и|та|[-–—])[ ]?\d", re.IGNORECASE)
_MOST_MOMENTS = 20
_FARTHEST_AGO, _LONGEST_AGO = 40, 8  # characters before "ago", and of it with what must not follow
_PHONE = re.compile(r"(?<![\w.#/-])(?:\+|00)?\(?\d[\d \t\u00a0()/-]{6,20}\d(?![\w.]{0,40}\d)")
_ANY_PHONE = re.compile(r"\d[\d \t\u00a0()/-]{6,20}\d")  # is in whatever that matches, and found in a third of the time
_CALL = re.compile(
    r"(?i:r[üu]e?f|\btel|\bcall|\bphone|\bring\b|\bdzwo|zadzwo|oddzwo|перезвон|позвон|звон|\bтел|подзвон|передзвон|"
    r"зателефон|набер|\bmobil|\bhandy|\bcell|kom[óo]rk|erreichbar[ ](?:bin|unter)|reach[ ]me)"
)
_HOURS = re.compile(
    r"(?i:(?:(?:zwischen|between|między|между|між|from|von|ab|after|od|po|с|з|после|після|bis|until|до|do)[ ])?"
    r"\d{1,2}(?:[:.]\d\d)?[ ]?(?:uhr|am|pm|h)?(?:[ ]?(?:[-–—]|und|and|a|i|и|та|bis|to|do|"
    r"до)[ ]?\d{1,2}(?:[:.]\d\d)?(?:[ ]?(?:uhr|am|pm|h))?)"
    r"|(?:ab|after|od|po|с|з|после|після|bis|until|до|do)[ ]\d{1,2}(?::\d\d|[ ]?uhr))"
)
_SERVICE_CODE = re.compile(
    r"(?<![\w.@/-])((?:DS|VPS|VDS|SRV|KVM|GPU|WEB|SH|CLOUD)-[A-Z][a-z]{2,20}(?:-\w{1,20}){0,3})\b"
)
_PLAN = (
    r"(?i:\b(?:dienst(?:name)?|service(?:[ ]name)?|usług[aięeą]|vertrag(?:es|s)?|pakiet\w{0,2}|paket|"
    r"tarif|plan(?:u|ie|em)?|"
    r"package|услуг[аиуе]|послуг[аиуі]|тариф(?:у|е|і|а|ом|ний план|ный план)?|пакет(?:у|е|і|а|ом)?))"
)
_QUOTED_SERVICE = re.compile(rf"{_PLAN}[ :]{{1,3}}[„\"«“]([^\"«»“”„\n]{{1,60}})[\"»”“]")
_PLAIN_SERVICE = re.compile(
    rf"{_PLAN}[ :]{{1,3}}((?:(?:Hosting|Web|Webhosting|Plus|Pro|Basic|Start|Starter|Business|Premium|"
    rf"VPS|VDS|Cloud|Dedicated|Mail|"
    r"Power|Server|SSD|Managed|WordPress|Standard|Ultimate|Mini|Maxi|Advanced|Enterprise|Economy|Root|"
    r"Shop|[SMLX]{1,3}|"
    r"[A-Z]{1,6}-[\w-]{1,30})(?:[ -](?=[A-Z\d])|\b)){1,4}\d{0,3})"
)

_PLAN_NEEDLES = (
    "dienst",
    "service",
    "usług",
    "vertrag",
    "pakiet",
    "paket",
    "tarif",
    "plan",
    "package",
    "услуг",
    "послуг",
    "тариф",
    "пакет",
)
_SERVICE_PATTERNS = (
    (_QUOTED_SERVICE, _PLAN_NEEDLES),
    (_SERVICE_CODE, ("ds-", "vps-", "vds-", "srv-", "kvm-", "gpu-", "web-", "sh-", "cloud-")),
    (_PLAIN_SERVICE, _PLAN_NEEDLES),
)


def read_fields(lines: Lines, text: str, names: Names, lexicon: Lexicon, *, is_trouble: bool = False) -> dict[str, str]:
    """Return the facts a mail states, by the names of interfaces.md; filled labels win over what stands in prose.
    `lines` are those of its subject and of its text; `is_trouble`: something is said to be wrong, so that a moment that
    is named is when it began."""
    fields: dict[str, str] = {}
    if names.servers:
        fields["server"] = names.servers[0]
    if names.domains:
        fields["domain"] = names.domains[0]
    fields |= read_numbers(lines)
    started = _started(lines.text, is_trouble=is_trouble)
    for name, value in (("started", started), ("callback", _callback(text)), ("service", _service(lines))):
        if value:
            fields[name] = value
    fields |= read_labels(text, lexicon)
    return fields


def _started(text: str, *, is_trouble: bool) -> str:
    for found in islice(_STARTED.finditer(text), _MOST_MOMENTS):
        # "from morning" says more than "morning"; from nine to five is no beginning
        at = _tidy(found.group("at"))
        if at[0].isdigit() and _UNTIL.match(text, found.end()):
            continue
        return at if at[0].isdigit() and not _DURATION.match(at) else _tidy(found.group())
    return _told(text) if is_trouble else ""


def _told(text: str) -> str:
    """Return when something went wrong, by what names a moment without the word since."""
    low = text.lower()
    for moment in _MOMENTS:
        if not any(needle in low for needle in moment.needles):
            continue
        for found in islice(_places(moment, text, low), _MOST_MOMENTS):
            sentence = text[
                max(0, text.rfind("\n", 0, found.start()), text.rfind(". ", 0, found.start())) : found.end() + 20
            ]
            if not _TO_COME.search(sentence):
                return _tidy(found.groupdict().get("at") or found.group())
    return ""


def _places(moment: _Moment, text: str, low: str) -> Iterator[re.Match[str]]:
    if not moment.is_last or len(low) != len(text):
        yield from moment.pattern.finditer(text)
        return
    ends = sorted(found.start() for needle in moment.needles for found in re.finditer(needle, low))
    for at in ends[:_MOST_MOMENTS]:
        yield from islice(moment.pattern.finditer(text, max(0, at - _FARTHEST_AGO), at + _LONGEST_AGO), 1)


def _tidy(moment: str) -> str:
    """Return a moment without the full stop of its sentence; that of "a.m." is its own."""
    moment = moment.strip()
    return moment if moment.endswith(".m.") else moment.rstrip(".")


def _callback(text: str) -> str:
    """Return the number to call back, with the hours named beside it."""
    if not _ANY_PHONE.search(text):
        return ""
    for found in _PHONE.finditer(text):
        if sum(character.isdigit() for character in found.group()) < 7:
            continue
        before = text[max(0, found.start() - 80) : found.start()]
        after = text[found.end() : found.end() + 60].split("\n\n", maxsplit=1)[0]
        if _CALL.search(before) or _CALL.search(after[:30]):
            number = " ".join(found.group().split())
            hours = _HOURS.search(after)
            return f"{number}, {hours.group().strip()}" if hours else number
    return ""


def _service(lines: Lines) -> str:
    for pattern, needles in _SERVICE_PATTERNS:
        if (speaking := lines.speaking(needles)) and (found := pattern.search("\n".join(speaking))):
            return found.group(1).strip(" -")
    return ""
