"""Values that are made quickly are the dataclasses that they were: the same fields, defaults, order, and frozen."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import InitVar, dataclass, field, make_dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.model.quick import quick, replace
from mailgate.model.ticket import Case, Deadline, Ticket


@dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    name: str
    count: int = 3
    tags: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Quick:
    name: str
    count: int = 3
    tags: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


_GIVEN = st.fixed_dictionaries(
    {"name": st.text()},
    optional={"count": st.integers(), "tags": st.tuples(st.text()), "notes": st.dictionaries(st.text(), st.text())},
)


@given(_GIVEN, _GIVEN)
def test_it_holds_what_the_plain_dataclass_holds(first: dict[str, Any], second: dict[str, Any]) -> None:
    plain, made = Plain(**first), Quick(**first)
    assert dataclasses.asdict(made) == dataclasses.asdict(plain)
    assert repr(made).removeprefix("Quick") == repr(plain).removeprefix("Plain")
    changed = replace(made, **second)
    assert dataclasses.asdict(changed) == dataclasses.asdict(dataclasses.replace(plain, **second))
    assert type(changed) is Quick
    assert dataclasses.asdict(made) == dataclasses.asdict(plain)
    assert (made == changed) is (plain == dataclasses.replace(plain, **second))


def test_each_value_has_a_default_of_its_own() -> None:
    assert Quick(name="a").notes is not Quick(name="b").notes


def test_it_is_frozen_when_it_is_made_and_when_it_is_changed() -> None:
    for value in (Quick(name="a"), replace(Quick(name="a"), count=4)):
        with pytest.raises(AttributeError):
            value.name = "b"  # type: ignore[misc]
        with pytest.raises(AttributeError):
            del value.name


def test_it_can_be_hashed_copied_and_pickled_as_before() -> None:
    case = Quick(name="a", tags=("x",))
    assert copy.copy(case) == copy.deepcopy(case) == pickle.loads(pickle.dumps(case)) == case
    assert hash(replace(Deadline(**_DEADLINE), state="met")) == hash(Deadline(**{**_DEADLINE, "state": "met"}))


_DEADLINE: dict[str, Any] = {"id": "1", "kind": "ack", "state": "pending", "opened_at": None, "due_at": None}


@pytest.mark.parametrize(
    "wrong",
    [{}, {"name": "a", "colour": "red"}],
    ids=["a field without a default is missing", "there is no such field"],
)
def test_wrong_fields_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Quick(**wrong)


def test_a_change_of_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        replace(Quick(name="a"), colour="red")  # type: ignore[call-arg]


def test_its_parameters_are_those_of_the_dataclass() -> None:
    assert list(inspect.signature(Quick).parameters) == list(inspect.signature(Plain).parameters)
    assert (Quick.__module__, Quick.__qualname__, Quick.__doc__) == (__name__, "Quick", Quick.__doc__)


def test_dataclasses_themselves_take_it_for_one_of_theirs() -> None:
    made = Quick(name="a", tags=("x",))
    assert dataclasses.is_dataclass(made)
    assert [one.name for one in dataclasses.fields(made)] == ["name", "count", "tags", "notes"]
    assert dataclasses.replace(made, count=5) == replace(made, count=5)


def test_what_a_ticket_is_made_of_is_quick() -> None:
    for made in (Ticket, Deadline, Case):
        assert issubclass(made, msgspec.Struct)


_FIT: dict[str, Any] = {"frozen": True, "kw_only": True, "slots": True}
_UNFIT = [
    make_dataclass("NotFrozen", [("name", str)], **{**_FIT, "frozen": False}),
    make_dataclass("ByPlace", [("name", str)], **{**_FIT, "kw_only": False}),
    make_dataclass("WithoutSlots", [("name", str)], **{**_FIT, "slots": False}),
    make_dataclass("WithAFieldThatDoesNotCount", [("name", str, field(compare=False))], **_FIT),
    make_dataclass("WithMoreParameters", [("name", str), ("more", InitVar[int])], **_FIT),
    make_dataclass("AfterCare", [("name", str)], namespace={"__post_init__": lambda self: None}, **_FIT),
    make_dataclass("Derived", [("more", str)], bases=(Plain,), **_FIT),
]


def test_a_class_that_is_fit_is_served() -> None:
    assert quick(make_dataclass("Fit", [("name", str)], **_FIT))(name="a").name == "a"


@pytest.mark.parametrize("other", _UNFIT, ids=lambda other: other.__name__)
def test_a_class_that_it_cannot_serve_is_refused(other: type) -> None:
    with pytest.raises(TypeError, match=other.__name__):
        quick(other)
