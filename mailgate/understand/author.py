"""Who is behind From: the desk's own groups hand people's mail on (M7), and web forms post as the desk (S9)."""

from collections.abc import Collection

from mailgate.model.facts import Behind
from mailgate.model.mail import Address, Mail, is_deliverable
from mailgate.model.quick import replace
from mailgate.model.settings import Desk, bare_address


def groups_of(mail: Mail, desk: Desk) -> tuple[str, ...]:
    """Return the names of the list that `mail` came through, where that is the desk's own (M7): named in its `groups`,
    or one of its mailboxes; () for any other way. A second list on the way is a stranger's, or the customer's own."""
    if not (mail.list_ids or mail.list_addresses):
        return ()
    own = {_as_id(name) for name in (*desk.groups, *(box.address for box in desk.mailboxes))}
    names = (*mail.list_ids, *mail.list_addresses)
    if not any(_as_id(name) in own for name in names):
        return ()
    if len(mail.list_ids) > 1 and any(_as_id(name) not in own for name in mail.list_ids):
        return ()
    return names


def as_the_desk_has_it(mail: Mail, desk: Desk) -> Mail:
    """Return `mail` as it was before the desk's own group had it: a person's mail is no list's (M7)."""
    if mail.automatic is None or mail.automatic.kind != "list" or not groups_of(mail, desk):
        return mail
    return replace(mail, automatic=mail.automatic.otherwise)


def see_behind(mail: Mail, desk: Desk, groups: tuple[str, ...], desk_addresses: Collection[str]) -> Behind | None:
    """Return who is behind the From of `mail`; None where From says it (S1). `groups` is what `groups_of` returned,
    `desk_addresses` the mailboxes of every desk of the house."""
    if len(mail.from_) != 1:
        return None
    sender = mail.from_[0].key
    own = {*desk_addresses, *(box.address for box in desk.mailboxes)}
    if groups and _is_rewritten(sender, desk, groups, own):
        return _author(mail, groups, own)
    if bare_address(sender) in own:
        return _visitor(mail, own)
    return None


def reply_addresses(mail: Mail, groups: tuple[str, ...]) -> list[Address]:
    """Return the addresses of Reply-To without the group's own: who answers the author does not answer the group."""
    return [one for one in mail.reply_to if one.key not in groups] if groups else list(mail.reply_to)


def _is_rewritten(sender: str, desk: Desk, groups: tuple[str, ...], own: Collection[str]) -> bool:
    """Did the group put an address of its own into From: its posting address, or jane=shop.example@groups.example?"""
    if sender in groups or sender in desk.groups or bare_address(sender) in own:
        return True
    local, _, domain = sender.rpartition("@")
    return "=" in local and any(domain == name.rpartition("@")[2] for name in groups if "@" in name)


def _author(mail: Mail, groups: tuple[str, ...], own: Collection[str]) -> Behind:
    """The author as the group names them. Either header may be of a stranger's hand: the group need not write both."""
    original = [one for one in mail.original_from if _is_person(one, own)]
    replies = [one for one in reply_addresses(mail, groups) if _is_person(one, own)]
    named = {one.key for one in (*original, *replies)}
    chosen = original[0] if len(original) == 1 else replies[0] if len(replies) == 1 and not original else None
    said = " and ".join(name for name, found in (("X-Original-From", original), ("Reply-To", replies)) if found)
    if chosen is None:
        return Behind(kind="group", address=None, said_by=said)
    return Behind(
        kind="group", address=chosen.key, name=chosen.name, said_by=said,
        is_agreed=len(named) == 1 and len(mail.original_from) < 2,
    )  # fmt: skip


def _visitor(mail: Mail, own: Collection[str]) -> Behind:
    """Whoever filled in the form: the one address of Reply-To. Anybody may type any address there."""
    found = [one for one in mail.reply_to if _is_person(one, own)]
    if len(found) != 1 or len(mail.reply_to) != 1:
        return Behind(kind="form", address=None)
    return Behind(kind="form", address=found[0].key, name=found[0].name, said_by="Reply-To")


def _is_person(one: Address, own: Collection[str]) -> bool:
    return is_deliverable(one.key) and bare_address(one.key) not in own


def _as_id(name: str) -> str:
    """A list's address and its id are one name: support@lists.desk.example has the id support.lists.desk.example."""
    return name.replace("@", ".")
