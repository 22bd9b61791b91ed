"""A sender that is killed: python -m tests.outbox.victim FOLDER. It says what its relay has."""

import asyncio
import sys

from mailgate.outbox.relay import Parcel, Result, Sent
from mailgate.outbox.sender import Sender
from mailgate.store.engine import open_engine


class Telling:
    async def send(self, parcel: Parcel) -> Result:
        await asyncio.sleep(0.005)
        print(parcel.message_id, flush=True)
        return Sent()

    async def close(self) -> None:
        """Nothing is open."""


async def main(folder: str) -> None:
    await Sender(open_engine(f"sqlite:///{folder}/mailgate.db"), Telling(), lambda letter: b"").run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
