"""How a bench script tells its figures: lines for people, and with `--json` one object a mark, which `marks.py` reads."""

import json
import re
from dataclasses import asdict, dataclass

_LIMIT = re.compile(r"at (most|least) ([\d.]+)")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One figure beside what it is to reach. `limit` reads "at most 0.3" or "at least 1.5", or is empty: only told.

    `before` is what an older version did in the same run, in the same unit, or None."""

    mark: str
    value: float | None
    unit: str
    limit: str = ""
    before: float | None = None

    @property
    def is_reached(self) -> bool | None:
        """Say whether the value keeps the limit, None where there is nothing to keep."""
        found = _LIMIT.fullmatch(self.limit)
        if found is None or self.value is None:
            return None
        side, most = found.groups()
        return self.value <= float(most) if side == "most" else self.value >= float(most)


class Report:
    """Where the figures go: to people as lines, or to `marks.py` as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, line: str = "") -> None:
        """Print a line for people."""
        if not self._as_json:
            print(line, flush=True)

    def tell(self, mark: Mark) -> None:
        """Print a figure."""
        print(json.dumps(asdict(mark)) if self._as_json else line_of(mark), flush=True)


def line_of(mark: Mark) -> str:
    """Return the line that people read."""
    before = ""
    if mark.before is not None:
        ratio = f" ({mark.value / mark.before:.2f})" if mark.value is not None and mark.before else ""
        before = f"{figure(mark.before)} {mark.unit}{ratio}"
    verdict = {True: "reached", False: "NOT reached", None: ""}[mark.is_reached]
    value = "-" if mark.value is None else f"{figure(mark.value)} {mark.unit}"
    return f"{mark.mark:<58} {value:>14} {before:>22}  {mark.limit:<16} {verdict}".rstrip()


def figure(value: float) -> str:
    """Return a number with three figures that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
