"""Where it goes and what it asks for (Q1 to Q5, S6 to S8, M5): queue, priority, request, missing facts, language."""

from dataclasses import dataclass

from mailgate.decide.scene import Scene, Trace
from mailgate.model.decision import Identity
from mailgate.model.findings import Right
from mailgate.model.own_rules import NOTHING_SAID, Said
from mailgate.model.settings import Desk, Mailbox, Queue, bare_address

# S6: which role may ask for what, beside the owner who may all.
RIGHTS: dict[str, frozenset[Right]] = {
    "billing": frozenset(("refund", "payment_data")),
    "technical": frozenset(("password", "auth_code")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Routed:
    """Where a new ticket goes and how it stands there."""

    queue: Queue
    priority: str
    language: str
    needs_identity: bool
    missing: tuple[str, ...]
    moved: str = ""  # "technical", "financial": misdirected (Q2)
    is_abuse: bool = False


def route(scene: Scene, identity: Identity, trace: Trace, said: Said = NOTHING_SAID) -> Routed:
    """Return the queue and the standing of a new ticket. What the desk's own rules have `said` comes first (Q9)."""
    mailbox = choose_mailbox(scene)
    queue, moved = _choose_queue(scene, mailbox, trace, said.queue)
    priority = "high" if scene.findings.is_outage or _form_priority(scene) == "high" else "normal"
    if said.priority and said.priority != priority:
        priority = said.priority
        trace.add("Q9", f"priority {priority}", "a rule of the desk")
    elif priority == "high":
        trace.add("Q3", "priority high", scene.findings.because.get("outage", "") or "set in the panel")
    needs_identity = not may_ask(scene, identity)
    if needs_identity:
        what = ", ".join(scene.findings.rights) or scene.findings.because.get("request", "")
        why = f"{scene.findings.request} ({what})"
        trace.add("S7", "identity required", f"{why} asked at level {identity.level}")
    elif scene.findings.request != "general":
        trace.add("S6", f"{scene.findings.request}: the sender may ask it", scene.findings.because.get("request", ""))
    return Routed(
        queue=queue,
        priority=priority,
        language=choose_language(scene, identity),
        needs_identity=needs_identity,
        missing=() if mailbox.is_abuse else find_missing(scene, identity, priority),
        moved=moved,
        is_abuse=mailbox.is_abuse,
    )


def choose_mailbox(scene: Scene) -> Mailbox:
    """Return the desk's mailbox that the mail is for: the first in To, then Cc, else the first recipient (I6)."""
    own = {mailbox.address: mailbox for mailbox in scene.desk.mailboxes}
    if not scene.arrival.form:
        for address in (*scene.mail.to, *scene.mail.cc):
            if mailbox := own.get(bare_address(address.key)):
                return mailbox
    for recipient in scene.arrival.recipients:
        if mailbox := own.get(bare_address(recipient)):
            return mailbox
    return scene.desk.mailboxes[0]


def may_ask(scene: Scene, identity: Identity) -> bool:
    """Does the sender's level and role reach for what the mail asks (S6)?"""
    findings = scene.findings
    if findings.request == "general" or identity.level == "staff":
        return True
    if findings.request == "account":
        return identity.level in ("verified", "registered")
    return identity.level == "verified" and _roles_may(identity, findings.rights)


def may_confirm(request: str, rights: tuple[Right, ...], identity: Identity) -> bool:
    """May this contact lift the flag of a ticket that asks so (S7)?"""
    if request == "account":
        return identity.level in ("verified", "registered")
    return identity.level == "verified" and _roles_may(identity, rights)


def choose_language(scene: Scene, identity: Identity) -> str:
    """Return the account's language, else the detected one if the desk speaks it, else the desk's first (M5)."""
    # a form is answered at the account's own address, whatever it proves; who only names an account learns nothing
    number = scene.arrival.form.account if scene.arrival.form else identity.account
    account = next(
        (one.account for one in scene.facts.contacts if one.account.number == number),
        next((one for one in scene.facts.named_accounts if one.number == number), None),
    )
    if account and account.language:
        return account.language
    return detected_language(scene)


def detected_language(scene: Scene) -> str:
    detected = scene.mail.language
    return detected if detected in scene.desk.languages and detected else scene.desk.languages[0]


def find_missing(scene: Scene, identity: Identity, priority: str) -> tuple[str, ...]:
    """Return what the ack asks for: facts of an outage (Q4), questions of the class (Q5), a contract number (S8)."""
    findings = scene.findings
    missing: list[str] = []
    if priority == "high":
        fields = findings.fields
        missing += [] if fields.get("server") or fields.get("order") else ["server"]
        missing += [name for name in ("service", "started") if not fields.get(name)]
    else:
        missing += findings.open_questions
    if identity.level == "unknown" and not scene.arrival.form and not names_account(scene):
        missing.append("contract")
    return tuple(dict.fromkeys(missing))


def names_account(scene: Scene) -> bool:
    """Does the mail name a contract number or login, whether such an account exists or not (S8, P3)?"""
    return bool(scene.findings.account_numbers or scene.findings.logins)


def _roles_may(identity: Identity, rights: tuple[Right, ...]) -> bool:
    if "owner" in identity.roles:
        return True
    allowed = frozenset().union(*(RIGHTS.get(role, frozenset()) for role in identity.roles))
    return bool(rights) and all(right in allowed for right in rights)


def _choose_queue(scene: Scene, mailbox: Mailbox, trace: Trace, wanted: str | None) -> tuple[Queue, str]:
    queue = scene.desk.queues[mailbox.queue]
    if wanted:
        trace.add("Q9", f"queue {wanted}", f"a rule of the desk; else {queue.name}")
        return scene.desk.queues[wanted], ""
    if scene.arrival.form:
        queue = _department_queue(scene.desk, scene.arrival.form.department)
        trace.add("Q1", f"queue {queue.name}", f"department {scene.arrival.form.department}")
        return queue, ""
    trace.add("Q1", f"queue {queue.name}", f"mailbox {mailbox.address}")
    side = scene.findings.side
    if mailbox.is_abuse or not side or not queue.side or queue.side in (side, "abuse"):
        return queue, ""
    better = next((one for one in scene.desk.queues.values() if one.side == side), None)
    if better is None:
        return queue, ""
    trace.add("Q2", f"misdirected: queue {better.name}", scene.findings.because.get("side", ""))
    return better, side


def _department_queue(desk: Desk, department: str) -> Queue:
    """A department is a side (technical, financial, abuse) or a queue's name; else the first queue."""
    queues = list(desk.queues.values())
    named = [one for one in queues if department.lower() in (one.side, one.name.lower())]
    return (named or queues)[0]


def _form_priority(scene: Scene) -> str:
    return scene.arrival.form.priority if scene.arrival.form else "normal"
