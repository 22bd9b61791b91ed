"""The composition root: builds a house of the configuration, and nothing else decides anything here."""

import gc
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, select

from mailgate import config
from mailgate.blobs import Blobs, FolderBlobs, open_blobs
from mailgate.errors import TryLater
from mailgate.model.settings import Settings
from mailgate.store import fetched, schema
from mailgate.store.engine import inbox_url, open_engine, reading
from mailgate.store.files import OpenedFiles, file_of
from mailgate.store.ids import Ids, utc_now
from mailgate.store.inbox import Inbox
from mailgate.store.tables import ARRIVAL

if TYPE_CHECKING:  # what reads and decides is half of a start: who only looks something up pays nothing for it
    from mailgate.compose.templates import Templates
    from mailgate.pipeline import House

_COLLECTED_AFTER = (10_000, 5, 10)  # allocations, and rounds of the younger generation; Python's 700 cost a tenth


class Built:
    """A house with its inbox, as the command line and the daemon use it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = open_engine(settings.database_url)
        separate = inbox_url(settings.database_url) != settings.database_url
        self.inbox_engine = open_engine(inbox_url(settings.database_url)) if separate else self.engine
        self.blobs = open_blobs(settings.blobs_url)
        self.files = OpenedFiles(())
        self.inbox = Inbox(self.inbox_engine, self.blobs, self._trouble)
        self.ids = Ids()
        self.clock = utc_now

    @cached_property
    def house(self) -> "House":
        """What reads, decides and applies."""
        from mailgate import phrases
        from mailgate.pipeline import House

        return House(
            settings=self.settings, engine=self.engine, templates=_templates(self.settings), phrases=phrases.load(),
            ids=self.ids, clock=self.clock, raw_of=self.inbox.raw_of,
        )  # fmt: skip

    def upgrade(self, told: schema.Told = lambda what, done, total: None) -> list[str]:
        """Make or upgrade the databases; return what was done. `told` hears how far a long step is."""
        inbox = None if self.inbox_engine is self.engine else self.inbox_engine
        return schema.upgrade(self.engine, inbox, told=told)

    def watch_files(self) -> None:
        """From now on the database files that stand there are the ones that must stay."""
        self.files = OpenedFiles((self.engine, self.inbox_engine))

    def _trouble(self) -> str | None:
        return self.files.trouble()

    def close(self) -> None:
        self.engine.dispose()
        self.inbox_engine.dispose()


def build(path: str | None, environ: Mapping[str, str] | None = None, *, make: bool = True) -> Built:
    """Return the house of the configuration at `path`; an embedded database is made where there is none yet."""
    settings = config.load(path, os.environ if environ is None else environ)
    built = Built(settings)
    if make and settings.database_url.startswith("sqlite"):
        _refuse_half(built)
        built.upgrade()
    schema.require(built.engine)
    built.watch_files()
    return built


def _refuse_half(built: Built) -> None:
    """Raise TryLater where a database is missing that was there: an empty one in its place would hide the loss."""
    database, inbox = file_of(built.engine), file_of(built.inbox_engine)
    if database is None or inbox is None:
        return
    way_out = "put it back (mailgate restore), or let an empty one be made with `mailgate db upgrade`"
    if not database.exists() and (_is_of_a_house(built.inbox_engine) if inbox.exists() else _is_kept(built.blobs)):
        beside = f"{inbox} is" if inbox.exists() else "raw mail in the blobs is"
        raise TryLater(f"the database {database} is missing, though {beside} there: {way_out}")
    if database.exists() and not inbox.exists() and _knows_mail(built.engine):
        raise TryLater(f"the inbox {inbox} is missing, though the database {database} knows of mail: {way_out}")


def _is_of_a_house(inbox: Engine) -> bool:
    """Say whether the inbox was made with its database; a pipe that took mail before the first start makes it alone."""
    with reading(inbox) as connection:
        return inspect(connection).has_table(fetched.TABLES[0])


def _is_kept(blobs: Blobs) -> bool:
    """Say whether there is raw mail in a folder."""
    return isinstance(blobs, FolderBlobs) and blobs.path.is_dir() and any(blobs.path.iterdir())


def _knows_mail(engine: Engine) -> bool:
    if schema.version(engine) is None:
        return False
    with reading(engine) as connection:
        return connection.execute(select(ARRIVAL.c.id).limit(1)).first() is not None


def settle_memory() -> None:
    """Let the collector of cycles forget what start-up has made for good, and look seldom: to be called once, before
    the long work begins. Nearly all that a mail makes ends without it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)


def _templates(settings: Settings) -> "Templates":
    """Return the shipped templates, with those of the configuration's folders and of `templates/` beside it on top."""
    from mailgate import templates

    beside = Path(settings.source).parent / "templates" if settings.source else None
    folders = [Path(folder) for folder in settings.template_folders]
    return templates.load([*([beside] if beside and beside.is_dir() else []), *folders])
