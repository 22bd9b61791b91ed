"""Who there is: accounts and their contacts, staff, and what is known of an address."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from mailgate.model.quick import quick

Role = Literal["owner", "billing", "technical"]
StaffRole = Literal["staff", "lead", "manager"]


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A customer of a desk. `number` and `login` name it in mail (S5)."""

    id: str
    desk: str
    number: str
    login: str = ""
    name: str = ""
    language: str | None = None


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """An address registered with an account. `until` is the last day it counts, in the desk's zone (S5)."""

    id: str
    account: Account
    address: str  # lower case
    name: str = ""
    roles: tuple[str, ...] = ("owner",)
    purposes: tuple[str, ...] = ()  # invoices, support, abuse (N4)
    until: date | None = None


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Staff:
    """A person of a desk."""

    desk: str
    address: str  # lower case
    name: str = ""
    teams: tuple[str, ...] = ()
    role: StaffRole = "staff"
    language: str | None = None
    timezone: str | None = None
