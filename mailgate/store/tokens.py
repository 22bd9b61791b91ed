"""Tokens of control panels: stored as digests, found by them."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from mailgate.store.tables import PANEL_TOKEN


def token_digest(token: str) -> str:
    """Return what is stored of a token. It has 256 bits of chance: a plain SHA-256 keeps it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def add_token(
    connection: Connection, *, id_: str, desk: str, token: str, name: str, at: datetime,
    expires_at: datetime | None = None,
) -> None:  # fmt: skip
    """Let `token` open `desk`, until `expires_at` or for ever."""
    row = {
        "id": id_, "desk": desk, "digest": token_digest(token), "name": name, "created_at": at, "revoked_at": None,
        "expires_at": expires_at,
    }  # fmt: skip
    connection.execute(insert(PANEL_TOKEN), [row])


def find_desk_of_token(connection: Connection, token: str, now: datetime) -> str | None:
    """Return the desk that `token` opens now, or None."""
    query = select(PANEL_TOKEN.c.desk).where(
        PANEL_TOKEN.c.digest == token_digest(token), PANEL_TOKEN.c.revoked_at.is_(None),
        or_(PANEL_TOKEN.c.expires_at.is_(None), PANEL_TOKEN.c.expires_at > now),
    )  # fmt: skip
    return connection.execute(query).scalar()


def list_tokens(connection: Connection, desk: str | None = None, *, is_open: bool = True) -> list[dict[str, Any]]:
    """Return tokens without their digests, oldest first."""
    shown = [PANEL_TOKEN.c[name] for name in ("id", "desk", "name", "created_at", "expires_at", "revoked_at")]
    query = select(*shown).order_by(PANEL_TOKEN.c.id)
    if desk:
        query = query.where(PANEL_TOKEN.c.desk == desk)
    if is_open:
        query = query.where(PANEL_TOKEN.c.revoked_at.is_(None))
    return [dict(row) for row in connection.execute(query).mappings()]


def revoke_token(connection: Connection, which: str, desk: str | None, at: datetime) -> bool:
    """Let a token open nothing any more. False: there is none of that id, or it is revoked."""
    chosen = update(PANEL_TOKEN).where(PANEL_TOKEN.c.id == which, PANEL_TOKEN.c.revoked_at.is_(None))
    if desk:
        chosen = chosen.where(PANEL_TOKEN.c.desk == desk)
    return connection.execute(chosen.values(revoked_at=at)).rowcount > 0
