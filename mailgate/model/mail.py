"""Mail: what a raw message says, as a value. Made by `parse`, read by `decide`; holds no judgement of the desk."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mailgate.model.quick import quick
from mailgate.model.segments import Segment
from mailgate.model.verdicts import Junk, Malware

_DAEMON = re.compile(
    r"mailer[-_.]?daemon|mail[-_.]?daemon|daemon|(?:do[-_.]?)?no[-_.]?t?[-_.]?reply\S{0,20}|bounces?(?:[-+=].*)?|double-bounce"
    r"|listserv|majordomo|mailman|sympa|owner-.*|.*-owner|.*-request|.*-bounces?|cron(?:d|-?daemon)?|auto-?(?:reply|responder)"
)
_DELIVERABLE = re.compile(
    r"(?:[^\s<>()\[\]:;@\\,\"\x00-\x1f\x7f]{1,64}|\"[^<>@\"\\\x00-\x1f\x7f]{1,62}\")"
    r"@[^\s<>()\[\]:;@\\,\"\x00-\x1f\x7f]{1,255}"
)
AutomaticKind = Literal["bounce", "auto_reply", "auto_generated", "list", "loop", "report"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A mailbox of a header: `name` is decoded and one line, `address` as written, `key` to compare with."""

    address: str
    name: str = ""

    @property
    def key(self) -> str:
        """Return the address as we compare it: lower case (local parts that differ by case alone are one person)."""
        return self.address.lower()


def is_deliverable(address: str) -> bool:
    """May mail go to `address`? Whatever a mail program could read in two ways, and so send to somebody else, may not."""
    return _DELIVERABLE.fullmatch(address) is not None


def is_daemon(address: str) -> bool:
    """Is it a program's address (RFC 3834, 2)? Nothing automatic is said to it (A3): what it writes is by a machine, and
    what it gets is read by nobody, or answered by one. People write as postmaster and root."""
    return _DAEMON.fullmatch(address.partition("@")[0].lower()) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """A ticket tag as it was read (T2): `desk` is the tag's word in lower case, `number` the ticket."""

    desk: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A part that is no body text. `filename` is cleaned for a file system (M4); `inline`: shown within the body."""

    filename: str
    content_type: str
    size: int
    sha256: str
    inline: bool = False
    content_id: str | None = None
    finding: str = ""  # what a scanner found in it: it is passed to nobody (M9)
    content: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Automatic:
    """The class of an automatic mail (M6) and the evidence for it, in words."""

    kind: AutomaticKind
    because: str
    otherwise: "Automatic | None" = None  # of a list's mail: what it is where the list is the desk's own (M7)


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedRecipient:
    """One address of a delivery report. `permanent` is None where the report does not say."""

    address: str
    status: str | None = None  # RFC 3463, as 5.1.1
    diagnostic: str = ""
    permanent: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryReport:
    """What a bounce says: who was not reached, and which of whose mails it was about (ids without brackets)."""

    failed: tuple[FailedRecipient, ...] = ()
    original_message_id: str | None = None
    original_subject: str | None = None
    original_references: tuple[str, ...] = ()
    delayed_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthMethod:
    """One method of an Authentication-Results header: `dkim=pass header.d=a.example` (RFC 8601)."""

    method: str
    result: str
    properties: Mapping[str, str]  # "header.d" -> value, "smtp.mailfrom" -> value


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthResults:
    """One Authentication-Results header, whoever wrote it. What is not whole cannot be read: it has no methods, and
    `opening` is how it begins."""

    authserv_id: str  # lower case; "": it has none (as Exchange Online writes it), or it cannot be read
    methods: tuple[AuthMethod, ...]
    is_whole: bool = True
    fails: bool = False  # a dmarc=fail stands in it, however odd the rest is
    opening: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forwarded:
    """The mail that this one forwards (M3, C6): its sender, subject and text as far as they can be read; and what stands
    `above` it, the words of whoever forwards."""

    address: str | None
    name: str = ""
    subject: str = ""
    text: str = ""
    message_id: str | None = None
    above: str = ""


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A parsed mail. Text is NFC-free as sent but without NUL, lone surrogates and carriage returns; message ids have
    no angle brackets; `subject` is one line; times are aware. Anything unreadable is empty, with a line in
    `problems`."""

    digest: str  # SHA-256 of the raw bytes, hex
    content_key: str  # I5: SHA-256 over Message-ID, From, Date, subject and body; transit headers do not count
    size: int
    message_id: str | None = None
    date: datetime | None = None
    from_: tuple[Address, ...] = ()
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    return_path: str | None = None  # "" is the null sender, None: no such header
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  # oldest first, as the header has them

    subject: str = ""
    core_subject: str = ""  # without our tags, reply and forward prefixes, and "ticket 12345" words (T1d, T4)
    tags: tuple[Tag, ...] = ()  # in the subject, in order, each once
    word_numbers: tuple[int, ...] = ()  # "ticket #12345", "zgłoszenie nr 12345" in the subject (T1d)
    quoted_tags: tuple[Tag, ...] = ()  # in the quoted text (T1d), also torn by a line break and "> "
    is_reply: bool = False  # by prefix, or by In-Reply-To/References without a forward prefix
    is_forward: bool = False  # by prefix or by a forwarded block that is the body

    text: str = ""  # the whole body as text (M2)
    visible_text: str = ""  # what the sender wrote now (M3)
    segments: tuple[Segment, ...] = ()  # the whole text, cut where it changes its nature, with what speaks for that
    inline_text: str = ""  # visible text with the quoted lines it answers, marked "> "; "" where none are answered
    reaction: str = ""  # the emoji of a mail that is a reaction of Gmail or Outlook to one of ours, and nothing else
    html: str = ""  # the HTML part, unsanitised: show it only through a sanitiser
    language: str | None = None  # detected of the visible text; None: undecided (M5)
    forwarded: Forwarded | None = None
    attachments: tuple[Attachment, ...] = ()

    headers: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # those that were asked for: decoded, topmost first
    list_ids: tuple[str, ...] = ()  # what the lists that it came through call themselves (RFC 2919), lower case
    list_addresses: tuple[str, ...] = ()  # where these lists are written to (RFC 2369), lower case
    original_from: tuple[Address, ...] = ()  # X-Original-From: the author, where a list rewrote From; proves nothing

    automatic: Automatic | None = None
    report: DeliveryReport | None = None
    auth_results: tuple[AuthResults, ...] = ()  # topmost first
    junk: Junk | None = None  # what filters on the way wrote into the header, whoever they are (M9)
    malware: Malware | None = None
    gateway_ids: tuple[str, ...] = ()  # values of our own loop header X-Mailgate-ID, unverified
    problems: tuple[str, ...] = ()
