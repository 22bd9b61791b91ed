"""Bytes to text (M1): the declared charset, else the detected one, else replacement characters; never an error."""

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

_ALIASES = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949",
    "euc-kr": "cp949", "x-sjis": "cp932", "shift_jis": "cp932", "shift-jis": "cp932", "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8", "unicode-1-1-utf-7": "utf-7", "koi8-ru": "koi8-u", "koi8r": "koi8-r",
    "koi8u": "koi8-u", "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "windows-874": "cp874",
    "iso-8859-11": "cp874", "utf8mb4": "utf-8", "utf8": "utf-8", "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman", "macintosh": "mac_roman", "x-mac-ce": "mac_latin2", "ansi_x3.4-1968": "us-ascii",
    "ascii": "us-ascii", "dos-866": "cp866", "ibm-866": "cp866", "x-cp1251": "cp1251", "x-cp1250": "cp1250",
    "win-1251": "cp1251", "win1251": "cp1251", "windows1251": "cp1251", "windows1250": "cp1250",
    "iso8859-2": "iso-8859-2", "iso_8859-2": "iso-8859-2", "iso_8859-1": "cp1252", "iso8859-1": "cp1252",
    "unicode": "utf-16", "ucs-2": "utf-16", "ucs2": "utf-16", "iso-10646-ucs-2": "utf-16", "utf16": "utf-16",
    "unicodefffe": "utf-16-be", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
}  # fmt: skip
_NO_TEXT = frozenset({"base64", "hex", "bz2", "zlib", "uu", "quopri", "rot13", "idna", "punycode", "undefined",
                      "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})  # fmt: skip
_KIN = {"iso2022_jp": "cp932", "iso2022_kr": "cp949", "gb18030": "big5"}  # what is sent under the other's name
_GUESSES = ("cp1251", "koi8-r", "koi8-u", "cp866", "iso8859_5", "cp1252", "cp1250", "iso8859_2")
_WIDE = ("utf-16", "utf-16-le", "utf-16-be")
_META = re.compile(rb"<meta\b[^<>]{0,300}\bcharset\s{0,5}=\s{0,5}[\"']?\s{0,5}([A-Za-z0-9._:-]{2,40})", re.IGNORECASE)
_XML = re.compile(
    rb"\A\s{0,20}<\?xml\b[^<>]{0,100}\bencoding\s{0,5}=\s{0,5}[\"']([A-Za-z0-9._:-]{2,40})", re.IGNORECASE
)
_DEFAULTS = ("us-ascii", "cp1252")  # what programs declare that do not know what they send
_LETTERS = "оеаинтсрвлкмдпуяызьбгчйхжшюцщэфъёіїєґ"  # of Russian and Ukrainian, the most frequent first
_LIKELY = 0.35  # of a sure letter, on average
_PAIRS = frozenset(
    "ст но то на ен ов ни ра во ко не по пр ро ре ет ла ос от го та ер ть ом од ло ли ли за ит об ти ви ті ів".split()
)
_CYRILLIC = ("cp1251", "koi8-u", "cp866", "iso8859_5")
_RUN = re.compile(rb"[\x80-\xff]+")
_WITHIN = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]|[\x80-\xff](?=[A-Za-z])")
_POLISH = frozenset(bytes([byte]) for name in ("cp1250", "iso8859_2") for byte in "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ".encode(name))
_WESTERN = frozenset(bytes([byte]) for byte in "äöüßÄÖÜéèêëàâçùûôîïñóáíúÉÈÀÇœ".encode("cp1252"))
_SURE_WESTERN = _WESTERN - _POLISH  # ê, ñ and ó are Polish letters elsewhere
_NO_LETTERS = frozenset(bytes([byte]) for byte in b"\xb9\xb3\xbf\xb1\xb6\xbc\xa3\xa1\xa6\xac\xaf\xa5")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:()+-]{0,60}")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_UNWANTED = re.compile("[\x00\ud800-\udfff\ufeff]")


