"""Alarms to the managers: each is told once, until what it tells of is over; several daemons tell it once."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from mailgate.apply import apply
from mailgate.decide.alarms import alarm
from mailgate.errors import MailgateError
from mailgate.log import Log
from mailgate.pipeline import House
from mailgate.store.engine import reading, transaction
from mailgate.store.tables import META

LOG = Log("alarm")
_PREFIX = "alarm:"


class Alarms:
    """The alarms of a house. Safe from threads."""

    def __init__(self, house: House, on_told: Callable[[], None] = lambda: None) -> None:
        """`on_told`: there is a letter to be sent."""
        self._house = house
        self._on_told = on_told

    def begin(self, key: str, what: str, detail: str, help_: str = "", desks: Iterable[str] = ()) -> bool:
        """Tell of a trouble, if it has not been told; `desks` are concerned, or all. Returns whether it was told."""
        try:
            with transaction(self._house.engine) as connection:
                if _is_told(connection, key):
                    return False
                connection.execute(insert(META), [{"name": _PREFIX + key, "value": self._house.clock().isoformat()}])
                self._tell(connection, what, detail, help_, desks)
        except IntegrityError:  # another daemon has just told it
            return False
        except MailgateError as error:
            LOG.failed("alarm.not_told", error, what=what)
            return False
        LOG.warning("alarm.told", what=what, key=key, because=detail)
        self._on_told()
        return True

    def end(self, key: str, what: str = "", detail: str = "", desks: Iterable[str] = ()) -> bool:
        """The trouble is over; with `what`, that is told as well. Returns whether there was one."""
        try:
            with reading(self._house.engine) as connection:
                if not _is_told(connection, key):
                    return False
            with transaction(self._house.engine) as connection:
                if not connection.execute(delete(META).where(META.c.name == _PREFIX + key)).rowcount:
                    return False
                if what:
                    self._tell(connection, what, detail, "", desks)
        except MailgateError as error:
            LOG.failed("alarm.not_ended", error, key=key)
            return False
        LOG.event("alarm.ended", key=key)
        if what:
            self._on_told()
        return True

    def begun(self) -> list[str]:
        """Return the keys of the troubles that have been told and are not over."""
        query = select(META.c.name).where(META.c.name.startswith(_PREFIX, autoescape=True)).order_by(META.c.name)
        with reading(self._house.engine) as connection:
            return [name.removeprefix(_PREFIX) for name in connection.execute(query).scalars()]

    def _tell(self, connection: Connection, what: str, detail: str, help_: str, desks: Iterable[str]) -> None:
        names = tuple(desks) or tuple(self._house.settings.desks)
        for name in names:
            decision = alarm(self._house.settings.desks[name], what, detail[:1000], help_)
            apply(connection, decision, self._house.tools, self._house.clock())


def _is_told(connection: Connection, key: str) -> bool:
    return connection.execute(select(META.c.name).where(META.c.name == _PREFIX + key)).first() is not None
