"""Who is behind From: the desk's own groups (M7), and forms that post as the desk (S9)."""

from dataclasses import replace
from typing import Any

import pytest

from mailgate.model.mail import Address, Automatic, Mail
from mailgate.model.settings import Desk
from mailgate.understand.author import as_the_desk_has_it, groups_of, see_behind
from tests.decide.build import OLENA, STRANGER, a_mail, authenticated, desk, who

GROUP, OTHER = "help@groups.desk.example", "support@strato.example"
HOUSE = frozenset(("support@flexihost.example", OTHER))
THROUGH = {"list_ids": ("help.groups.desk.example",), "list_addresses": (GROUP,)}
LIST = Automatic(kind="list", because="list-id")


def a_desk() -> Desk:
    return replace(desk(), groups=(GROUP,))


def behind(**more: Any) -> tuple[str, str | None, bool] | None:
    mail = a_mail(**more)
    found = see_behind(mail, a_desk(), groups_of(mail, a_desk()), HOUSE)
    return (found.kind, found.address, found.is_agreed) if found else None


@pytest.mark.parametrize(
    ("lists", "is_own"),
    [
        ({"list_ids": ("help.groups.desk.example",)}, True),
        ({"list_addresses": (GROUP,)}, True),
        ({"list_ids": ("support.flexihost.example",)}, True),  # a mailbox that is a group
        ({"list_ids": ("news.elsewhere.example",)}, False),
        ({"list_ids": ("help.groups.desk.example", "team.shop.example")}, False),  # the customer's own list before it
        ({"list_ids": ("help.groups.desk.example", "support.flexihost.example")}, True),
        ({"list_ids": ("groups.desk.example",)}, False),
        ({}, False),
    ],
)
def test_a_list_is_the_desks_own_by_its_id_or_its_posting_address(lists: dict[str, Any], is_own: bool) -> None:
    assert bool(groups_of(a_mail(**lists), a_desk())) == is_own


@pytest.mark.parametrize(
    ("automatic", "left"),
    [
        (LIST, None),
        (replace(LIST, otherwise=Automatic(kind="auto_generated", because="x-cron-env")), "auto_generated"),
        (replace(LIST, otherwise=Automatic(kind="list", because="feedback-id")), "list"),
        (Automatic(kind="auto_reply", because="auto-submitted"), "auto_reply"),
    ],
)
def test_a_group_takes_only_its_own_class_from_a_mail(automatic: Automatic, left: str | None) -> None:
    seen = as_the_desk_has_it(replace(a_mail(**THROUGH), automatic=automatic), a_desk())
    assert (seen.automatic.kind if seen.automatic else None) == left
    strangers = replace(a_mail(list_ids=("news.elsewhere.example",)), automatic=LIST)
    assert as_the_desk_has_it(strangers, a_desk()) is strangers


def originally(*addresses: str) -> tuple[Address, ...]:
    return tuple(Address(address=one, name="Olena") for one in addresses)


@pytest.mark.parametrize(
    ("mail", "found"),
    [
        ({"sender": OLENA, **THROUGH}, None),
        ({"sender": OLENA, **THROUGH, "original_from": originally(STRANGER)}, None),
        ({"sender": GROUP, **THROUGH, "original_from": originally(OLENA)}, ("group", OLENA, True)),
        ({"sender": GROUP, **THROUGH, "reply_to": OLENA}, ("group", OLENA, True)),
        ({"sender": GROUP, **THROUGH, "original_from": originally(OLENA), "reply_to": OLENA}, ("group", OLENA, True)),
        ({"sender": GROUP, **THROUGH, "original_from": originally(OLENA), "reply_to": GROUP}, ("group", OLENA, True)),
        ({"sender": GROUP, **THROUGH, "original_from": originally(OLENA), "reply_to": STRANGER}, ("group", OLENA, False)),
        ({"sender": GROUP, **THROUGH, "original_from": originally(OLENA, STRANGER)}, ("group", None, False)),
        ({"sender": GROUP, **THROUGH, "original_from": originally(OTHER)}, ("group", None, False)),
        ({"sender": GROUP, **THROUGH}, ("group", None, False)),
        ({"sender": GROUP, "original_from": originally(OLENA)}, None),  # without the group's own headers
        ({"sender": "olena=shop.example@groups.desk.example", **THROUGH, "reply_to": OLENA}, ("group", OLENA, True)),
        ({"sender": OTHER, "reply_to": OLENA}, ("form", OLENA, False)),
        ({"sender": "support+web@flexihost.example", "reply_to": OLENA}, ("form", OLENA, False)),
        ({"sender": OTHER, "reply_to": OTHER}, ("form", None, False)),
        ({"sender": OTHER}, ("form", None, False)),
        ({"sender": (OTHER, OLENA)}, None),
    ],
)  # fmt: skip
def test_who_is_behind_from(mail: dict[str, Any], found: Any) -> None:
    assert behind(**mail) == found


def rewritten(**more: Any) -> Mail:
    return a_mail(sender=GROUP, **THROUGH, **{"original_from": originally(OLENA), **more})


@pytest.mark.parametrize(
    ("mail", "level"),
    [
        (authenticated(rewritten()), "verified"),
        (rewritten(), "registered"),
        (authenticated(rewritten(), "none"), "registered"),
        (authenticated(rewritten(), "fail"), "forged"),
        (authenticated(rewritten(reply_to=STRANGER)), "registered"),
        (authenticated(rewritten(), server="mx.evil.example"), "registered"),
        (authenticated(rewritten(original_from=originally("nobody@else.example"))), "unknown"),
        (authenticated(rewritten(original_from=originally("ivan@team.example"))), "forged"),
        (authenticated(rewritten(original_from=originally("support@flexihost.example"))), "unknown"),
    ],
)
def test_the_word_of_a_group_lets_a_customer_in_and_nobody_of_the_staff(mail: Mail, level: str) -> None:
    assert who(mail, on=a_desk()).level == level
