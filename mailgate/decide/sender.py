"""Who writes (S1 to S3, S5, S9): evidence of authentication, contact, account, level."""

from datetime import date, datetime, timedelta

from mailgate.decide.scene import Scene
from mailgate.model.arrival import Arrival
from mailgate.model.decision import Identity, Level
from mailgate.model.facts import Behind
from mailgate.model.mail import Address, AuthMethod, AuthResults, Mail
from mailgate.model.people import Contact
from mailgate.model.quick import replace
from mailgate.model.settings import EXCHANGE_ONLINE, Desk, bare_address
from mailgate.model.tokens import is_token_of
from mailgate.model.verdicts import Evidence, Verdict

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=2)


def identify(scene: Scene) -> Identity:
    """Return who the From address is, as far as it can be known without a ticket (S1 to S3): `participant` is
    decided later, when the ticket is known."""
    if scene.arrival.form:
        return _by_form(scene)
    if scene.arrival.board and scene.facts.staff:
        staff = scene.facts.staff
        return Identity(
            level="staff",
            address=staff.address,
            name=staff.name,
            evidence="pass",
            because="signed in to the board (W1)",
        )
    address, behind = scene.clues.sender, scene.clues.behind
    first = _first_of_several(scene)
    name = behind.name if behind else first.name if first else ""
    evidence, because = find_evidence(scene)
    if behind and evidence != "fail" and (behind.kind == "form" or behind.address is None):
        return _by_own_form(scene, because)
    if address is None:
        why = "several From addresses" if scene.mail.from_ else "no From address"
        level: Level = "forged" if evidence == "fail" else "unknown"
        return Identity(
            level=level, address=first.key if first else None, name=name, evidence=evidence, because=f"{why}; {because}"
        )
    if scene.facts.staff:
        level = _staff_level(scene, evidence)
        return Identity(level=level, address=address, name=name, evidence=evidence, because=because)
    if evidence == "fail":
        return Identity(level="forged", address=address, name=name, evidence=evidence, because=because)
    contact = choose_contact(scene)
    if not contact:
        return Identity(level="unknown", address=address, name=name, evidence=evidence, because=because)
    return Identity(
        level="verified" if evidence == "pass" else "registered",
        address=address,
        name=name or contact.name or contact.account.name,
        account=contact.account.number,
        contact=contact.address,
        roles=contact.roles,
        evidence=evidence,
        because=because,
    )


def find_evidence(scene: Scene) -> tuple[Verdict, str]:
    """Return pass, fail or none, and its source in words (S2)."""
    verdict, because = _authentication(scene)
    if scene.arrival.accepted_from and verdict != "pass":  # what passes was held for another reason (Q9)
        return "none", "accepted by a person: goes on without evidence (S4)"
    if scene.clues.behind and verdict != "fail":
        verdict, because = _evidence_of_author(scene, scene.clues.behind, verdict, because)
    if verdict == "none" and (token := own_token(scene)):
        return "pass", f"reply token made for this address ({token})"
    return verdict, because


def valid_contacts(contacts: tuple[Contact, ...], today: date) -> tuple[Contact, ...]:
    """Return those that still count: `until` is the last day (S5)."""
    return tuple(contact for contact in contacts if contact.until is None or contact.until >= today)


def choose_contact(scene: Scene) -> Contact | None:
    """Return the contact that the sender writes as; with several accounts the one that the mail names."""
    contacts = senders_contacts(scene)
    named = {account.number for account in scene.facts.named_accounts}
    return next((one for one in contacts if one.account.number in named), contacts[0] if contacts else None)


def senders_contacts(scene: Scene) -> tuple[Contact, ...]:
    """Return every contact that the sender's address is, today in the desk's zone. Who fills in a form is none."""
    if scene.clues.behind and scene.clues.behind.kind == "form":
        return ()
    return valid_contacts(scene.facts.contacts, scene.at.astimezone(scene.desk.timezone).date())


def as_contact_of(scene: Scene, identity: Identity, account: str | None) -> Identity:
    """Return the sender as a contact of `account`, where their address is one of that account too (S3): on a ticket
    they write as whom the ticket belongs to."""
    if not account or not identity.contact or identity.account == account or scene.arrival.form:
        return identity
    contact = next((one for one in senders_contacts(scene) if one.account.number == account), None)
    if contact is None:
        return identity
    return replace(identity, account=account, contact=contact.address, roles=contact.roles)


