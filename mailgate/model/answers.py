"""Ready answers as the rules see them (C9): names, and the text of one for a ticket."""

from collections.abc import Mapping
from typing import Any, Protocol


class BadAnswer(ValueError):
    """A ready answer that cannot be given: `code` and `detail` are those of a command's error, `allowed` what there is."""

    def __init__(self, code: str, detail: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.allowed = code, detail, allowed


class Answers(Protocol):
    """The ready answers of one desk."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def text(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Return the text of that name, in the language or else as A4 looks it up. Raises BadAnswer."""
        ...
