"""What people have to renew before a day: tokens of panels, grants and client secrets of mailboxes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, select

from mailgate.intake.imap_place import place_of
from mailgate.model.settings import Settings
from mailgate.store.engine import upsert
from mailgate.store.tables import META
from mailgate.store.tokens import list_tokens

DAYS = 14
RENEW_TOKEN = "mailgate token create; put it into the panel; mailgate token revoke"  # noqa: S105 (an advice)
RENEW_GRANT = "let the account be allowed anew, and put the new token into refresh_token_file"
RENEW_SECRET = "make a new client secret at the provider: client_secret_file, client_secret_expires"  # noqa: S105
_GRANT = "grant:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """Something that is good until `at`. `key` names it in alarms; `desk`: whose managers are concerned."""

    key: str
    what: str
    at: datetime
    desk: str
    advice: str

    def is_soon(self, now: datetime) -> bool:
        """Say whether it is time to tell people."""
        return self.at - now < timedelta(days=DAYS)

    def __str__(self) -> str:
        return f"{self.what}: {self.at:%Y-%m-%d %H:%M} UTC"


def note_grant(connection: Connection, place: str, until: datetime) -> None:
    """A provider has said how long the refresh token of a mailbox is good."""
    upsert(connection, META, {"name": f"{_GRANT}{place}", "value": until.isoformat()}, ["name"])


def expiries(connection: Connection, settings: Settings) -> Iterator[Expiry]:
    """Yield everything whose end is known."""
    for row in list_tokens(connection):
        if row["expires_at"] is not None:
            name = f"panel token {row['id']}" + (f" ({row['name']})" if row["name"] else "")
            yield Expiry(
                key=f"panel:{row['id']}", what=name, at=row["expires_at"], desk=row["desk"], advice=RENEW_TOKEN
            )
    grants = select(META.c.name, META.c.value).where(META.c.name.startswith(_GRANT, autoescape=True))
    known = {name.removeprefix(_GRANT): datetime.fromisoformat(value) for name, value in connection.execute(grants)}
    for account in settings.imap:
        place, desk = place_of(account).name, settings.desk_of(account.mailbox)
        named = desk.name if desk else ""
        if account.oauth and place in known:
            yield Expiry(
                key=f"grant:{place}", what=f"refresh token of {place}", at=known[place], desk=named, advice=RENEW_GRANT
            )  # fmt: skip
        if day := account.oauth.get("client_secret_expires"):
            at = datetime.combine(date.fromisoformat(day), time(), UTC)
            yield Expiry(
                key=f"secret:{place}", what=f"client secret of {place}", at=at, desk=named, advice=RENEW_SECRET
            )  # fmt: skip