def find_reply_address(scene: Scene, identity: Identity) -> str:
    """Return where the sender is answered (S9)."""
    own = identity.address or ""
    wanted = scene.clues.reply_to
    if not wanted or wanted == own or not scene.mail.from_ or bare_address(wanted) in scene.desk_addresses:
        return own
    if identity.account and any(
        contact.account.number == identity.account
        for contact in valid_contacts(scene.facts.reply_to_contacts, scene.at.astimezone(scene.desk.timezone).date())
    ):
        return wanted
    if identity.level in ("unknown", "participant") and not scene.facts.reply_to_is_known:
        return wanted
    return own


def _by_form(scene: Scene) -> Identity:
    """The panel vouches for its account; phone, chat and social vouch for nothing (I4)."""
    form = scene.arrival.form
    assert form is not None
    account = next((one for one in scene.facts.named_accounts if one.number == form.account), None)
    contact = next((one for one in senders_contacts(scene) if one.account.number == form.account), None)
    address = scene.clues.sender
    if form.source != "panel" or account is None:
        return Identity(level="unknown", address=address, because=f"{form.source}: verified by nothing (I4)")
    return Identity(
        level="verified",
        address=address,
        name=(contact.name if contact else "") or account.name,
        account=account.number,
        contact=contact.address if contact else address,
        roles=_form_roles(contact, named=form.contact is not None),
        evidence="pass",
        because="the control panel's token (I4)",
    )


def _by_own_form(scene: Scene, because: str) -> Identity:
    """A form that posts as the desk is of whoever is in Reply-To, and proves nothing of them, as a call by phone does
    not (I4, S9). Staff and managers are not answered as customers; nobody that can be answered is nobody."""
    behind = scene.clues.behind
    address = behind.address if behind else None
    if scene.facts.staff or address in scene.desk.managers:
        address = None
    return Identity(
        level="unknown", address=address, name=behind.name if behind and address else "",
        because=f"From is the desk's own; {because}",
    )  # fmt: skip


def _form_roles(contact: Contact | None, *, named: bool) -> tuple[str, ...]:
    """Without a contact the account itself writes, as owner; a contact that no longer counts has no role (S5)."""
    if not named:
        return ("owner",)
    return contact.roles if contact else ()


def _first_of_several(scene: Scene) -> Address | None:
    """Return the From to answer: of several the first that is no desk's own (S1)."""
    own = scene.desk_addresses | {mailbox.address for mailbox in scene.desk.mailboxes}
    others = (one for one in scene.mail.from_ if bare_address(one.key) not in own)
    return next(others, scene.mail.from_[0] if scene.mail.from_ else None)


def _staff_level(scene: Scene, evidence: str) -> Level:
    if evidence == "pass" or scene.arrival.accepted_from:
        return "staff"
    if evidence == "fail" or scene.desk.rules.staff_needs_authentication:
        return "forged"
    return "staff"


def _evidence_of_author(scene: Scene, behind: Behind, verdict: Verdict, because: str) -> tuple[Verdict, str]:
    """What is proved of the author where From is not theirs (M7). A pass of From says that the desk's own group has sent
    the mail; its word counts for a customer whom all its headers name. Anybody can write these headers, and not every
    group checks who writes to it: staff need a pass of their own domain, or our token."""
    if behind.kind == "form":
        return "none", "anybody may fill in a form"
    results = _header_of_ours(scene.mail, scene.arrival, scene.desk) if scene.arrival.is_trusted else None
    if behind.address and results:
        of_author, why = read_results(results, _domain(behind.address))
        if of_author == "pass":
            return of_author, why
    if verdict == "pass" and behind.is_agreed and not scene.facts.staff:
        return "pass", f"{because}, for the group; which names the author in {behind.said_by}"
    return "none", f"{because}; nothing proves the author that the group names"


def own_token(scene: Scene) -> str | None:
    """Return what the token is about, where one of the mail's tokens was made for its sender (S2, A7)."""
    sender = scene.clues.sender
    for token in scene.clues.tokens:
        if sender and is_token_of(token, scene.secret, sender):
            return f"ticket {token.ticket}" if token.ticket else "a held mail"
    return None


def _authentication(scene: Scene) -> tuple[Verdict, str]:
    """Return the verdict of the first that speaks: the header, our own check, a sealer (S2)."""
    said: list[tuple[Verdict, str]] = []
    if scene.arrival.is_trusted:
        said.append(_of_the_header(scene.mail, scene.arrival, scene.desk))
    else:
        said.append(("none", "the way in is not trusted to carry Authentication-Results"))
    said += [_found(one, scene) for one in (scene.verdicts.own, scene.verdicts.arc) if one is not None]
    if scene.arrival.is_trusted:
        spoken = next((one for one in said if one[0] != "none"), None)
    else:
        # a forwarder breaks what we can check ourselves; a sealer that the desk trusts saw it whole
        spoken = next((one for verdict in ("pass", "fail") for one in said if one[0] == verdict), None)
    return spoken or ("none", "; ".join(because for _, because in said))


