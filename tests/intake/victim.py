"""A door that is killed: python -m tests.intake.victim FOLDER. It says its port."""

import asyncio
import sys
from pathlib import Path

from mailgate.blobs import FolderBlobs
from mailgate.intake.gate import Gate
from mailgate.intake.smtp import SmtpDoor
from mailgate.intake.writer import GroupWriter
from mailgate.model.settings import SmtpSettings
from mailgate.store.engine import open_engine
from mailgate.store.ids import Ids
from mailgate.store.inbox import Inbox
from tests.intake.doors import RECIPIENTS


async def main(folder: Path) -> None:
    writer = GroupWriter(Inbox(open_engine(f"sqlite:///{folder}/inbox.db"), FolderBlobs(folder / "blobs")))
    door = SmtpDoor(Gate(SmtpSettings(), RECIPIENTS, writer.submit, Ids().new))
    print((await door.open("127.0.0.1:0")).rpartition(":")[2], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
