"""A certificate for localhost, made for a test."""

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificate(folder: Path) -> tuple[str, str]:
    """Return the files of a certificate and its key; skips where there is no openssl."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is missing")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = [
        program,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return str(certificate), str(key)
