"""Ready answers in words (C9): the desk's texts, rendered in the letters' sandbox (A4)."""

from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError
from jinja2.exceptions import UndefinedError

from mailgate.compose.templates import ZONE, sandbox
from mailgate.model.answers import BadAnswer
from mailgate.model.settings import Desk

SAMPLE: Mapping[str, Any] = {
    "number": 10002, "tag": "desk", "title": "Support", "subject": "502", "name": "Olena Kovalenko",
    "panel_url": "https://panel.desk.example/", "language": "en", "queue": "support", "account": "1001",
    "fields": {"server": "203.0.113.25", "domain": "shop.example"},
}  # fmt: skip


class ReadyAnswers:
    """The ready answers of a desk; each is compiled when it is first asked for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._desk.answers))

    def text(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Return the text of that name in `language`, else in the desk's first, in English, in any. Raises BadAnswer."""
        texts = self._desk.answers.get(name.lower())
        if texts is None:
            raise BadAnswer("no_such_answer", name, self.names)
        order = (language, self._desk.languages[0], "en", *sorted(texts))
        chosen = next(one for one in order if one in texts)
        try:
            template = sandbox(chosen).from_string(texts[chosen])
            return template.render({**values, ZONE: self._desk.timezone})
        except UndefinedError as error:
            raise BadAnswer("answer_value", str(error), tuple(sorted(values))) from error
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise BadAnswer("broken_answer", f"{name}.{chosen}.txt: {error}") from error
