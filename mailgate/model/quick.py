"""Quick making of values: a mail's way makes some two hundred, of up to 34 fields, and a tenth of the time went there.

A frozen dataclass puts every field in its place through `object.__setattr__`. A class with the same slots that is not
frozen needs a fifteenth of that time: so a value is filled in as its open twin, and becomes what it is at the end. To
everybody else it is the same dataclass, frozen as before. Most is gained where a value is changed: `replace` from here.
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


class _Factory:
    """Stands for a default that is made anew for each value."""

    def __repr__(self) -> str:
        return "<factory>"  # as `dataclasses` shows it


_FACTORY = _Factory()


def quick(cls: type[T]) -> type[T]:
    """Return the dataclass `cls` (frozen, kw_only, slots, every field in `__init__` and nothing else), its values made
    quickly. Raises TypeError for any other class: its values would not be what they seem."""
    found = dataclasses.fields(cls)  # type: ignore[arg-type]
    names = [one.name for one in found]
    code = cls.__init__.__code__
    taken = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    is_fit = (
        cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
        and cls.__bases__ == (object,)
        and list(cls.__dict__.get("__slots__", ())) == list(taken) == names
        and all(one.kw_only and not one.name.startswith("_") for one in found)
        and not hasattr(cls, "__post_init__")
    )
    if not is_fit:
        raise TypeError(f"{cls.__name__} is no frozen dataclass of keyword-only slots")
    made = _compile(cls, type(f"_Open{cls.__name__}", (), {"__slots__": tuple(names)}), found)
    made["__init__"].__annotations__ = cls.__init__.__annotations__
    made["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__ = made["__init__"]  # type: ignore[method-assign]
    _TWINS[cls] = _Twin(copy=made["_copy"], seal=cls, show=made["_show"])
    return cls


def _compile(cls: type, twin: type, found: tuple[Field[Any], ...]) -> dict[str, Any]:
    """Return `__init__`, `_copy` and `_show`, written out field by field as `dataclasses` itself does it. No field's name
    begins as the names of the rest do."""
    known: dict[str, Any] = {
        "__name__": cls.__module__, "_set": object.__setattr__, "_new": object.__new__, "_twin": twin, "_cls": cls,
        "_factory": _FACTORY,
    }  # fmt: skip
    parameters, fills = [], []
    for one in found:
        name, value = one.name, one.name
        if one.default_factory is not MISSING:
            known[f"_make_{name}"] = one.default_factory
            parameters.append(f"{name}=_factory")
            value = f"_make_{name}() if {name} is _factory else {name}"
        elif one.default is not MISSING:
            known[f"_default_{name}"] = one.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        fills.append(f"    _self.{name} = {value}")
    shown = ", ".join(f"{one.name!r}: _value.{one.name}" for one in found)
    source = [
        f"def __init__(_self, *, {', '.join(parameters)}):", "    _set(_self, '__class__', _twin)", *fills,
        "    _self.__class__ = _cls",
        "def _copy(_value):", "    _made = _new(_twin)", *(f"    _made.{one.name} = _value.{one.name}" for one in found),
        "    return _made",
        f"def _show(_value): return {{{shown}}}",
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
        """Return `value` with other values in some fields, as `dataclasses.replace`."""
        twin = _TWINS.get(type(value))
        if twin is None:
            return dataclasses.replace(value, **changes)
        made = twin.copy(value)
        try:
            for name, other in changes.items():
                setattr(made, name, other)
        except AttributeError:
            raise TypeError(f"{twin.seal.__name__} has no field {name!r}") from None
        made.__class__ = twin.seal
        return made
