"""One worker's way of mails, in this process, of whichever mailgate can be imported: `python -m load.drained`; prints JSON.

Takes nothing but what version 0.1.0 has too. Under callgrind every stage is a dump of its own (`--dump-before=srand48`).
"""

import argparse
import asyncio
import contextlib
import ctypes
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from load.day import follow_ups
from load.mails import DESK_ADDRESS, make_mails

WARM, OPENED = 30, 60


class Taken:
    """A relay that takes everything at once, and keeps nothing but how much it was."""

    def __init__(self) -> None:
        self.count = 0

    async def send(self, parcel: Any) -> Any:
        from mailgate.outbox.relay import Sent

        self.count += 1
        return Sent(text="250 OK")

    async def close(self) -> None:
        pass


class Stages:
    """What each stage took."""

    def __init__(self, counts: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._mark = ctypes.CDLL(None).srand48  # callgrind sees this call; nothing else of us makes it
        if counts:  # from here on; what comes before would take it minutes
            subprocess.run(["callgrind_control", "--instr=on", str(os.getpid())], check=True, capture_output=True)

    def run(self, name: str, act: Callable[[], object]) -> None:
        self._mark(0)
        begun = time.process_time()
        act()
        self.seconds[name] = time.process_time() - begun
        self._mark(0)


ROOMS = (
    ("read", "pipeline", "House.read"), ("understand", "pipeline", "House.clues"),
    ("gather", "store.gather", "Gatherer.gather"), ("decide", "pipeline", "decide_mail"),
    ("apply", "pipeline", "apply"), ("compose", "apply", "compose"), ("outbox", "store.outbox", "add"),
    ("record", "pipeline", "House._record"), ("claim", "store.inbox", "Inbox.claim"),
    ("done", "store.inbox", "Inbox.done"), ("log", "log", "Log.event"), ("group", "pipeline", "Worker._in_one"),
)  # fmt: skip


class Rooms:
    """What each room of the worker takes, those that it calls left out."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]
        for name, module, path in ROOMS:
            owner: Any = importlib.import_module(f"mailgate.{module}")
            *names, last = path.split(".")
            for one in names:
                owner = getattr(owner, one)
            setattr(owner, last, self._timed(name, getattr(owner, last)))

    def _timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            self._inner.append(0.0)
            begun = time.thread_time()
            try:
                return work(*args, **named)
            finally:
                took = time.thread_time() - begun
                self.seconds[name] = self.seconds.get(name, 0.0) + took - self._inner.pop()
                self._inner[-1] += took

        return timed


class Desk:
    """A house with one worker and one sender, worked by hand."""

    def __init__(self, config: str) -> None:
        from mailgate import app
        from mailgate.outbox.sender import Sender
        from mailgate.pipeline import Worker
        from mailgate.serve.letters import Consequences, LetterBytes

        self.built = app.build(config, {})
        asking: dict[str, Any] = {}
        with contextlib.suppress(ImportError):  # nobody was asked in 0.1.0
            from mailgate.verdicts.asking import Asker

            asking = {"ask": Asker(self.built.settings).begin}
        self._worker = Worker(self.built.house, self.built.inbox, **asking)
        self.relay = Taken()
        follows = Consequences(self.built.house)
        self._later = timedelta()
        self._sender = Sender(
            self.built.engine, self.relay, LetterBytes(self.built.house), on_failure=follows.failed,
            on_sent=follows.sent, clock=lambda: datetime.now(UTC) + self._later,
        )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        app.settle_memory()

    def accept(self, mails: Sequence[tuple[str, bytes]]) -> None:
        from mailgate.intake.door import Envelope, Recipients, arrivals_of

        recipients = Recipients.of(self.built.settings)
        for sender, raw in mails:
            envelope = Envelope(
                channel="smtp", recipients=(DESK_ADDRESS,), sender=sender, peer="127.0.0.1", helo="client.example",
                is_trusted=True,
            )  # fmt: skip
            self.built.inbox.accept(arrivals_of(raw, envelope, recipients, self.built.ids, datetime.now(UTC)))

    def work(self) -> None:
        while self._worker.work():
            pass

    def send(self) -> None:
        while self._loop.run_until_complete(self._sender.send_due()):
            pass

    def send_later(self) -> None:
        self._later = timedelta(days=20)
        self.send()

    def move(self) -> None:
        while self.built.inbox.move_to_blobs(500):
            pass


def main(argv: Sequence[str]) -> int:
    """Run `count` mails through; say what each stage took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--mix", choices=("new", "day"), default="new")
    parser.add_argument("--rooms", action="store_true", help="also say what each room of the worker takes")
    parser.add_argument("--counts", action="store_true", help="callgrind runs this: let it count from here on")
    parser.add_argument("--profile", type=Path, help="write the worker's cProfile here")
    args = parser.parse_args(argv)
    rooms = Rooms() if args.rooms else None
    desk = Desk(args.config)
    database = Path(args.config).parent / "mailgate.db"
    opened = OPENED if args.mix == "day" else 0
    mails = make_mails(WARM + opened + args.mails)
    desk.accept(mails[: WARM + opened])
    desk.work()
    desk.send()
    mails = mails[WARM + opened :]
    if args.mix == "day":
        mails = follow_ups(database, mails)
    warm = mails[: WARM // 3]  # what is compiled at its first use is compiled by now
    desk.accept(warm)
    desk.work()
    desk.send()
    mails = mails[WARM // 3 :]
    sent = desk.relay.count
    desk.accept(mails)
    stages = Stages(args.counts)
    if rooms:
        rooms.seconds.clear()
    work = desk.work
    if args.profile:
        import cProfile

        profile = cProfile.Profile()
        work = lambda: profile.runcall(desk.work)  # noqa: E731
    stages.run("worker", work)
    by_room = dict(rooms.seconds) if rooms else {}
    stages.run("sender", desk.send)
    at_once = desk.relay.count - sent
    stages.run("later", desk.send_later)
    stages.run("moved", desk.move)
    if args.profile:
        profile.dump_stats(args.profile)
    print(
        json.dumps(
            {
                "mails": len(mails),
                "seconds": stages.seconds,
                "at_once": at_once,
                "letters": desk.relay.count - sent,
                "rooms": by_room,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
