"""A day of a desk as a list of steps: each says what a person does on the board and what they would have mailed instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field

IVAN, OLGA, HANS = "ivan@team.example", "olga@team.example", "hans@team.example"  # staff, a lead, staff of another desk
CUSTOMER, STRANGER, JUNK = "en@shop.example", "new@elsewhere.example", "offers@elsewhere.example"
FILE = ("log.txt", b"[error] disk full\n")


@dataclass(frozen=True, kw_only=True)
class Comes:
    """A customer's mail. `becomes` is what it is read as."""

    sender: str
    subject: str
    text: str
    auth: str = "pass"
    headers: Mapping[str, str] = field(default_factory=dict)
    becomes: str = "new"


@dataclass(frozen=True, kw_only=True)
class Acts:
    """What a person does: on the board by filling a form and pressing `do`, by mail by writing `mail`."""

    who: str
    ticket: int
    do: str
    mail: str
    fill: Mapping[str, str] = field(default_factory=dict)
    by: str = "board"  # how it is done on a day of turns
    with_file: bool = False
    sees: str = ""  # what the page says then


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """The same done to several tickets: on the list at once, by mail one by one."""

    who: str
    tickets: tuple[int, ...]
    do: str
    mail: str


@dataclass(frozen=True, kw_only=True)
class Settles:
    """Mail that is held or set aside is let in."""

    who: str
    where: str
    do: str


@dataclass(frozen=True, kw_only=True)
class Meanwhile:
    """Two people answer at the same moment: both have the ticket before them as it is, `first` is the faster one."""

    first: str
    second: str
    ticket: int
    texts: tuple[str, str]


Step = Comes | Acts | Bulk | Settles | Meanwhile

DAY: tuple[Step, ...] = (
    Comes(sender=CUSTOMER, subject="Site shows 502", text="shop.example shows 502 since noon."),  # 10001
    Comes(sender="uk@shop.example", subject="Mail is late", text="Mail to anna@shop.example comes hours late."),  # 10002
    Comes(sender=STRANGER, subject="What does a server cost?", text="I would like to rent a server. What is the price?"),
    Comes(sender=JUNK, subject="Links for your page", text="We sell the best links for your page. Answer today."),  # 10004
    Comes(sender=CUSTOMER, subject="New phone number", text="Please call me under 555 from now on.", auth="fail",
          becomes="held"),
    Comes(sender="club@elsewhere.example", subject="Bill of our club", text="May we pay the bill of our club by card?",
          headers={"X-Spam-Flag": "YES"}, becomes="set_aside"),
    Acts(who=IVAN, ticket=10001, do="take", mail="#take"),
    Acts(who=OLGA, ticket=10002, do="assign", fill={"assign": IVAN}, mail=f"#assign {IVAN}", by="mail"),
    Acts(who=IVAN, ticket=10001, do="reply", with_file=True, mail="#open\n#answer site\n\nIs it this? See attached.",
         fill={"text": "Is it this? See attached.", "answer": "site", "then": "open"}, sees="leaves at"),
    Acts(who=IVAN, ticket=10001, do="undo", mail="#undo", sees="taken back"),
    Acts(who=IVAN, ticket=10001, do="reply", with_file=True, fill={"text": "We are on it, see the attached log."},
         mail="We are on it, see the attached log.", sees="leaves at"),
    Acts(who=OLGA, ticket=10001, do="note", fill={"text": "The disk of node9 again."}, mail="#note\n\nThe disk of node9 again."),
    Acts(who=IVAN, ticket=10002, do="note", fill={"text": "Greylisting, I think."}, mail="#note\n\nGreylisting, I think.",
         by="mail"),
    Acts(who=IVAN, ticket=10002, do="priority", fill={"priority": "high"}, mail="#priority high"),
    Acts(who=IVAN, ticket=10002, do="eta", fill={"eta": "2d"}, mail="#eta 2d"),
    Acts(who=IVAN, ticket=10002, do="reply", fill={"text": "Sent again: look into the attached file."},
         mail="Sent again: look into the attached file.", sees="Not sent yet"),
    Acts(who=IVAN, ticket=10002, do="send", mail="#send", sees="Done."),
    Comes(sender=CUSTOMER, subject="Re: [flexihost #10001] Site shows 502", text="Thank you. And still 502.", becomes="follow_up"),
    Meanwhile(first=IVAN, second=OLGA, ticket=10001, texts=("The disk was full, it is well now.", "I have made room. Better?")),
    Acts(who=IVAN, ticket=10004, do="spam", mail="#spam", sees="only leads"),
    Settles(who=OLGA, where="held", do="accept"),  # 10005
    Settles(who=IVAN, where="aside", do="release"),  # 10006
    Acts(who=OLGA, ticket=10005, do="verify", mail="#verify"),
    Acts(who=OLGA, ticket=10005, do="merge", fill={"merge": "10001"}, mail="#merge 10001"),
    Acts(who=OLGA, ticket=10003, do="lang", fill={"lang": "en"}, mail="#lang en", by="mail"),
    Acts(who=OLGA, ticket=10003, do="queue", fill={"queue": "billing"}, mail="#queue billing"),
    Acts(who=IVAN, ticket=10006, do="escalate", fill={"escalate": "admins", "reason": "a bill"}, mail="#escalate admins a bill"),
    Acts(who=IVAN, ticket=10006, do="split", fill={"split": "Card of the club"}, mail="#split Card of the club"),  # 10007
    Acts(who=IVAN, ticket=10007, do="snooze", fill={"snooze": "3d"}, mail="#snooze 3d"),
    Acts(who=IVAN, ticket=10006, do="abuse", mail="#abuse"),
    Acts(who=IVAN, ticket=10002, do="wait", mail="#wait"),
    Acts(who=IVAN, ticket=10002, do="open", mail="#open", by="mail"),
    Acts(who=HANS, ticket=10002, do="close", mail="#close", sees="no such ticket"),
    Bulk(who=OLGA, tickets=(10004, 10003), do="spam", mail="#spam"),
    Bulk(who=IVAN, tickets=(10002, 10006), do="close", mail="#close"),
    Acts(who=IVAN, ticket=10001, do="reply", fill={"text": "All is well, then.", "answer": "closing", "then": "resolve"},
         mail="#resolve\n#answer closing\n\nAll is well, then.", sees="A colleague has answered as well"),
)  # fmt: skip
