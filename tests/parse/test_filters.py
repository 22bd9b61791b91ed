"""M9: what mail filters write into the header, by the table of config/junk.toml."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailgate import phrases as phrase_files
from mailgate.errors import ConfigError
from mailgate.model.mail import Mail

Reading = Callable[[bytes | str], Mail]

EXCHANGE = (
    "CIP:192.0.2.1;CTRY:DE;LANG:de;SCL:{scl};SRV:;IPV:NLI;SFV:{sfv};H:mail.example;CAT:{cat};SFS:(13230040);DIR:INB;"
)


@pytest.mark.parametrize(
    ("line", "is_junk", "score"),
    [
        ("X-Spam-Flag: YES", True, None),
        ("X-Spam-Flag: NO", False, None),
        ("X-Spam-Status: Yes, score=8.1 required=5.0 tests=BAYES_99,\n URIBL_BLACK", True, 8.1),
        ("X-Spam-Status: No, score=-1.2 required=5.0", False, None),
        ("X-Spam: Yes", True, None),
        ("X-Spam: no", False, None),
        ("X-Rspamd-Action: add header", True, None),
        ("X-Rspamd-Action: rewrite subject", True, None),
        ("X-Rspamd-Action: no action", False, None),
        ("X-Rspamd-Action: greylist", False, None),
        ("X-Rspamd-Action: soft reject", False, None),
        ("X-Forefront-Antispam-Report: " + EXCHANGE.format(scl=5, sfv="SPM", cat="SPM"), True, 5.0),
        ("X-Forefront-Antispam-Report: " + EXCHANGE.format(scl=9, sfv="NSPM", cat="HPHISH"), True, 9.0),
        ("X-Forefront-Antispam-Report: " + EXCHANGE.format(scl=1, sfv="NSPM", cat="NONE"), False, None),
        ("X-Forefront-Antispam-Report: " + EXCHANGE.format(scl=-1, sfv="SKN", cat="NONE"), False, None),
        ("X-Forefront-Antispam-Report: SFV:SKB;SCL:6", True, 6.0),
        ("X-MS-Exchange-Organization-SCL: 6", True, None),
        ("X-MS-Exchange-Organization-SCL: -1", False, None),
        ("X-MS-Exchange-Organization-SCL: 1", False, None),
        ("X-Spam-Flag:", False, None),
        ("X-Spam-Flag: NO\nX-Spam-Flag: YES", False, None),  # the topmost is our own server's
        ("X-Other: YES", False, None),
    ],
)
def test_a_verdict_of_a_filter_is_read(line: str, is_junk: bool, score: float | None, reading: Reading) -> None:
    found = reading(f"From: a@b.example\n{line}\nSubject: x\n\nx").junk
    assert (found is not None) == is_junk
    if found:
        assert (found.score, found.source, found.because.startswith("x-")) == (score, "header", True)


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("X-Virus-Status: Infected (Win.Test.EICAR_HDB-1)", True),
        ("X-Virus-Status: Clean", False),
        ("X-Amavis-Alert: INFECTED, message contains virus: Eicar-Signature", True),
        ("X-Amavis-Alert: BAD HEADER SECTION, Header field occurs more than once", False),
    ],
)
def test_a_finding_of_a_scanner_is_read(line: str, is_found: bool, reading: Reading) -> None:
    found = reading(f"From: a@b.example\n{line}\nSubject: x\n\nx").malware
    assert (found is not None) == is_found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[header]]\nname = 'X-A'", "needs name"),
        ("[[header]]\nname = 'X-A'\njunk = '('", "X-A"),
        ("[[header]]\nname = 'X-A'\njunk = 'x'\nspam = 'x'", "nothing else"),
        ("[[headers]]\nname = 'X-A'", "unknown section"),
    ],
)
def test_a_wrong_table_is_a_complaint(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "junk.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"junk\.toml") as raised:
        phrase_files.filter_signs(tmp_path / "junk.toml")
    assert any(words in complaint for complaint in raised.value.complaints)
