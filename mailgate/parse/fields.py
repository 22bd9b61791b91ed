"""The header of a mail: raw values by name, decoded on demand."""

from mailgate.model.mail import Address
from mailgate.parse import address, header
from mailgate.parse.tree import Entity

_MOST = 50  # values of one field that rules look at
_ONCE = ("from", "subject", "message-id", "date")


class Fields:
    """The header of a mail: raw values by name, decoded on demand."""

    def __init__(self, root: Entity) -> None:
        self._values: dict[str, list[str]] = {}
        self.hint: str | None = None
        for name, value in root.raw_items():
            self._values.setdefault(name.lower(), []).append(str(value))

    def names(self) -> tuple[str, ...]:
        """Return the names of all fields, in lower case."""
        return tuple(self._values)

    def raw(self, name: str) -> str | None:
        """Return the first value as it stands in the mail, or None."""
        values = self._values.get(name)
        return values[0] if values else None

    def every(self, name: str) -> list[str]:
        """Return all values of a field, topmost first."""
        return self._values.get(name, [])

    def text(self, name: str) -> str:
        """Return the first value that is not empty as one decoded line."""
        return next((text for value in self.every(name) if (text := header.decoded(value, self.hint))), "")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return every value of a field as one decoded line, topmost first."""
        return tuple(header.decoded(value, self.hint) for value in self.every(name)[:_MOST])

    def addresses(self, name: str) -> tuple[Address, ...]:
        """Return the mailboxes of a field."""
        values = self.every(name)
        return tuple(one for value in values for one in address.addresses(value, self.hint)) if values else ()

    def problems(self, root: Entity) -> list[str]:
        """Return what is wrong with the header and the structure."""
        found = [f"{type(defect).__name__}" for defect in root.defects]
        found += [f"{name} stands {len(self._values[name])} times" for name in _ONCE if len(self.every(name)) > 1]
        if "from" not in self._values:
            found.append("no From")
        return found