def _found(evidence: Evidence, scene: Scene) -> tuple[Verdict, str]:
    """Return what a look at the mail found, for the From address that we read."""
    from_ = _domain(scene.mail.from_[0].key if scene.mail.from_ else "")
    if evidence.domain and _domain(evidence.domain) != from_:
        return "none", f"{evidence.because}; but the mail is of {from_ or 'nobody'}"
    if evidence.verdict == "fail" and scene.arrival.is_trusted and evidence is scene.verdicts.own:
        # behind our own server we see neither the peer nor what it changed: there our check never says fail
        return "none", evidence.because
    return evidence.verdict, evidence.because


def look_again_at(scene: Scene) -> datetime | None:
    """Return when to look again at a mail for which only DNS did not speak; None: it has waited long enough (S2)."""
    end = scene.at + timedelta(seconds=scene.desk.rules.dns_retry_seconds)
    if scene.now >= end:
        return None
    pause = min(max((scene.now - scene.at) / 2, _FIRST_PAUSE), _LONGEST_PAUSE)
    return min(scene.now + pause, end)


def wants_own_check(mail: Mail, arrival: Arrival, desk: Desk) -> bool:
    """Say whether our own check of a mail could tell anything: where no trusted header speaks (S2)."""
    return not arrival.is_trusted or _of_the_header(mail, arrival, desk)[0] == "none"


def _of_the_header(mail: Mail, arrival: Arrival, desk: Desk) -> tuple[Verdict, str]:
    results = _header_of_ours(mail, arrival, desk)
    if results is None:
        return "none", "no Authentication-Results of a server that the desk trusts"
    return read_results(results, _domain(mail.from_[0].key if mail.from_ else ""))


def _header_of_ours(mail: Mail, arrival: Arrival, desk: Desk) -> AuthResults | None:
    """Return the topmost header that the desk's own server wrote, readable or not (S2): none below it is looked at."""
    has_exchange = EXCHANGE_ONLINE in desk.authserv_ids and arrival.channel == "imap"
    ids = [one for one in desk.authserv_ids if one != EXCHANGE_ONLINE]
    for place, one in enumerate(mail.auth_results):
        if one.authserv_id in ids:
            return one
        if one.authserv_id:
            continue
        is_exchanges = has_exchange and place == 0
        if is_exchanges or (not one.is_whole and any(id_ in one.opening.lower() for id_ in ids)):
            return one
    return None


def read_results(results: AuthResults, from_domain: str) -> tuple[Verdict, str]:
    """Return the verdict of one header for `from_domain` (S2). A DMARC failure outweighs an aligned pass."""
    source = results.authserv_id or "the mail server"
    if results.fails or any(one.method == "dmarc" and one.result == "fail" for one in results.methods):
        return "fail", f"dmarc=fail by {source}"
    if not results.is_whole:
        return "none", f"the Authentication-Results of {source} cannot be read whole"
    for method in results.methods:
        if method.result == "pass" and _is_aligned(method, from_domain):
            return "pass", f"{method.method}=pass by {source}"
    return "none", f"nothing aligned with {from_domain or 'a From domain'} by {source}"


def _is_aligned(method: AuthMethod, from_domain: str) -> bool:
    match method.method:
        case "dmarc":
            claimed = method.properties.get("header.from", from_domain)
            return bool(from_domain) and _domain(claimed) == from_domain
        case "dkim":
            identity = method.properties.get("header.d") or method.properties.get("header.i", "")
            return _are_related(_domain(identity), from_domain)
        case "spf":
            return _are_related(_domain(method.properties.get("smtp.mailfrom", "")), from_domain)
        case _:
            return False


def _domain(value: str) -> str:
    """Return the domain of an address or a name as DNS has it: müller.example is xn--mller-kva.example (RFC 5891)."""
    domain = value.rpartition("@")[2].strip().lower().rstrip(".")
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _are_related(one: str, other: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1) without a list of public suffixes: one is the other or a part of it, and the
    shorter has two labels at least. Sisters (a.x.example, b.x.example) are not believed: none is the safe side."""
    if not one or not other:
        return False
    short, long = sorted((one, other), key=len)
    return short == long or ("." in short and long.endswith("." + short))
