"""Findings: what a mail's words say (Q2 to Q7, S5, S6), read out by the desk's word lists and patterns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mailgate.model.quick import quick

Request = Literal["general", "account", "sensitive"]
Class = Literal["site", "mail", "undelivered", "domain", "certificate", "server", "invoice", "access", "other"]
Right = Literal["cancellation", "owner_change", "contact_change", "payment_data", "refund", "password", "auth_code"]


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What the words of a mail say. Each verdict has its evidence, the words that spoke, in `because`."""

    request: Request = "general"
    rights: tuple[Right, ...] = ()  # what a sensitive request is about; which role may: S6
    class_: Class = "other"
    side: Literal["technical", "financial", ""] = ""  # Q2: only where one side's words speak and the other's are silent
    is_outage: bool = False  # Q3: a stated total outage
    is_formal: bool = False  # A1: a cancellation or another formal notice
    is_thanks: bool = False  # T5: a mere thank-you
    announces_new: bool = False  # T4c: opening words that announce another matter
    fields: Mapping[str, str] = field(default_factory=dict)  # Q4, Q7, as named in interfaces.md
    open_questions: tuple[str, ...] = ()  # Q5: class questions left open, where the report is vague
    account_numbers: tuple[str, ...] = ()  # S5
    logins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # every host, domain and IP named, lower case (N1, N3)
    because: Mapping[str, str] = field(default_factory=dict)  # request, class, side, outage, thanks, announces -> words

    @property
    def sighted(self) -> tuple[str, ...]:
        """Return what many tickets may have in common (N3): hosts, domains, and the service, in lower case."""
        service = " ".join(self.fields.get("service", "").lower().split())
        return tuple(dict.fromkeys((*self.hosts, *((service,) if 0 < len(service) <= 60 else ()))))
