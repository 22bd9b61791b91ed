"""`make fuzz`: a hundred thousand mutated mails, in two runs beside each other."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.fuzz import mutate

SHARED = Path(os.environ.get("MAILGATE_SHARED", Path(__file__).parents[2].parent / "shared"))
COUNT = 50_000 if os.environ.get("MAILGATE_TEST_FUZZ_SECONDS") else 1_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("run", [1, 2])
def test_no_mutated_mail_raises_hangs_or_eats_the_memory(run: int) -> None:
    seed = int(time.time()) * 2 + run
    mails = [*mutate.SEEDS, *mutate.collected([SHARED / "corpus", SHARED / "cases"])]
    assert mutate.run(mails, COUNT, random.Random(seed)) == [], f"seed {seed}"
