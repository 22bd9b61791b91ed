"""A mail's DKIM signatures, each tried for itself (RFC 6376, 8301, 8463); dkimpy does the arithmetic."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import dkim
from dkim.util import parse_tag_value

from mailgate.verdicts.dns import DnsTrouble, Resolve

MOST_SIGNATURES = 5
# two of these are two mails in one: whoever adds the second must not profit from a signature over the first
_SINGLE = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references mime-version content-type"
    b" content-transfer-encoding".split()
)
_AHEAD = timedelta(hours=10)  # clocks that are wrong, as dkimpy has it
_KEY_BYTES = 2048  # a key of 8192 bits is shorter; a longer one would cost seconds of arithmetic
_LONG_BLANKS = b" " * 200
_BLANKS = bytes.maketrans(b"\t\r\n\v\f", b"     ")
_WSP = re.compile(rb"[ \t]+")
QUIET = logging.getLogger("mailgate.dkim")
QUIET.disabled = True
KeyOf = Callable[..., bytes | None]


class SignedMail:
    """The signatures of a mail that came at `at`."""

    def __init__(self, raw: bytes, at: datetime, most_age: timedelta) -> None:
        """Signatures older than `most_age` say nothing. Raises ValueError where the header is none."""
        try:
            self._message = dkim.DKIM(raw, logger=QUIET)
        except Exception as error:  # a header that dkimpy cannot read is not signed
            raise ValueError(type(error).__name__) from error
        self._at = at
        self._most_age = most_age
        self._body = self._message.body
        self._relaxed: bytes | None = None
        self.signatures = [value for name, value in self._message.headers if name.lower() == b"dkim-signature"]

    def check(self, index: int, key: KeyOf) -> tuple[str, str]:
        """Return the domain that signature `index` proves, or "", and why. Raises DnsTrouble where it is not known."""
        try:
            fields = parse_tag_value(self.signatures[index])
        except Exception:  # dkimpy has many ways to say no
            return "", "a signature that cannot be read"
        domain = fields.get(b"d", b"").decode("utf-8", "replace").lower()
        if because := self._says_nothing(index, fields):
            return "", f"the signature of {domain or 'nobody'} {because}"
        self._message.body = self._relaxed_body() if b"/relaxed" in fields.get(b"c", b"") else self._body
        try:
            holds = self._message.verify(index, dnsfunc=key)
        except (DnsTrouble, dkim.DnsTimeoutError, dkim.NaClNotFoundError) as error:
            raise DnsTrouble(str(error)) from error
        except Exception as error:  # dkimpy has many ways to say no
            return "", f"the signature of {domain} does not hold ({type(error).__name__})"
        return (domain, "") if holds else ("", f"the signature of {domain} does not hold")

    def _says_nothing(self, index: int, fields: dict[bytes, bytes]) -> str:
        """Return why a signature says nothing, whether it holds or not."""
        if is_full_of_blanks(self.signatures[index]):
            return "is full of blanks"
        if b"l" in fields:  # RFC 6376, 8.2: anybody may have written the rest of the mail
            return "has l="
        if not fields.get(b"a", b"").endswith(b"sha256"):  # RFC 8301
            return "is no SHA-256"
        if fields.get(b"q", b"dns/txt") != b"dns/txt" or not fields.get(b"s"):
            return "cannot be looked up"
        if because := leaves_out(fields.get(b"h", b""), self._message.headers):
            return because
        return self._is_of_another_time(fields)

    def _is_of_another_time(self, fields: dict[bytes, bytes]) -> str:
        made, expires = moment(fields.get(b"t")), moment(fields.get(b"x"))
        if expires is not None and expires < self._at:
            return "has expired"
        if made is None and b"date" in fields.get(b"h", b"").lower():
            made = self._date()
        if made is None:
            return "does not say when it was made"
        if made > self._at + _AHEAD:
            return "is of the future"
        return f"is older than {self._most_age.days} days" if self._at - made > self._most_age else ""

    def _date(self) -> datetime | None:
        value = next((value for name, value in self._message.headers if name.lower() == b"date"), b"")
        try:
            found = parsedate_to_datetime(value.decode("ascii", "replace").strip())
        except (ValueError, TypeError, OverflowError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def _relaxed_body(self) -> bytes:
        """Return the body in relaxed form (RFC 6376, 3.4.4): dkimpy's own way there takes the square of a long line of
        blanks, and leaves what is relaxed already as it is."""
        if self._relaxed is None:
            self._relaxed = relaxed(self._body)
        return self._relaxed


def relaxed(body: bytes) -> bytes:
    """Return the body with its blanks as relaxed canonicalization wants them, in time that grows with its length."""
    return _WSP.sub(b" ", body).replace(b" \r\n", b"\r\n")


def is_full_of_blanks(value: bytes) -> bool:
    """Say whether a signature holds so many blanks in a row that reading it would take the square of their number."""
    return _LONG_BLANKS in value.translate(_BLANKS)


def leaves_out(h: bytes, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return what of the header a signature over the fields `h` leaves open for others to write, or ""."""
    signed = Counter(name.strip().lower() for name in h.split(b":"))
    there = Counter(name.lower() for name, _ in headers)
    if b"subject" in there and not signed[b"subject"]:  # it says which ticket the mail is about
        return "leaves the subject out"
    for name in sorted(_SINGLE):
        if there[name] > 1 and there[name] > signed[name]:
            return f"is over one of several {name.decode()} fields"
    return ""


def key_of(resolve: Resolve) -> KeyOf:
    """Return what dkimpy asks for the key under a name."""

    def key(name: bytes, timeout: float = 5) -> bytes | None:
        found = [bytes(text) for text in resolve(name.decode("utf-8", "replace").rstrip("."), "TXT")]
        return next((text for text in found if b"p=" in text and len(text) <= _KEY_BYTES), None)

    return key


def moment(seconds: bytes | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
