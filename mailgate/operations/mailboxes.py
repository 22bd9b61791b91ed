"""Trying an IMAP account without touching its mail: may we in, and what can its server not do?"""

import ssl

from mailgate.errors import MailgateError
from mailgate.intake.imap_line import Denied, ImapLine, Lost
from mailgate.intake.imap_oauth import AccessTokens
from mailgate.intake.imap_place import ImapPlace, place_of
from mailgate.model.settings import ImapSettings
from mailgate.operations.trust import distrust

_RIGHTS = "are url, user and password right, and may this account use IMAP?"
Remark = tuple[str, str]  # what is the matter, and what to do


class Unfit(Exception):
    """The account cannot be used. Carries what is the matter and the advice."""

    def __init__(self, detail: str, advice: str) -> None:
        super().__init__(detail)
        self.detail, self.advice = detail, advice


async def try_account(account: ImapSettings, seconds: float) -> list[Remark]:
    """Log in and open the folder; return what the server lacks. Raises Unfit."""
    place = place_of(account)
    line: ImapLine | None = None
    try:
        line = ImapLine(place, ssl.create_default_context() if place.is_encrypted else None, seconds=seconds)
        await line.greet()
        token = await AccessTokens(account.oauth).get() if account.oauth else ""
        await line.log_in(place.user, password=place.password, token=token)
        await line.select(place.folder)
        return remarks(place, account, line)
    except (Denied, Lost, MailgateError) as error:
        if found := distrust(error):
            raise Unfit(f"{place.name}: {found[0]}", found[1]) from error
        raise Unfit(f"{place.name}: {error}", _RIGHTS) from error
    finally:
        if line is not None:
            await line.leave()


def remarks(place: ImapPlace, account: ImapSettings, line: ImapLine) -> list[Remark]:
    """Return what the administrator should know of this server."""
    found: list[Remark] = []
    removes = account.after == "delete" or account.after.startswith("move:") and not line.can("MOVE")
    if removes and not line.can("UIDPLUS"):
        found.append((
            f"{place.name}: the server has no UIDPLUS (RFC 4315): what is taken stays in the folder, marked deleted",
            'expunge the folder now and then, or after = "seen"',
        ))  # fmt: skip
    if not line.can("IDLE"):
        found.append((
            f"{place.name}: the server has no IDLE (RFC 2177): new mail is looked for every {round(account.poll_seconds)} s",
            "imap.poll_seconds is how long a mail may wait",
        ))  # fmt: skip
    if "cyrus" in line.greeting.lower():
        found.append((
            f"{place.name}: a Cyrus server writes X for letters beyond ASCII in raw headers, unless it is told not to",
            "munge8bit: no in its imapd.conf",
        ))  # fmt: skip
    return found
