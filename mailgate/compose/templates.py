"""Templates: the sources of letters, compiled once each in a sandbox, and the search for the right one (A4)."""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import DictLoader, StrictUndefined, Template, TemplateNotFound, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailgate.compose import moments, wording

ZONE = "_zone"  # the name in a context that holds the reader's zone
_SUBJECT = re.compile(r"Subject:[ \t]*([^\n]*)\n\n?")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Found:
    """The template of one letter: its text, and where they exist its subject's words and its HTML twin."""

    language: str  # the one it is written in
    text: Template
    subject: Template | None = None
    html: Template | None = None


class Templates:
    """Every template of every desk and language. A source is compiled when it is first needed, and only once."""

    def __init__(self, bodies: Mapping[str, str], subjects: Mapping[str, str]) -> None:
        self._bodies = bodies
        self._subjects = subjects
        self._environments: dict[str, _Sandbox] = {}
        self._found: dict[tuple[str, str, str], Found] = {}

    @classmethod
    def from_sources(cls, sources: Mapping[str, str]) -> "Templates":
        """Return the templates of `sources`, whose keys are as `common/en/ack.txt`.

        A source may begin with a line `Subject: …`: the words that stand behind the tag. Only the source is looked at
        for it, never what a value brings, so no value can add a header.
        """
        bodies, subjects = {}, {}
        for name, source in sources.items():
            first = _SUBJECT.match(source)
            bodies[name] = source[first.end() :] if first else source
            if first:
                subjects[name] = first.group(1)
        return cls(bodies, subjects)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all sources, in order."""
        return tuple(sorted(self._bodies))

    def get(self, desk: str, language: str, desk_language: str, kind: str) -> Found:
        """Return the template of `kind` (A4): desk/language, desk/its first language, common/language, common/en.

        Raises TemplateNotFound where none of them exists, TemplateSyntaxError where the source is broken.
        """
        key = (desk, language, kind)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._search(desk, language, desk_language, kind)
        return found

    def compile(self, name: str) -> Template:
        """Return the compiled template `name`."""
        return self._environment(name.split("/")[1] if name.count("/") else "en").get_template(name)

    def source_of(self, desk: str, language: str, desk_language: str, kind: str) -> str | None:
        """Return the name of the source that `get` would take, or None."""
        names = (f"{folder}/{kind}.txt" for folder in _folders(desk, language, desk_language))
        return next((name for name in names if name in self._bodies), None)

    def lost_blocks(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return the blocks of `name` that nothing it extends has, so that they are never shown; each with the blocks there
        are. Raises TemplateSyntaxError where a source is broken."""
        parent = self._parent(name)
        if parent is None:
            return {}
        known: dict[str, None] = {}
        while parent is not None and parent in self._bodies:
            known.update(dict.fromkeys(block.name for block in self._parsed(parent).find_all(nodes.Block)))
            parent = self._parent(parent)
        own = (one.name for one in self._parsed(name).body if isinstance(one, nodes.Block))
        return {block: tuple(known) for block in own if block not in known}

    def _parent(self, name: str) -> str | None:
        extends = self._parsed(name).find(nodes.Extends)
        return extends.template.value if extends and isinstance(extends.template, nodes.Const) else None

    def _parsed(self, name: str) -> nodes.Template:
        return self._environment("en").parse(self._bodies[name], name)

    def _search(self, desk: str, language: str, desk_language: str, kind: str) -> Found:
        folders = _folders(desk, language, desk_language)
        for folder in folders:
            name = f"{folder}/{kind}.txt"
            if name in self._bodies:
                twin = f"{folder}/{kind}.html"
                return Found(
                    language=folder.partition("/")[2],
                    text=self.compile(name),
                    subject=self._subject(folder, kind),
                    html=self.compile(twin) if twin in self._bodies else None,
                )
        raise TemplateNotFound(f"{kind}.txt in {', '.join(folders)}")

    def _subject(self, folder: str, kind: str) -> Template | None:
        """Return the subject's words: the template's own, else those of the common one in its language."""
        language = folder.partition("/")[2]
        for name in (f"{folder}/{kind}.txt", f"common/{language}/{kind}.txt"):
            if name in self._subjects:
                return self._environment(language).from_string(self._subjects[name])
        return None

    def _environment(self, language: str) -> "_Sandbox":
        environment = self._environments.get(language)
        if environment is None:
            environment = self._environments[language] = _Sandbox(self._bodies, language)
        return environment


def sandbox(language: str) -> "_Sandbox":
    """Return a sandbox of that language without templates of its own."""
    return _Sandbox({}, language)


class _Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox of one language: templates change nothing, reach nothing, and an unknown name is an error."""

    def __init__(self, bodies: Mapping[str, str], language: str) -> None:
        super().__init__(
            loader=DictLoader(bodies),
            undefined=StrictUndefined,
            autoescape=_is_html,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self.filters.update(_filters(language))

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Jinja's own ChainMap is copied at every rendering, and slowly.
        return {**self.globals, **(d or {})}

    def getattr(self, obj: Any, attribute: str) -> Any:
        # `card.items` means the key where there is one, and most lookups end here, fast.
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _folders(desk: str, language: str, desk_language: str) -> tuple[str, ...]:
    """Return where the template of a letter is looked for, in order (A4)."""
    return (f"{desk}/{language}", f"{desk}/{desk_language}", f"common/{language}", "common/en")


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html")


def _filters(language: str) -> dict[str, Any]:
    """Return the filters of a language; those of time take the zone from the letter."""

    def of_time(write: Any) -> Any:
        @pass_context
        def written(context: Context, at: datetime, zone: ZoneInfo | None = None) -> str:
            return str(write(at, language, zone or context[ZONE]))

        return written

    def plural(number: int, one: str, few: str, many: str | None = None) -> str:
        return wording.plural(number, language, one, few, few if many is None else many)

    @pass_context
    def hours(context: Context, spans: Iterable[Mapping[str, Any]]) -> str:
        spans = tuple(spans)
        told = wording.hours(spans, language)
        return f"{told} ({moments.city_time(language, context[ZONE])})" if spans else told

    return {
        "moment": of_time(moments.moment),
        "by_moment": of_time(moments.by_moment),
        "on_moment": of_time(moments.on_moment),
        "day": of_time(moments.day),
        "on_day": of_time(moments.on_day),
        "stamp": of_time(moments.stamp),
        "zone_name": of_time(lambda at, language, zone: moments.zone_name(at.astimezone(zone), language, zone)),
        "plural": plural,
        "size": lambda count: wording.size(count, language),
        "hours": hours,
        "label": lambda field: wording.label(field, language),
        "told": lambda value, field: wording.told(value, field, language),
        "ours": wording.ours,
        "theirs": wording.theirs,
        "named": wording.named,
        "one_line": wording.one_line,
        "shortened": wording.shortened,
    }
