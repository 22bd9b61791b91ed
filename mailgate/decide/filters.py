"""Junk and malice (M9): what filters say of a mail, where it counts, and what becomes of it."""

from mailgate.decide.scene import Scene, Trace
from mailgate.decide.sender import own_token
from mailgate.model.decision import Effect, Identity, Note
from mailgate.model.mail import Attachment
from mailgate.model.quick import replace
from mailgate.model.verdicts import Junk, Malware

WITHHELD = "it may hold what was found"  # of attachments of a mail in which something was found, nobody says where


def find_junk(scene: Scene) -> Junk | None:
    """Return what calls the mail junk: the filter that the house asks, or the header of the desk's own (S2's ways in). What
    a person let in is none."""
    if scene.arrival.form or scene.arrival.is_let_in:
        return None
    asked = scene.verdicts.junk
    if asked is not None and asked.is_junk:
        return asked
    return scene.mail.junk if scene.arrival.is_trusted else None


def is_exempt(scene: Scene, identity: Identity) -> bool:
    """May the sender write what looks like junk: a verified contact, staff, whoever has a valid token (M9)?"""
    return identity.level in ("verified", "staff") or own_token(scene) is not None


def find_malware(scene: Scene) -> tuple[Malware, ...]:
    """Return what was found in the mail, by the scanner that the house asks or by the desk's own server."""
    said = scene.mail.malware
    return (*scene.verdicts.malware, said) if said and scene.arrival.is_trusted else scene.verdicts.malware


def without_malware(scene: Scene) -> Scene:
    """Return the scene with every infected attachment marked: it stays with the raw mail, and goes nowhere from here."""
    found = find_malware(scene)
    if not found:
        return scene
    by_digest = {one.sha256: one.finding for one in found if one.sha256}
    has_place = all(one.sha256 in {file.sha256 for file in scene.mail.attachments} for one in found)
    files = tuple(_marked(one, by_digest, is_suspect=not has_place) for one in scene.mail.attachments)
    return replace(scene, mail=replace(scene.mail, attachments=files))


def is_nothing_else(scene: Scene) -> bool:
    """Does the mail say nothing and bring nothing beside what was found in it?"""
    return not scene.mail.visible_text.strip() and all(one.finding for one in scene.mail.attachments)


def removed(scene: Scene) -> list[dict[str, str]]:
    """Return name and finding of every attachment that is passed to nobody, for letters to staff."""
    return [{"filename": one.filename, "finding": one.finding} for one in scene.mail.attachments if one.finding]


def removal_notes(scene: Scene, ticket: int) -> list[Effect]:
    """Return the lines of the ticket's history that say what was taken out, and why (M9)."""
    found = find_malware(scene)
    if not found:
        return []
    lines = [f"{one['filename']}: {one['finding']}" for one in removed(scene)] or [one.finding for one in found]
    return [Note(ticket=ticket, kind="malware_removed", detail=line[:300]) for line in lines[:20]]


def flags_of(scene: Scene) -> tuple[str, ...]:
    """Return the flags of a mail that goes on for all that filters say of it (M9)."""
    flags = ("junk_suspected", "malware_removed")
    return tuple(flag for flag, is_set in zip(flags, (find_junk(scene), find_malware(scene)), strict=True) if is_set)


def trace_filters(scene: Scene, trace: Trace) -> None:
    """Put what filters say into the trace, what they found harmless too."""
    junk = find_junk(scene)
    if junk:
        score = "" if junk.score is None else f", score {junk.score:g}"
        trace.add("M9", "junk", f"by {junk.source}{score}: {junk.because}".rstrip(": "))
    elif scene.verdicts.junk:
        trace.add("M9", "no junk", f"by {scene.verdicts.junk.source}: {scene.verdicts.junk.because}".rstrip(": "))
    for one in find_malware(scene):
        trace.add("M9", "malware", f"{one.finding}, by {one.source}")


def _marked(file: Attachment, by_digest: dict[str, str], *, is_suspect: bool) -> Attachment:
    finding = by_digest.get(file.sha256) or (WITHHELD if is_suspect else "")
    return replace(file, finding=finding) if finding else file
