"""Announcements (N4): whom of an account an announcement goes to, and in which language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mailgate.model.letter import Letter
from mailgate.model.people import Account, Contact
from mailgate.model.settings import Desk

PURPOSES = ("invoices", "support", "abuse")
_ROLES = {"invoices": "billing", "support": "technical"}
_SIDES = {"invoices": "financial", "support": "technical", "abuse": "abuse"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressee:
    """Who gets an announcement, and why that address."""

    address: str
    name: str
    account: str
    language: str
    because: str


def choose_addressees(
    contacts: Iterable[Contact], purpose: str, languages: Sequence[str], desk: Desk, today: date
) -> list[Addressee]:
    """Return the addressees among `contacts` of any number of accounts, each address once. `languages` are those that
    the announcement is written in; `today` is the day in the desk's zone (S5)."""
    accounts: dict[str, list[Contact]] = {}
    for contact in contacts:
        if contact.until is None or contact.until >= today:
            accounts.setdefault(contact.account.id, []).append(contact)
    found: dict[str, Addressee] = {}
    for known in accounts.values():
        chosen, because = choose_contacts(known, purpose)
        for contact in chosen:
            found.setdefault(contact.address, _addressee(contact, languages, desk, because))
    return list(found.values())


def choose_contacts(contacts: Sequence[Contact], purpose: str) -> tuple[list[Contact], str]:
    """Return the contacts of one account that an announcement of `purpose` goes to: those with the purpose, else the
    billing contact for invoices and the technical one for support, else the owner; and why."""
    if named := [one for one in contacts if purpose in one.purposes]:
        return named, f"purpose {purpose}"
    for role in (_ROLES.get(purpose), "owner"):
        if role and (holder := next((one for one in contacts if role in one.roles), None)):
            return [holder], f"role {role}"
    return [], "nobody"


def announcement(
    addressee: Addressee, purpose: str, desk: Desk, subjects: Mapping[str, str], texts: Mapping[str, str]
) -> Letter:
    """Return the letter; it comes from the mailbox that answers to it should go to."""
    side = _SIDES.get(purpose)
    queue = next((one.name for one in desk.queues.values() if side and one.side == side), "")
    language = addressee.language
    return Letter(
        kind="announcement", desk=desk.name, audience="customer", to=addressee.address, to_name=addressee.name,
        language=language, ticket=None, subject=subjects[language], context={"text": texts[language]}, queue=queue,
    )  # fmt: skip


def _addressee(contact: Contact, languages: Sequence[str], desk: Desk, because: str) -> Addressee:
    return Addressee(
        address=contact.address, name=contact.name or contact.account.name, account=contact.account.number,
        language=_language(contact.account, languages, desk), because=because,
    )  # fmt: skip


def _language(account: Account, languages: Sequence[str], desk: Desk) -> str:
    wanted = (account.language, *desk.languages)
    return next((one for one in wanted if one in languages and one is not None), languages[0])
