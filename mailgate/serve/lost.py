"""The alarm that no database can carry: the database's own files are gone (P1)."""

from datetime import datetime

from mailgate import app
from mailgate.compose.letters import compose
from mailgate.compose.message import to_bytes
from mailgate.decide.alarms import alarm
from mailgate.log import Log, short
from mailgate.model.decision import Send
from mailgate.outbox.relay import Parcel, Relay, Sent
from mailgate.outbox.sign import signer

LOG = Log("files")
HELP = (
    "mailgate takes no mail until this is mended. Stop it, put the file back or restore the last backup (mailgate restore),"
    " then start it. As long as the process runs, what is lost is still open: cp /proc/PID/fd/N saves it."
)


class LostFiles:
    """Looks at the files of the databases; what it finds is said in the log and written to the managers, once."""

    def __init__(self, built: app.Built, relay: Relay) -> None:
        self._built = built
        self._relay = relay
        self._told: str | None = None

    async def look(self) -> None:
        """Look once. Letters go straight to the relay: there is no outbox that would keep them."""
        trouble = self._built.files.trouble()
        if trouble == self._told:
            return
        self._told = trouble
        if trouble is None:
            LOG.event("files.back")
            return
        LOG.warning("files.lost", because=trouble)
        for parcel in self._letters(trouble, self._built.house.clock()):
            try:
                landed = await self._relay.send(parcel)
            except Exception as error:  # the log has said it
                LOG.failed("files.not_told", error)
                continue
            if not isinstance(landed, Sent):
                LOG.warning("files.not_told", to=short(parcel.to), because=landed.text)

    def _letters(self, trouble: str, now: datetime) -> list[Parcel]:
        built = self._built
        sign = signer(built.settings.relay)
        parcels = []
        for desk in built.settings.desks.values():
            for effect in alarm(desk, "lost_database", trouble, HELP).effects:
                if not isinstance(effect, Send):
                    continue
                id_ = built.ids()
                letter = compose(
                    effect.letter, desk, built.house.templates, id_=id_, secret=built.settings.secret, number=None
                )
                raw = sign(to_bytes(letter, (), now))
                sender, to = letter.envelope_from, letter.to
                parcels.append(Parcel(id=id_, message_id=letter.message_id, envelope_from=sender, to=to, raw=raw))
        return parcels
