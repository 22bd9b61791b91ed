"""Phrases: the language data that reading a mail needs, as one value; `mailgate.phrases` loads it from files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LABEL_KINDS = ("from", "date", "to", "cc", "reply_to", "subject")


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageWords:
    """What tells a language from its neighbours (M5): its common words and the letters that only it has."""

    code: str
    script: str  # "latin" or "cyrillic"
    letters: str = ""  # letters that speak for it
    foreign: str = ""  # letters that speak against it
    words: tuple[str, ...] = ()  # frequent words, lower case; also written without accents
    text: str = ""  # running text that its letter profile is made from


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderSign:
    """A header field that makes a mail automatic (M6). `pattern` is a regular expression over the whole value."""

    name: str  # lower case
    kind: str
    pattern: str = ""  # "": whatever the value is


@dataclass(frozen=True, kw_only=True, slots=True)
class FilterSign:
    """A header field in which a mail filter says what it thinks (M9). Patterns stand at the beginning of the value."""

    name: str  # lower case
    junk: str = ""
    malware: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Phrases:
    """All phrases of all languages. Compared by identity, so that compiled forms can be cached.

    Entries are plain text, matched without regard to case, unless a field says that it holds patterns.
    """

    # subjects (T1d, T2)
    reply_prefixes: tuple[str, ...] = ()
    forward_prefixes: tuple[str, ...] = ()
    ticket_words: tuple[str, ...] = ()
    number_words: tuple[str, ...] = ()  # "nr", "no.", between the word and the number
    stamps: tuple[str, ...] = ()  # what gateways put before a subject in brackets or asterisks: [EXTERNAL] (M6)
    stamp_labels: tuple[str, ...] = ()  # the same with a colon: EXT:

    # replies and forwards (M3)
    wrote: tuple[str, ...] = ()  # verbs of attribution lines
    openers: tuple[str, ...] = ()  # how attribution lines begin: "on", "am", "w dniu"
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by LABEL_KINDS
    months: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    original_marks: tuple[str, ...] = ()  # between dashes, before the original of a reply
    forward_marks: tuple[str, ...] = ()  # between dashes, or on a line of their own with a colon
    reply_above: tuple[str, ...] = ()  # "reply above this line"
    attribution_words: tuple[str, ...] = ()  # what stands in attributions beside name, date and verb
    you_wrote: tuple[str, ...] = ()  # attributions in the second person: "you wrote"
    greetings: tuple[str, ...] = ()
    phone_signatures: tuple[str, ...] = ()  # patterns of the beginning
    phone_words: tuple[str, ...] = ()  # all words that such lines are made of, but names of devices
    footers: tuple[str, ...] = ()  # how legal footers begin
    footer_words: tuple[str, ...] = ()  # the words that they are made of

    # automatic mail (M6)
    auto_reply_subjects: tuple[str, ...] = ()  # patterns at the start of a subject
    auto_reply_texts: tuple[str, ...] = ()
    bounce_subjects: tuple[str, ...] = ()  # patterns at the start of a subject
    bounce_texts: tuple[str, ...] = ()
    bounce_copies: tuple[str, ...] = ()  # lines before the returned mail
    delayed: tuple[str, ...] = ()  # texts of a report that only warns
    receipt_subjects: tuple[str, ...] = ()
    daemon_senders: tuple[str, ...] = ()  # patterns of local parts
    robot_senders: tuple[str, ...] = ()  # patterns of local parts
    role_senders: tuple[str, ...] = ()  # patterns of local parts that programs and people write as
    robot_names: tuple[str, ...] = ()  # patterns within display names
    robot_subjects: tuple[str, ...] = ()  # patterns at the start of a subject
    robot_texts: tuple[str, ...] = ()  # patterns near the top of a text
    refusals: tuple[str, ...] = ()  # words of a mail that was refused by its reader's rules
    header_signs: tuple[HeaderSign, ...] = ()

    filter_signs: tuple[FilterSign, ...] = ()  # junk and malice (M9)

    languages: tuple[LanguageWords, ...] = ()