def decode(raw: bytes, declared: str | None = None, hint: str | None = None) -> tuple[str, str]:
    """Return the text of `raw` and a problem ("" where there is none); `hint` is what else speaks for a charset."""
    if raw.isascii() and b"\x1b" not in raw and b"~{" not in raw:
        if declared is None or codec_name(declared) not in ("utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
            return raw.decode("ascii"), ""
    name = codec_name(declared) if declared else None
    if name in _WIDE:
        name = _wide(raw, name)
    elif not raw.isascii() and raw[:2] in (b"\xff\xfe", b"\xfe\xff") and b"\0" in raw[:200]:
        name = "utf-16"
    problem = f"unknown charset {declared[:40]!r}" if declared and name is None else ""
    if name == "us-ascii":
        name = None
    if name and name != "utf-8" and _is_utf8_after_all(raw, name):
        return raw.decode("utf-8"), f"charset {declared} declared, utf-8 found"
    for candidate in dict.fromkeys((name, _KIN.get(name or ""), "utf-8", *_hinted(hint))):
        if candidate:
            try:
                return raw.decode(candidate), problem
            except (UnicodeError, ValueError, LookupError):
                problem = problem or f"not valid {candidate}"
    if name and (name != "utf-8" or _MULTIBYTE.search(raw)):
        return _replaced(raw, name), problem
    return guess(raw), problem or "charset guessed"


@lru_cache(maxsize=512)
def codec_name(declared: str) -> str | None:
    """Return Python's name of the charset that `declared` means, or None where nobody knows it."""
    matched = _NAME.search(declared)
    if not matched:
        return None
    name = matched.group().lower().rstrip(".:_-")
    name = _ALIASES.get(name, name)
    for attempt in (name, name.split(":")[0], name.split("_content")[0], name.replace("_", "-"), name.split("(")[0]):
        try:
            found = codecs.lookup(_ALIASES.get(attempt, attempt)).name
        except (LookupError, ValueError, UnicodeError):
            continue
        found = {"ascii": "us-ascii", "iso8859-1": "cp1252"}.get(found, found)
        return None if found in _NO_TEXT or found.replace("-", "_") in _NO_TEXT else found
    return None


def declared_in_html(raw: bytes, declared: str | None) -> str | None:
    """Return the charset that HTML means: the declared one, or that of its <meta> where the mail says nothing, or says
    what programs say that do not know (M1)."""
    if declared and codec_name(declared) not in _DEFAULTS or raw.isascii():
        return declared
    found = _META.search(raw[:4096]) or _XML.search(raw[:200])
    name = found.group(1).decode("ascii") if found else ""
    if not name or codec_name(name) is None or codec_name(name) in _WIDE:  # what reads as ASCII up to here is not wide
        return declared
    try:
        raw.decode(codec_name(name) or "ascii")
    except (UnicodeError, ValueError, LookupError):
        return declared
    return name


def _wide(raw: bytes, name: str) -> str:
    """Return the byte order of UTF-16 without a mark: line ends and spaces are frequent the right way round alone."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if name != "utf-16":
        return name
    little, big = (sum(raw[at::2].count(byte) for byte in (b"\0", b"\4")) for at in (1, 0))
    return "utf-16-le" if little >= big else "utf-16-be"


def _hinted(hint: str | None) -> tuple[str | None, ...]:
    name = codec_name(hint) if hint else None
    return (_KIN.get(name or ""), name)


def guess(raw: bytes) -> str:
    """Return the likeliest reading of 8-bit text whose charset nobody named."""
    try:
        return raw.decode("utf-8")
    except UnicodeError:
        pass
    if name := _cyrillic(raw[:4096]):
        return _replaced(raw, name)
    if name := _polish(raw[:4096]) or _western(raw[:4096]):
        return _replaced(raw, name)
    best = from_bytes(raw[:4096], cp_isolation=list(_GUESSES)).best()
    return _replaced(raw, best.encoding if best else "cp1252")


def _polish(raw: bytes) -> str:
    """Return the charset in which `raw` reads as Polish, "" where it does not: within words stand its letters alone, some
    of which are no letters in Western Europe's charset."""
    inner = _WITHIN.findall(raw)
    if len(inner) < 2 or not _NO_LETTERS.intersection(inner):
        return ""
    if not all(byte in _POLISH for byte in inner):
        return ""
    iso = sum(byte in b"\xb1\xb6\xbc\xa1\xa6\xac" for byte in inner)
    windows = sum(byte in b"\xb9\x9c\x9f\xa5\x8c\x8f" for byte in inner)
    return "iso8859_2" if iso > windows else "cp1250"


def _western(raw: bytes) -> str:
    """Return cp1252 where the letters within words are all of German, French and their neighbours."""
    inner = _WITHIN.findall(raw)
    return "cp1252" if inner and all(byte in _WESTERN for byte in inner) and _SURE_WESTERN.intersection(inner) else ""


def _cyrillic(raw: bytes) -> str:
    """Return the charset in which `raw` reads as Russian or Ukrainian, "" where it is no Cyrillic text.

    The letters are the same bytes in each, in another order: which are frequent, and that capitals stand in front, tells
    them from one another, even in a subject of two words.
    """
    runs = _RUN.findall(raw)
    letters = sum(map(len, runs))
    if letters < 4 or letters < 2 * len(runs):  # in Latin text such letters stand alone
        return ""
    best, most = "", 0.0
    for name in _CYRILLIC:
        score = _likeliness(raw.decode(name, "replace"))
        if score > most:
            best, most = name, score
    return best if most > letters * _LIKELY else ""


def _likeliness(text: str) -> float:
    score, before = 0.0, " "
    for character in text:
        if character > "\x7f":
            place = _LETTERS.find(character.lower())
            if place < 0:
                score -= 1.0
            elif character.isupper() and before.islower():
                score -= 0.5
            else:
                score += 1.0 - place / 50
            if (before + character).lower() in _PAIRS:
                score += 0.3
        before = character
    return score


def clean(text: str) -> str:
    """Return `text` with LF lines and without what no store takes: NUL, lone surrogates, byte order marks."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() and "\x00" not in text else _UNWANTED.sub("", text)


def _is_utf8_after_all(raw: bytes, name: str) -> bool:
    """Text in a one-byte charset is hardly ever valid UTF-8 by chance; a wrong label is common."""
    if name.startswith(("utf", "iso2022", "gb", "big5", "cp9", "euc", "shift", "hz")):
        return False
    try:
        raw.decode("utf-8")
    except UnicodeError:
        return False
    return len(_MULTIBYTE.findall(raw[:4096])) >= 2


def _replaced(raw: bytes, name: str) -> str:
    try:
        return raw.decode(name, "replace")
    except (UnicodeError, ValueError, LookupError):
        return raw.decode("utf-8", "replace")
