"""Numbers and logins that a mail states: account, contract, order, invoice (Q4, S5)."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import accumulate

from mailgate.model.expressions import Several, Text, expression

_NUMBER_WORD = (
    r"(?:\b(?i:numer\w{0,3}|nummer|number|nr|no|num|id|lautet|номер\w{0,3}|is|ist|to|это|це)\b\.?|"
    r"[№#:=\[\(„\"«»*-])"
)
_JOIN = rf"(?:[ \t\u00a0]{{0,3}}{_NUMBER_WORD}){{0,4}}[ \t\u00a0]{{0,3}}"
_VALUE = r"(?P<number>[A-Za-zА-Яа-яІЇЄҐ]{0,4}[-/]?\d[\d/-]{0,14}\d|\d)(?![\w.]{0,40}\d)"
_CUSTOMER = (
    r"(?:\b(?:nr|numer\w{0,3})\.?[ \t]{1,2}klienta?|\bklient(?:a|em)?[ \t-]{1,2}(?:nr|numer|id)"
    r"|\bkunden?[ -]?(?:nr|nummer|id)|\bkd\.?[ -]?nr|\b(?:customer|client|"
    r"account)(?:'s)?[ \t-]{0,2}(?:id|no|nr|number|#)"
    r"|(?:номер\w{0,3}|№|id)[ \t]{0,2}(?:клиента|клієнта|абонента|аккаунта|акаунта)"
    r"|(?:клиент|клієнт|абонент)\w{0,2}[ \t]{0,2}(?:№|номер|id|#|n))"
)
_CONTRACT = (
    r"(?:\bvertrags?[ -]?(?:nr|nummer|id)|\bvertrag(?:es|s)?[ \t]{0,2}(?:nr|nummer|no|№|#|\d)"
    r"|\b(?:nr|numer\w{0,3})\.?[ \t]{1,2}umowy|\bumow[ayęeąo]\w{0,2}[ \t]{1,2}(?:nr|numer|\d)"
    r"|\bcontract[ \t]{0,2}(?:no|nr|number|id|#|№|\d)"
    r"|(?:номер\w{0,3}|№)[ \t]{0,2}(?:договор|договір|угод|контракт)\w{0,3}"
    r"|(?:договор|догов[оі]р|контракт)\w{0,4}[ \t]{0,2}(?:№|номер|#|n|nr|\d))"
)


def _numbered(words: str) -> str:
    # the last alternative of some words is the number's first digit: looked at, not eaten
    return rf"(?i:{words.replace(chr(92) + 'd)', f'(?={chr(92)}d))')})\.?{_JOIN}{_VALUE}"


_LOGIN = (
    r"(?i:\b(?:login(?:name)?|log-?in|username|user[ ]name|benutzername|benutzer(?:kennung)?|"
    r"nazwa[ ]użytkownika|użytkownik|"
    r"логин|логін|имя[ ]пользователя|ім['’]я[ ]користувача)\b)"
    r"(?:[ \t]{0,3}(?i:[:=]|\bis\b|\blautet\b|\bto\b|[-–—][ ])[ \t]{0,3}|[ \t]{1,2}(?=[„\"«]))[„\"«]?"
    r"(?P<login>[A-Za-z][A-Za-z0-9._-]{1,31})\b(?![@])"
)
_LOGIN_BARE = (
    r"(?i:\b(?:логин|логін)(?:у|ом|а|е|і)?\b)[ \t]{1,2}"
    r"(?!(?i:ftp|sftp|ssh|mysql|phpmyadmin|wordpress|joomla|root|admin|vpn|email|imap|smtp|telegram|api)\b)"
    r"(?P<login>[A-Za-z][A-Za-z0-9._-]{1,31})\b(?![@])"
)

ACCOUNT_PATTERNS: tuple[str, ...] = (_numbered(_CUSTOMER), _numbered(_CONTRACT), _LOGIN, _LOGIN_BARE)

_ORDER = re.compile(
    r"(?i:\b(?:order|bestell(?:ung|nummer|nr)|bestell-nr|auftrag(?:s?nummer|s?-?nr)?|zam[óo]wieni(?:e|a|u|em)|"
    r"(?:nr|numer\w{0,2})\.?[ \t]zam[óo]wienia)|(?:(?:номер|№)[ \t]{0,2})?(?:заказ|замовленн)\w{0,2})"
    rf"\.?{_JOIN}(?P<number>[A-Za-zА-Яа-я]{{0,5}}[-/]?\d[\d/-]{{1,14}}\d)\b"
)
# not behind a word: that says what the number is of, as "ticket #123456" does, or a tag
_BARE_ORDER = re.compile(r"(?:^|[^\w\s#&\[])[ \t]{0,3}#(\d{6,8})\b", re.MULTILINE)
_INVOICE = re.compile(
    r"(?i:\b(?:invoice|bill|rechnungs?(?:nummer|nr|-nr)?|gutschrift|faktur(?:a|y|ę|e|ze|"
    r"ą)(?:[ \t](?:vat|pro[ -]?forma))?|"
    r"rachun(?:ek|ku)|(?:nr|numer)\.?[ \t]faktury)|\b(?:(?:номер|№)[ \t]{0,2})?(?:сч[её]т(?:а|у|ом|"
    r"е)?|рахун(?:ок|ка|ку|ком)|"
    r"фактур[ауыеи]|акт(?:а|у|ом)?))\b"
    rf"\.?{_JOIN}(?P<number>(?!(?:19|"
    rf"20)\d\d(?![\d/.-]))(?!\d{{1,2}}(?![\d/.-]))[A-Za-zА-Яа-я]{{0,5}}[-/]?\d[\w/.-]{{0,20}}\d|#\d{{1,9}}\b)"
)
_DIGIT = re.compile(r"\d")
_NEEDLES: Mapping[str, tuple[str, ...]] = {
    ACCOUNT_PATTERNS[0]: (
        "klient",
        "kund",
        "kd",
        "customer",
        "client",
        "account",
        "клиент",
        "клієнт",
        "абонент",
        "аккаунт",
        "акаунт",
    ),
    ACCOUNT_PATTERNS[1]: ("vertrag", "umow", "contract", "догов", "договір", "угод", "контракт"),
    ACCOUNT_PATTERNS[2]: ("log", "user", "benutzer", "nazwa", "użytk", "логин", "логін", "имя", "ім"),
    ACCOUNT_PATTERNS[3]: ("логин", "логін"),
    _ORDER.pattern: ("order", "bestell", "auftrag", "zam", "заказ", "замовл"),
    _INVOICE.pattern: (
        "invoice",
        "bill",
        "rechnung",
        "gutschrift",
        "faktur",
        "rachun",
        "счет",
        "счёт",
        "рахун",
        "фактур",
        "акт",
    ),
}
_FIELD_PATTERNS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("customer_number", ACCOUNT_PATTERNS[0]),
        ("contract", ACCOUNT_PATTERNS[1]),
        ("order", _ORDER.pattern),
        ("invoice", _INVOICE.pattern),
        ("login", ACCOUNT_PATTERNS[2]),
        ("login", ACCOUNT_PATTERNS[3]),
    )
)


class Lines:
    """A text by its lines. A number stands in one line with the word that says what it is of, and only such lines are
    read: what the patterns would look at elsewhere is nearly all of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.low = text.lower()
        self._lines = text.split("\n")
        self._readable: dict[str, str] = {}
        self._speaking: dict[tuple[str, ...], list[str]] = {}
        self._ends = list(accumulate(len(line) + 1 for line in self.low.split("\n")))

    def speaking(self, needles: tuple[str, ...]) -> list[str]:
        """Return the lines that hold any of the `needles`."""
        if needles in self._speaking:
            return self._speaking[needles]
        found: set[int] = set()
        for needle in needles:
            at = self.low.find(needle)
            while at >= 0:
                line = bisect_right(self._ends, at)
                found.add(line)
                at = self.low.find(needle, self._ends[line])
        self._speaking[needles] = speaking = [self._lines[line] for line in sorted(found)]
        return speaking

    @cached_property
    def has_digit(self) -> bool:
        """Is there a digit in the text? Without one it names no number."""
        return _DIGIT.search(self.text) is not None

    @cached_property
    def numbered(self) -> str:
        """Return the lines that hold a digit, each with the line before it: a label may stand above its number."""
        wanted: list[str] = []
        last = -1
        for place, line in enumerate(self._lines):
            if _DIGIT.search(line):
                wanted += self._lines[max(last + 1, place - 1) : place + 1]
                last = place
        return "\n".join(wanted)

    @cached_property
    def whole(self) -> Text:
        return Text(self.text)

    @cached_property
    def of_numbers(self) -> Text:
        return Text(self.numbered)

    def readable(self, pattern: re.Pattern[str]) -> str:
        """Return what one of our own patterns may match in; "" where it cannot."""
        is_login = "login" in pattern.groupindex
        if not (is_login or self.has_digit):
            return ""
        text = self._readable.get(pattern.pattern)
        if text is None:  # some are asked for twice, as field and as account
            lines = self.speaking(_NEEDLES[pattern.pattern])
            text = "\n".join(line for line in lines if is_login or _DIGIT.search(line))
            self._readable[pattern.pattern] = text
        return text


