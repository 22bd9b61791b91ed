"""Quick making of values: a mail's way makes some two hundred, of up to 34 fields, and a tenth of the time went there.

A frozen dataclass puts every field in its place through `object.__setattr__`, at a third of a microsecond each. A class
with the same slots that is not frozen needs a hundredth of that: so a value is filled in as its open twin, and becomes
what it is at the end. To everybody else it is the same dataclass, frozen as before.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

__all__ = ["by_name", "quick", "replace"]

T = TypeVar("T")


class _Twin(NamedTuple):
    """How a value of a class is copied: as its open twin, which `seal` makes a value again; and its fields by name."""

    copy: Callable[[Any], Any]
    seal: type
    show: Callable[[Any], dict[str, Any]]


_TWINS: dict[type, _Twin] = {}


def quick(cls: type[T]) -> type[T]:
    """Return the dataclass `cls` (frozen, kw_only, slots, every field in `__init__`), its values made quickly.

    Raises TypeError for any other class: its values would not be what they seem.
    """
    found = dataclasses.fields(cls)  # type: ignore[arg-type]
    names = [one.name for one in found]
    is_fit = cls.__bases__ == (object,) and list(cls.__dict__.get("__slots__", ())) == names
    if not is_fit or not all(one.init and one.kw_only for one in found) or hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} is no frozen dataclass of keyword-only slots")
    open_ = type(f"_Open{cls.__name__}", (), {"__slots__": tuple(names)})
    made = _compile(cls, open_, found)
    made["__init__"].__annotations__ = cls.__init__.__annotations__
    made["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__ = made["__init__"]  # type: ignore[method-assign]
    _TWINS[cls] = _Twin(copy=made["copy"], seal=cls, show=made["show"])
    return cls


def _compile(cls: type, open_: type, found: tuple[Field[Any], ...]) -> dict[str, Any]:
    """Return `__init__`, `copy` and `show`, written out field by field as `dataclasses` itself does it."""
    known: dict[str, Any] = {
        "open": object.__setattr__,
        "twin": open_,
        "cls": cls,
        "new": object.__new__,
        "none": MISSING,
    }
    parameters, fills = [], []
    for one in found:
        name, value = one.name, one.name
        if one.default_factory is not MISSING:
            known[f"make_{name}"] = one.default_factory
            parameters.append(f"{name}=none")
            value = f"make_{name}() if {name} is none else {name}"
        elif one.default is not MISSING:
            known[f"default_{name}"] = one.default
            parameters.append(f"{name}=default_{name}")
        else:
            parameters.append(name)
        fills.append(f"    self.{name} = {value}")
    copies = [f"    made.{one.name} = self.{one.name}" for one in found]
    source = [
        f"def __init__(self, *, {', '.join(parameters)}):", "    open(self, '__class__', twin)", *fills,
        "    self.__class__ = cls", "def copy(self):", "    made = new(twin)", *copies, "    return made",
        f"def show(self): return {{{', '.join(f'{one.name!r}: self.{one.name}' for one in found)}}}",
    ]  # fmt: skip
    exec("\n".join(source), known)  # noqa: S102 (the names of our own fields)
    return known


def by_name(value: Any) -> dict[str, Any]:
    """Return the fields of a value made quickly; unlike `dataclasses.asdict`, what they hold as it is."""
    return _TWINS[type(value)].show(value)


if TYPE_CHECKING:
    from dataclasses import replace  # so that the values given are checked by their fields
else:

    def replace(value: T, /, **changes: Any) -> T:
        """Return `value` with other values in some fields, as `dataclasses.replace`; AttributeError for no such field."""
        twin = _TWINS.get(type(value))
        if twin is None:
            return dataclasses.replace(value, **changes)
        made = twin.copy(value)
        for name, other in changes.items():
            setattr(made, name, other)
        made.__class__ = twin.seal
        return made
