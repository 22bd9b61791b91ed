"""Rewriting what stands in rows: addresses and names of people, wherever in a text or a JSON value they are."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
SHORTEST_NAME = 4  # a shorter one would take letters out of other words
CHUNK = 500  # values in one statement


def replacer(stand_ins: Mapping[str, str], names: Iterable[str]) -> Callable[[str], str]:
    """Return what puts its stand-in for each address (any case) and a dash for each of the names."""
    kept = sorted(
        {name for name in names if len(name) >= SHORTEST_NAME and name not in stand_ins}, key=len, reverse=True
    )
    longest_first = sorted((one for one in stand_ins if one), key=len, reverse=True)
    by_address = _any_of(longest_first, r"(?<![\w.+-])", r"(?![\w-])")
    by_name = _any_of(kept, r"(?<!\w)", r"(?!\w)")
    lower = {address.lower(): stand_in for address, stand_in in stand_ins.items()}

    def replace(text: str) -> str:
        if by_address:
            text = by_address.sub(lambda found: lower[found[0].lower()], text)
        return by_name.sub("—", text) if by_name else text

    return replace


def walked(value: Any, replace: Callable[[str], str]) -> Any:
    """Return a JSON value with every text in it replaced."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, list):
        return [walked(one, replace) for one in value]
    if isinstance(value, dict):
        return {key: walked(one, replace) for key, one in value.items()}
    return value


def changed(row: Any, names: Sequence[str], replace: Callable[[str], str]) -> dict[str, Any]:
    """Return those columns of `names` that replacing changes, with their new values."""
    found = {name: walked(row[name], replace) for name in names}
    return {name: value for name, value in found.items() if value != row[name]}


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield `values` in pieces that fit into a statement."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _any_of(words: Sequence[str], before: str, after: str) -> re.Pattern[str] | None:
    if not words:
        return None
    return re.compile("|".join(f"{before}{re.escape(word)}{after}" for word in words), re.IGNORECASE)
