"""Which template speaks, and what a template cannot do (A4)."""

import pytest
from jinja2 import TemplateError, TemplateNotFound, UndefinedError
from jinja2.sandbox import SecurityError

from mailgate.compose.templates import Templates
from tests.compose.desks import a_desk, a_letter, composed


def letters_of(**sources: str) -> Templates:
    return Templates.from_sources({name.replace("__", "/") + ".txt": text for name, text in sources.items()})


LADDER = ("desk/pl/ack", "desk/en/ack", "common/pl/ack", "common/en/ack")


@pytest.mark.parametrize("first", range(4))
def test_the_first_template_of_the_ladder_speaks(first):
    templates = Templates.from_sources({f"{name}.txt": name for name in LADDER[first:]})
    rendered = composed(a_letter(language="pl"), templates)
    assert rendered.text == f"{LADDER[first]}\n"
    assert rendered.language == LADDER[first].split("/")[1]


def test_another_desks_template_never_speaks():
    with pytest.raises(TemplateNotFound):
        composed(a_letter(), letters_of(other__en__ack="theirs"))


def test_a_name_that_nobody_gives_is_an_error():
    with pytest.raises(UndefinedError):
        composed(a_letter(), letters_of(common__en__ack="{{ no_such_name }}"))


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ missing.__init__.__globals__ }}",
        "{{ understood.update({'a': 1}) }}",
        "{{ understood.clear() }}",
    ],
)
def test_the_sandbox_lets_nothing_out_and_nothing_change(source):
    with pytest.raises((SecurityError, UndefinedError)):
        composed(a_letter(), letters_of(common__en__ack=source))


def test_a_subject_line_of_the_template_stands_behind_the_tag():
    templates = letters_of(common__en__breach="Subject: Late: {{ subject }}\n\nbody")
    rendered = composed(a_letter("breach", audience="manager"), templates)
    assert rendered.subject == "[desk #10001] Late: The shop shows 502"
    assert "Subject:" not in rendered.text


def test_a_subject_line_that_a_value_brings_stays_text():
    templates = letters_of(common__en__relay="{{ text }}")
    rendered = composed(a_letter("relay", context={"text": "Subject: injected\n\nbody"}), templates)
    assert rendered.subject == "[desk #10001] The shop shows 502"
    assert rendered.text.startswith("Subject: injected")


def test_an_override_inherits_the_subject_words_of_the_common_template():
    templates = letters_of(common__en__breach="Subject: Late: {{ subject }}\nbody", desk__en__breach="other")
    assert composed(a_letter("breach", audience="manager"), templates).subject.endswith("Late: The shop shows 502")


def test_the_html_twin_escapes_what_a_value_brings_and_the_text_does_not():
    templates = Templates.from_sources(
        {"common/en/relay.txt": "{{ text }}", "common/en/relay.html": "<p>{{ text }}</p>"}
    )
    rendered = composed(a_letter("relay", context={"text": "<script>a & b</script>"}), templates)
    assert rendered.text == "<script>a & b</script>\n"
    assert rendered.html == "<p>&lt;script&gt;a &amp; b&lt;/script&gt;</p>\n"


def test_a_customers_braces_are_no_template():
    rendered = composed(
        a_letter("relay", subject="{{ 7 * 7 }}", context={"text": "{% for %}{{ 7 * 7 }}"}),
        letters_of(common__en__relay="{{ text }}", common__en__ack="{{ subject }}"),
    )
    assert (rendered.subject, rendered.text) == ("[desk #10001] {{ 7 * 7 }}", "{% for %}{{ 7 * 7 }}\n")


def test_a_broken_source_is_found_when_it_is_compiled():
    with pytest.raises(TemplateError):
        letters_of(common__en__ack="{% if %}").compile("common/en/ack.txt")


def test_a_template_is_compiled_once():
    templates = letters_of(common__en__ack="{{ number }}")
    desk = a_desk()
    first = templates.get(desk.name, "en", "en", "ack")
    assert templates.get(desk.name, "en", "en", "ack") is first
