"""Send one test mail through the public door now, follow it, and print how long each part of the way took."""

import argparse
import asyncio
from typing import Any

from mailgate.cli.options import opened
from mailgate.cli.printing import print_json
from mailgate.errors import Refused
from mailgate.model.settings import ProbeSettings
from mailgate.operations.alarms import Alarms
from mailgate.operations.probe import Prober, stages
from mailgate.store.probes import Probe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate probe` takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Send it; 1 where it does not come through in time. `mailgate serve` must be running."""
    with opened(args.config) as built:
        settings = built.settings.probe
        if settings is None:
            raise Refused("there is no [probe] in the configuration: it needs `to` and `through`")
        probe = asyncio.run(Prober(built.house, built.inbox, Alarms(built.house)).once())
    if args.json:
        print_json(_shown(probe))
    else:
        _print(probe, settings)
    return 0 if probe.state == "through" else 1


def _shown(probe: Probe) -> dict[str, Any]:
    keys = {name.replace(" ", "_"): at for name, at in stages(probe)}
    seconds = {
        f"{name}_seconds": round((at - probe.began_at).total_seconds(), 3) if at else None for name, at in keys.items()
    }
    return {
        "id": probe.id, "state": probe.state, "began_at": probe.began_at, **seconds, "would_be": probe.would_be,
        "reason": probe.reason,
    }  # fmt: skip


def _print(probe: Probe, settings: ProbeSettings) -> None:
    print(f"{settings.through} → {settings.to}")
    for name, at in stages(probe):
        print(f"  {name:10} " + (f"after {(at - probe.began_at).total_seconds():7.2f} s" if at else "never"))
    if probe.would_be:
        print(f"  a customer's would have been: {probe.would_be}")
    print("came through" if probe.state == "through" else f"did not come through: {probe.reason}")
