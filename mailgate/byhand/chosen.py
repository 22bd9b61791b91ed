"""Which desk a command means: the one it names, or the only one there is."""

from mailgate.errors import Refused
from mailgate.model.settings import Desk, Settings


def choose_desk(settings: Settings, name: str | None) -> Desk:
    """Return the desk of that name; without one the only desk. Raises Refused with the names there are."""
    if name is None and len(settings.desks) == 1:
        return next(iter(settings.desks.values()))
    names = ", ".join(settings.desks)
    if name is None:
        raise Refused(f"say which desk: --desk (there are {names})")
    if name not in settings.desks:
        raise Refused(f"there is no desk {name} (there are {names})")
    return settings.desks[name]
