"""Ready answers (C9): `#answer NAME` puts the desk's text of that name there, in the ticket's language."""

from typing import Any

from mailgate.decide.orders import Work
from mailgate.model.answers import BadAnswer
from mailgate.model.quick import replace
from mailgate.understand.commands import Command, Said, read_answer


def put_answers(work: Work, said: Said) -> Said:
    """Return what the writer says with the desk's texts in it: those named among the commands come first, those named on
    a line of the text stand in its place. What cannot be put there is an error (C4)."""
    first = [_text(work, said, one) for one in said.commands if one.name == "answer"]
    lines = [_text(work, said, one) if (one := read_answer(line)) else line for line in said.text.split("\n")]
    text = "\n\n".join(part for part in (*first, "\n".join(lines).strip()) if part)
    return replace(said, commands=tuple(one for one in said.commands if one.name != "answer"), text=text)


def _text(work: Work, said: Said, command: Command) -> str:
    scene = work.scene
    if not command.argument:
        work.fail(command, "needs_argument", allowed=scene.answers.names if scene.answers else ())
        return ""
    if scene.answers is None:
        work.fail(command, "no_such_answer", command.argument)
        return ""
    try:
        return scene.answers.text(command.argument, _language(work, said), _values(work)).strip("\n")
    except BadAnswer as error:
        work.fail(command, error.code, error.detail, error.allowed)
        return ""


def _language(work: Work, said: Said) -> str:
    """A #lang beside it counts already."""
    wanted = next((one.argument.lower() for one in said.commands if one.name == "lang"), "")
    return wanted if wanted in work.scene.desk.languages else work.case.ticket.language


def _values(work: Work) -> dict[str, Any]:
    """Return what an answer may say of the ticket. Nothing of it is for staff alone (P3)."""
    ticket, desk = work.case.ticket, work.scene.desk
    return {
        "number": ticket.number, "tag": desk.tag, "title": desk.title, "subject": ticket.subject,
        "name": ticket.requestor_name, "panel_url": desk.panel_url, "language": ticket.language, "queue": ticket.queue,
        "account": ticket.account or "", "fields": dict(ticket.fields),
    }  # fmt: skip
