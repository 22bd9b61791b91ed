"""The names in a text: hosts, domains, IP addresses and mail addresses, and the text with stand-ins for them (Q4)."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mailgate.understand.words.lexer import ADDRESS, HOST, IP

_URL_OR_MAIL = r"""(?P<url>\b(?:https?|ftp|sftp)://[^\s<>"'«»„“”]{1,500})
    |(?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})"""
_IPV4_WORD = r"(?P<ip>(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w/])(?!\.\d))"
_IPV6_WORD = r"(?P<ip6>(?<![\w:.])(?=[0-9a-f:]{0,39}:)[0-9a-f:]{3,39}(?![\w:/]))"
_HOST_WORD = (
    r"(?P<host>(?<![\w@.+-])(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,6}"
    r"(?:xn--[a-z0-9-]{2,20}|[^\W\d_]{2,18})(?![\w@]))"
)
_ENTITY = re.compile(f"{_URL_OR_MAIL}|{_IPV4_WORD}|{_IPV6_WORD}|{_HOST_WORD}", re.IGNORECASE | re.VERBOSE)
_PLAIN_ENTITY = re.compile(f"{_IPV4_WORD}|{_HOST_WORD}", re.IGNORECASE)  # without a colon or an at it is no other
_SHORT_RUN = 100  # characters of a word that is worth keeping
_RUN = re.compile(r"(?<!\S)[^\s.@:]*[.@:]\S+")
_SHORT_NEEDLES = (
    "vps",
    "srv",
    "node",
    "vm",
    "ds",
    "dedi",
    "host",
    "backup",
    "web",
    "db",
    "root",
    "cloud",
    "box",
    "serv",
    "serwer",
    "сервер",
)
_HOST_OF_URL = re.compile(r"\w{3,5}://(?:[^/@\s]{0,100}@)?([^/:?#\s\])]+)")
_FILES = frozenset(
    """log php html htm js ts css sh py txt zip tar gz tgz pdf doc docx xls xlsx csv jpg jpeg png gif svg xml json conf
    cfg ini sql exe eml msg htaccess bak yml yaml rar pem crt key csr cer ics mp4 mp3 avi asp aspx jsp cgi phtml tpl
    vue jsx scss lock toml rb jar war dll iso img webp bmp ppt pptx odt ods dump err out pid sock service""".split()
)
_GENERIC_ENDINGS = frozenset(
    """com net org info biz name pro shop store online site website web app dev cloud tech blog edu gov mil int mobi
    email hosting host digital agency media news live world life today space fun club xyz top group company team studio
    design art photo photography travel hotel restaurant cafe consulting solutions services support systems software
    network center expert guru academy school education health care clinic dental law legal finance bank money market
    marketing business enterprises international global eco energy bio green build builders construction house homes
    realestate properties auto cars bike taxi express delivery land city town berlin hamburg koeln cologne bayern ruhr
    saarland wien tirol swiss moscow kiev london paris nyc page link click download stream video game games chat social
    family kids baby dog pet food kitchen wine beer bar pub fit yoga sport football example test invalid localhost local
    internal lan home corp intern domain рф рус укр онлайн сайт бел москва дети орг ком срб мкд""".split()
)
_COUNTRY_LIKE = re.compile(r"[a-z]{2}\Z")
_NO_HOSTS = frozenset({"asp.net", "vb.net", "node.js", "next.js", "vue.js", "nuxt.js", "socket.io", "readme.md"})
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z")
_SERVER_LABEL = re.compile(
    r"(?:node|vps|srv|server|serwer|db|sql|mx|ns|host|cloud|root|dedi|dedicated|ds|vm|kvm|lxc|web|web-?srv|app|backup|"
    r"storage|cluster|smtp|imap|pop3?|proxy|lb|gw|gpu|ded|box|worker)[\w-]*\d[\w-]*\Z|\w*(?:node|vps|srv)-?\d*\Z"
)
_SERVER_WORD = re.compile(r"(?:\bserver|serwer\w*|сервер\w*|\bhost(?:name)?|хост\w*|\bvps|\bnode|\bmaschine|\bmachine)"
                          r"[\s:„\"«(]{1,3}\Z", re.IGNORECASE)  # fmt: skip
_SHORT = re.compile(
    r"(?=[vsnkdhbwrc])(?<![\w.@/-])"
    r"((?:vps|srv|node|vm|kvm|ds|dedi|host|backup|web|db|root|cloud|box|server)-?\d{1,5}(?:-\w{1,20})?)(?![\w@-]|\.\w)"
)
_PLAN_WORD = re.compile(r"(?:plan\w*|tarif\w*|tariff|тариф\w*|план\w*|pakiet\w*|paket\w*|пакет\w*|package)\s+[„\"«]?\Z",
                        re.IGNORECASE)  # fmt: skip
_NUMBERED = re.compile(
    r"(?=[sс])\b(?:server|serwer\w{0,4}|сервер\w{0,3})\s{0,3}(?:nr\.?|no\.?|№|#|id:?)\s{0,3}#?(\d{3,9})\b"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What a text names, in its order, lower case; `plain` is the text with a stand-in word for each name."""

    servers: tuple[str, ...]
    domains: tuple[str, ...]
    addresses: tuple[str, ...]
    hosts: tuple[str, ...]  # servers, domains and IPs together
    plain: str


