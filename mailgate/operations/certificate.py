"""The dates of a certificate (RFC 5280, 4.1.2.5), read out of its file."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

_SEQUENCE, _UTC_TIME, _VERSION = 0x30, 0x17, 0xA0
_END = "-----END CERTIFICATE-----"


def expiry_of(file: Path) -> datetime:
    """Return until when the first certificate of a PEM file is good. ValueError: it is none; OSError: unreadable."""
    pem = file.read_text(encoding="ascii", errors="replace")
    start, end = pem.find("-----BEGIN CERTIFICATE-----"), pem.find(_END)
    if start < 0 or end < start:
        raise ValueError("no certificate in it")
    der = ssl.PEM_cert_to_DER_cert(pem[start : end + len(_END)])
    try:
        return _not_after(der)
    except IndexError as error:
        raise ValueError("a broken certificate") from error


def _not_after(der: bytes) -> datetime:
    body = _value(_value(der, 0), 0)
    place = 0
    if body[0] == _VERSION:
        place = _next(body, place)
    for _ in range(3):  # serial number, signature algorithm, issuer
        place = _next(body, place)
    validity = _value(body, place)
    after = _next(validity, 0)
    text = _value(validity, after).decode("ascii").rstrip("Z")
    if validity[after] == _UTC_TIME:  # two digits of a year: 50 and more are of the last century
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _value(data: bytes, place: int) -> bytes:
    start, length = _length(data, place)
    return data[start : start + length]


def _next(data: bytes, place: int) -> int:
    start, length = _length(data, place)
    return start + length


def _length(data: bytes, place: int) -> tuple[int, int]:
    first = data[place + 1]
    if first < 0x80:
        return place + 2, first
    count = first & 0x7F
    return place + 2 + count, int.from_bytes(data[place + 2 : place + 2 + count], "big")
