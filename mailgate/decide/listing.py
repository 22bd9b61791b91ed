"""Lists of tickets by mail (C9): #find WORDS, #mine, #queue, each a mail of its own, answered with what there is."""

from typing import Any

from mailgate.decide.scene import Scene, Trace
from mailgate.model.decision import Decision, Identity, Send
from mailgate.model.letter import Letter
from mailgate.model.people import Staff
from mailgate.model.search import BadSearch, read_search


def decide_listing(scene: Scene, identity: Identity, person: Staff, trace: Trace) -> Decision:
    """Return the answer to a person of the desk who asks for a list; nothing else comes of the mail."""
    assert scene.clues.listing is not None
    kind, words = scene.clues.listing
    line = f"#{kind} {words}".strip()
    if wrong := _what_is_wrong(kind, words):
        trace.add("C4", "nothing is done", wrong)
        error = {"line": line, "code": "needs_argument" if not words else "bad_search", "detail": wrong, "allowed": ()}
        context: dict[str, Any] = {"card": None, "errors": [error], "original": scene.mail.visible_text}
        letter = _letter(scene, person, "command_error", line, context)
        flags: tuple[str, ...] = ("command_error",)
    else:
        trace.add("C9", f"a list: {line}", f"{len(scene.facts.listed)} tickets")
        letter = _letter(
            scene, person, "command_done", line, {"card": None, "listed": scene.facts.listed, "asked": line}
        )
        flags = ()
    return Decision(outcome="command", reasons=(), effects=(Send(letter=letter),), identity=identity, flags=flags,
                    visible_text=scene.mail.visible_text)  # fmt: skip


def _what_is_wrong(kind: str, words: str) -> str:
    if kind != "find":
        return ""
    if not words:
        return "#find WORDS"
    try:
        read_search(words)
    except BadSearch as error:
        return str(error)
    return ""


def _letter(scene: Scene, person: Staff, kind: str, subject: str, context: dict[str, Any]) -> Letter:
    return Letter(
        kind=kind, desk=scene.desk.name, audience="staff", to=person.address, to_name=person.name,
        language=person.language or scene.desk.languages[0], timezone=person.timezone or "", ticket=None, subject=subject,
        context=context, in_reply_to=scene.mail.message_id,
    )  # fmt: skip
