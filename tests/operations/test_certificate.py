"""The dates of a certificate, against what openssl says of it."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailgate.operations.certificate import expiry_of
from tests.certificates import make_certificate


def test_the_date_is_the_one_that_openssl_reads(tmp_path: Path):
    file, _ = make_certificate(tmp_path)
    said = subprocess.run(["openssl", "x509", "-enddate", "-noout", "-in", file], capture_output=True, text=True).stdout
    wanted = datetime.strptime(said.strip().removeprefix("notAfter="), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    assert expiry_of(Path(file)) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
     "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----"],
)  # fmt: skip
def test_what_is_no_certificate_is_a_value_error(tmp_path: Path, text: str):
    (tmp_path / "c.pem").write_text(text)
    with pytest.raises(ValueError):
        expiry_of(tmp_path / "c.pem")
