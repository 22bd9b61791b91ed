"""What a signed S/MIME message holds (RFC 8551): an opaque signature wraps the mail that was written (M2)."""

import re

KINDS = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"  # the object id, as it stands in the file
_MAX = 60 * 1024 * 1024
_FIELD = re.compile(rb"\s{0,20}[A-Za-z][A-Za-z0-9-]{1,60}[ \t]{0,20}:")


def content_of(raw: bytes) -> bytes:
    """Return the MIME entity within CMS SignedData (RFC 5652), b"" where there is none: encrypted, a bare certificate,
    or not readable. The signature is not checked: it says nothing that we rely on (S2)."""
    if _SIGNED_DATA not in raw[:64] or len(raw) > _MAX:
        return b""
    from asn1crypto import cms  # few mails are so, and it is slow to import

    try:
        content = cms.ContentInfo.load(raw)["content"]["encap_content_info"]["content"].native
    except Exception:  # a reader of foreign bytes says no in many ways; the file stays an attachment
        return b""
    return content if isinstance(content, bytes) and _FIELD.match(content) else b""
