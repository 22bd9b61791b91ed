"""Our own test mail: decided like a customer's, and then answered to its sender alone, without a ticket."""

from collections.abc import Collection
from datetime import datetime

from mailgate.model.decision import Decision, Reason, Send, SetAside
from mailgate.model.letter import Letter
from mailgate.model.mail import Address, Mail
from mailgate.model.quick import replace
from mailgate.model.settings import Desk

_A_CUSTOMER = Address(address="customer@test-mail.invalid")  # RFC 2606, 2: nobody's


def as_a_customers(mail: Mail, own: Collection[str]) -> Mail:
    """Return the test mail `mail` as a customer would have written it; `own` are the addresses of our desks."""
    is_ours = not mail.from_ or mail.from_[0].key in own
    return replace(mail, automatic=None, from_=(_A_CUSTOMER,) if is_ours else mail.from_)


def decide_probe(would_be: Decision, mail: Mail, desk: Desk, to: str, handed_in_at: datetime | None) -> Decision:
    """Return what becomes of a test mail that `would_be` was decided about: one letter to `to`, and nothing else."""
    letter = Letter(
        kind="probe", desk=desk.name, audience="manager", to=to, language=desk.languages[0], ticket=None, subject="",
        context={"handed_in_at": handed_in_at, "would_be": what_it_would_be(would_be)}, queue=would_be.queue or "",
        in_reply_to=mail.message_id, references=(mail.message_id,) if mail.message_id else (), because="probe",
    )  # fmt: skip
    reasons = (
        *would_be.reasons,
        Reason(rule="M7", verdict="set aside", because=f"our own test mail; would be: {what_it_would_be(would_be)}"),
    )
    effects = (SetAside(reason="probe"), Send(letter=letter))
    return Decision(outcome="set_aside", reasons=reasons, effects=effects, desk=desk.name, automatic="auto_generated")


def what_it_would_be(decision: Decision) -> str:
    """Return an outcome and its queue in words: "new (support)"."""
    return f"{decision.outcome} ({decision.queue})" if decision.queue else str(decision.outcome)