def find_names(text: str) -> Names:
    """Return the names in `text`. A host is a server by its first label, or by the word before it."""
    servers: dict[str, None] = {}
    domains: dict[str, None] = {}
    addresses: dict[str, None] = {}
    hosts: dict[str, None] = {}
    pieces: list[str] = []
    end = 0
    for kind, value, first, last in _entities(text):
        stand_in = _read(kind, value, text[max(0, first - 24) : first], servers, domains, addresses, hosts)
        if stand_in:
            pieces += (text[end:first], stand_in)
            end = last
    for name in _short_names(text):
        servers.setdefault(name)
    return Names(
        servers=tuple(servers),
        domains=tuple(domains),
        addresses=tuple(addresses),
        hosts=tuple(dict.fromkeys((*hosts, *(name for name in servers if not name.isdigit())))),
        plain="".join((*pieces, text[end:])),
    )


def _entities(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield what may be a name, lower case, its kind before and its place behind it; only where a dot, a colon or an at
    stands within a run of letters."""
    for run in _RUN.finditer(text):
        word, start = run.group(), run.start()
        for kind, value, first, last in _known_entities(word) if len(word) <= _SHORT_RUN else _entities_of(word):
            yield kind, value, start + first, start + last


@lru_cache(maxsize=4096)
def _known_entities(run: str) -> tuple[tuple[str, str, int, int], ...]:
    return _entities_of(run)  # a mail names its few hosts again and again


def _entities_of(run: str) -> tuple[tuple[str, str, int, int], ...]:
    pattern = _ENTITY if ":" in run or "@" in run else _PLAIN_ENTITY
    return tuple((one.lastgroup or "", one.group().lower(), one.start(), one.end()) for one in pattern.finditer(run))


def _short_names(text: str) -> Iterator[str]:
    """Yield servers named without a domain: vps-12, node7, server #10001; VPS-2 behind "plan" is a plan."""
    low = text.lower()
    if any(needle in low for needle in _SHORT_NEEDLES):
        for found in _SHORT.finditer(low):
            if not _PLAN_WORD.search(low[max(0, found.start() - 24) : found.start()]):
                yield found.group(1)
        for found in _NUMBERED.finditer(low):
            yield found.group(1)


def _read(
    kind: str,
    value: str,
    before: str,
    servers: dict[str, None],
    domains: dict[str, None],
    addresses: dict[str, None],
    hosts: dict[str, None],
) -> str:
    """File one name; return its stand-in, or "" where it is none after all."""
    if kind == "mail":
        addresses.setdefault(value.rstrip("."))
        return f" {ADDRESS} "
    if kind == "url":
        host = _HOST_OF_URL.match(value)
        if host is None:
            return f" {HOST} "
        value = host.group(1).strip(".,;)")
        kind = "ip" if _IPV4.match(value) else "host"
    elif kind == "host" and not _is_host(value):
        return ""
    if kind in ("ip", "ip6"):
        if not _is_address(value):
            return ""
        servers.setdefault(value)
        hosts.setdefault(value)
        return f" {IP} "
    value = value.removeprefix("www.")
    hosts.setdefault(value)
    return f" {IP} " if _file_host(value, before, servers, domains) else f" {HOST} "


def _file_host(host: str, before: str, servers: dict[str, None], domains: dict[str, None]) -> bool:
    """File a host as server, domain or both; return whether its own name says that it is a server."""
    labels = host.split(".")
    is_server = len(labels) > 2 and bool(_SERVER_LABEL.match(labels[0]))
    if is_server or _SERVER_WORD.search(before):
        servers.setdefault(host)
    if not is_server:
        domains.setdefault(host)
    return is_server


def _is_host(value: str) -> bool:
    labels = value.split(".")
    ending = labels[-1]
    if value in _NO_HOSTS or ending in _FILES or not any(character.isalpha() for character in labels[-2]):
        return False
    if ending in _GENERIC_ENDINGS or ending.startswith("xn--"):
        return True
    return bool(_COUNTRY_LIKE.match(ending)) and len(labels[-2]) > 1


def _is_address(value: str) -> bool:
    if ":" not in value:
        return all(int(octet) < 256 for octet in value.split(".")) and value != "0.0.0.0"  # noqa: S104
    if "::" not in value and value.count(":") != 7:
        return False
    try:
        return not ipaddress.IPv6Address(value).is_unspecified
    except ValueError:
        return False
