"""What was fetched over IMAP: a ledger beside the inbox, written in the transaction that accepts the mail (I3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import BigInteger, Column, Engine, String, Table, insert, select, update

from mailgate.store.engine import hold, insert_new, reading, transaction
from mailgate.store.inbox import Inbox, Incoming
from mailgate.store.types import METADATA, Instant

# A mail of a folder that was taken (`digest`), or passed over for good (`reason`). `place` is the account and the
# folder; a UID means something within its UIDVALIDITY alone (RFC 9051, 2.3.1.1).
FETCHED = Table(
    "fetched",
    METADATA,
    Column("key", String, primary_key=True),
    Column("place", String, nullable=False, index=True),
    Column("validity", String, nullable=False),
    Column("digest", String, nullable=False, index=True),
    Column("reason", String, nullable=False),
    Column("at", Instant, nullable=False),
)


# A folder as it was when it was first looked into: mail before `first_uid` is taken only while it is unread.
FOLDER = Table(
    "fetched_folder",
    METADATA,
    Column("place", String, primary_key=True),
    Column("validity", String, nullable=False),
    Column("first_uid", BigInteger, nullable=False),  # UIDs have 32 bits
    Column("since", Instant, nullable=False),
)
TABLES = ("fetched", "fetched_folder")


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """What is known of a folder. `is_renumbered`: its UIDs have changed since mail was first taken from it."""

    place: str
    validity: int
    first_uid: int
    since: datetime
    is_renumbered: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A mail of a folder, and what it brings; `reason`: why that is nothing."""

    uid: int
    digest: str
    arrivals: Sequence[Incoming]
    reason: str = ""


class Ledger:
    """The ledger of one process. Every method is one transaction, safe from threads; trouble of ours is TryLater."""

    def __init__(self, engine: Engine, inbox: Inbox) -> None:
        """`engine` is the inbox's."""
        self._engine = engine
        self._inbox = inbox

    def enter(self, place: str, validity: int, next_uid: int, now: datetime) -> Folder:
        """Return the folder, noted now if it is new; after a change of UIDVALIDITY all since the first look counts."""
        with transaction(self._engine) as connection:
            hold(connection, [f"folder:{place}"])
            row = connection.execute(select(FOLDER).where(FOLDER.c.place == place)).first()
            if row is None:
                values = {"place": place, "validity": str(validity), "first_uid": next_uid, "since": now}
                connection.execute(insert(FOLDER), [values])
                return Folder(place=place, validity=validity, first_uid=next_uid, since=now)
            is_renumbered = row.first_uid == 0 or row.validity != str(validity)
            if row.validity != str(validity):
                changed = update(FOLDER).where(FOLDER.c.place == place)
                connection.execute(changed.values(validity=str(validity), first_uid=0))
        first = 0 if is_renumbered else row.first_uid
        return Folder(place=place, validity=validity, first_uid=first, since=row.since, is_renumbered=is_renumbered)

    def known(self, folder: Folder) -> dict[int, bool]:
        """Return the UIDs that need not be fetched any more, and whether their mail is here (else: passed over)."""
        query = select(FETCHED.c.key, FETCHED.c.digest).where(
            FETCHED.c.place == folder.place, FETCHED.c.validity == str(folder.validity)
        )
        with reading(self._engine) as connection:
            return {int(key.rpartition(" ")[2]): bool(digest) for key, digest in connection.execute(query)}

    def without_known(self, folder: Folder, mails: Sequence[Fetched]) -> list[Fetched]:
        """Return `mails` so that those whose bytes were taken from that place before, under whatever UID, or come twice
        among them, bring nothing but an entry."""
        digests = {one.digest for one in mails}
        query = select(FETCHED.c.digest).where(FETCHED.c.place == folder.place, FETCHED.c.digest.in_(digests))
        with reading(self._engine) as connection:
            known = set(connection.execute(query).scalars())
        result = []
        for one in mails:
            is_known = one.digest in known
            result.append(replace(one, arrivals=(), reason="renumbered") if is_known else one)
            known.add(one.digest)
        return result

    def take(self, folder: Folder, mails: Sequence[Fetched], now: datetime) -> None:
        """Make the mails and their entries durable in one commit; after this returned none is lost or doubled."""
        self._inbox.stage([item for one in mails for item in one.arrivals])
        rows = {_key(folder, one.uid): _row(folder, one.uid, one.digest, one.reason, now) for one in mails}
        with transaction(self._engine) as connection:
            # the entries come first: of two fetchers of one mail the second finds it, and brings nothing
            hold(connection, [f"fetched:{key}" for key in rows])
            present = set(connection.execute(select(FETCHED.c.key).where(FETCHED.c.key.in_(rows))).scalars())
            if new := [row for key, row in rows.items() if key not in present]:
                connection.execute(insert(FETCHED), new)
            brought = [one for one in mails if _key(folder, one.uid) not in present]
            self._inbox.insert(connection, [item for one in brought for item in one.arrivals])

    def pass_over(self, folder: Folder, uid: int, reason: str, now: datetime) -> None:
        """Note that this one is not to be fetched again."""
        with transaction(self._engine) as connection:
            insert_new(connection, FETCHED, [_row(folder, uid, "", reason, now)], "key")


def _row(folder: Folder, uid: int, digest: str, reason: str, now: datetime) -> dict[str, object]:
    return {
        "key": _key(folder, uid), "place": folder.place, "validity": str(folder.validity), "digest": digest,
        "reason": reason[:500], "at": now,
    }  # fmt: skip


def _key(folder: Folder, uid: int) -> str:
    return f"{folder.place} {folder.validity} {uid}"
