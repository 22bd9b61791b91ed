"""Known outages (N1 to N3): which tickets an incident touches, and when many tickets suspect one."""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from mailgate.decide import letters
from mailgate.decide.scene import Scene, Trace
from mailgate.model.decision import Decision, Effect, LeaveOut, Note, Reason, Save, Send, Suspect
from mailgate.model.facts import Incident
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.model.ticket import Case, Link

Change = Literal["open", "update", "resolved"]


def watch(scene: Scene, case: Case, trace: Trace) -> tuple[list[Effect], Case]:
    """Link a new ticket to the open incidents that it matches (N1); tell the managers of a possible one (N3)."""
    matching = matching_incidents(scene, case)
    if matching:
        trace.add("N2", "known incident", ", ".join(str(one.number) for one in matching))
        links = tuple(Link(kind="incident", ticket=one.number) for one in matching)
        case = replace(case, ticket=replace(case.ticket, links=(*case.ticket.links, *links)))
        return [], case
    return _suspect(scene, case, trace), case


def texts_for(scene: Scene, case: Case) -> tuple[str, ...]:
    """Return what the acks of matching tickets carry (N2), in the ticket's language."""
    return tuple(text_in(one, case.ticket.language) for one in matching_incidents(scene, case))


def decide_change(
    incident: Incident,
    change: Change,
    cases: Sequence[Case],
    desk: Desk,
    *,
    blocked: Collection[str],
    silent: Collection[int],
) -> Decision:
    """Return what follows from a change of an incident: links of the tickets it touches, and one notice to each of
    their requestors (N1). `blocked` are addresses, `silent` tickets that nothing automatic is said to (A3)."""
    effects: list[Effect] = []
    told: set[str] = set()
    for case in sorted(cases, key=lambda one: one.ticket.number):
        linked = _linked(case, incident.number)
        if linked != case:
            effects.append(Save(before=case, after=linked, actor="mailgate", because=f"incident {incident.number}"))
        effects += _notice(incident, change, linked, desk, told, blocked, silent)
    reason = Reason(rule="N1", verdict=f"incident {incident.number}: {change}", because=f"{len(cases)} tickets")
    return Decision(outcome=None, reasons=(reason,), effects=tuple(effects), desk=desk.name)


def text_in(incident: Incident, language: str) -> str:
    return incident.texts.get(language) or incident.texts.get("en") or next(iter(incident.texts.values()), "")


def matching_incidents(scene: Scene, case: Case) -> list[Incident]:
    words = f"{scene.mail.subject} {scene.mail.visible_text}"
    hosts = {*scene.findings.hosts, *(value.lower() for value in case.ticket.fields.values())}
    return [one for one in scene.facts.incidents if matches(one, hosts, words)]


def matches(incident: Incident, hosts: Iterable[str], words: str) -> bool:
    """Do the facts or words of a ticket name what the incident touches (N1)?"""
    named, said = {host.lower() for host in hosts}, words[:20_000].lower()
    touched = [value.lower() for value in (*incident.hosts, *incident.domains)]
    if any(value in named or any(host.endswith("." + value) for host in named) for value in touched):
        return True
    return any(_says(said, value.lower()) for value in (*incident.services, *incident.hosts, *incident.domains))


def _linked(case: Case, number: int) -> Case:
    link = Link(kind="incident", ticket=number)
    if link in case.ticket.links:
        return case
    return replace(case, ticket=replace(case.ticket, links=(*case.ticket.links, link)))


def _notice(
    incident: Incident, change: Change, case: Case, desk: Desk, told: set[str], blocked: Collection[str],
    silent: Collection[int],
) -> list[Effect]:  # fmt: skip
    """Return the notice to the requestor, unless they have it by another ticket of theirs; `told` grows."""
    number = case.ticket.number
    noted = Note(ticket=number, kind="incident", detail=f"incident {incident.number}: {change}")
    context = {"text": text_in(incident, case.ticket.language), "state": change}
    letter = letters.to_customer("incident", case, desk, context)
    if number in silent or not letter.to or letter.to in told:
        return [noted]
    told.add(letter.to)
    if letter.to in blocked:
        return [noted, LeaveOut(letter=letter, reason="the sender is blocked (C5)")]
    return [noted, Send(letter=letter)]


def _says(said: str, name: str) -> bool:
    """Is `name` said as a word of its own?"""
    place = said.find(name)
    while name and place >= 0:
        before, behind = said[place - 1 : place] if place else "", said[place + len(name) : place + len(name) + 2]
        goes_on = behind[:1].isalnum() or behind[:1] == "-" or (behind[:1] == "." and behind[1:].isalnum())
        if not (before.isalnum() or (before and before in "-.")) and not goes_on:
            return True
        place = said.find(name, place + 1)
    return False


def _suspect(scene: Scene, case: Case, trace: Trace) -> list[Effect]:
    """N3: so many tickets within the window that name the same host bring the managers a possible incident, once."""
    rules = scene.desk.rules
    for host in scene.findings.sighted:
        tickets = tuple(dict.fromkeys(scene.facts.sightings.get(host, ())))
        if len(tickets) + 1 < rules.incident_count or host in scene.facts.suspected:
            continue
        trace.add("N3", "possible incident", f"{host}: {len(tickets) + 1} tickets")
        context = {"host": host, "tickets": tickets, "minutes": rules.incident_seconds // 60}
        told = letters.to_managers("incident_suspected", scene.desk, case, context, ticket=None, subject=host)
        return [Suspect(hosts=(host,)), *(Send(letter=letter) for letter in told)]
    return []