def read_numbers(lines: Lines) -> dict[str, str]:
    """Return customer_number, contract, order, invoice and login as far as `lines` state them."""
    fields: dict[str, str] = {}
    for name, pattern in _FIELD_PATTERNS:
        if name not in fields and (where := lines.readable(pattern)) and (found := pattern.search(where)):
            fields[name] = found.group("login" if name == "login" else "number").lstrip("#").rstrip(".-_")
    if "order" not in fields and "#" in lines.text and (bare := _BARE_ORDER.search(lines.text)):
        fields["order"] = bare.group(1)
    return fields


def read_accounts(lines: Lines, patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the account numbers and the logins that the built-in patterns and those of the desk find (S5)."""
    numbers: dict[str, None] = {}
    logins: dict[str, None] = {}
    for groups in _stated(lines, patterns):
        if number := groups.get("number"):
            numbers.setdefault(number)
        if login := groups.get("login"):
            logins.setdefault(login.rstrip(".-_").lower())
    return tuple(numbers)[:20], tuple(logins)[:20]


def _stated(lines: Lines, patterns: tuple[str, ...]) -> Iterator[Mapping[str, str | None]]:
    of_logins, of_numbers = _desks(patterns)  # a desk's own may span lines
    for own in of_logins.in_text(lines.whole):
        yield from own.every(lines.whole)
    if lines.has_digit:
        for own in of_numbers.in_text(lines.of_numbers):
            yield from own.every(lines.of_numbers)
    for pattern in _BUILT_IN:
        if text := lines.readable(pattern):
            yield from (found.groupdict() for found in pattern.finditer(text))


@lru_cache(maxsize=64)
def _desks(patterns: tuple[str, ...]) -> tuple[Several, Several]:
    """Return those of logins, and those of numbers."""
    every = tuple(map(expression, patterns))
    logins = Several([one for one in every if "login" in one.groups])
    return logins, Several([one for one in every if "login" not in one.groups])


_BUILT_IN = tuple(map(re.compile, ACCOUNT_PATTERNS))
