"""Names of attachments, fit for a file system (M4)."""

import re
from urllib.parse import unquote, urlsplit

from mailgate.parse import header
from mailgate.parse.tree import Part

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f<>:\"/\\|?*\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_MAX_BYTES = 200
_TYPES = {
    "txt": "text/plain", "log": "text/plain", "html": "text/html", "htm": "text/html", "csv": "text/csv",
    "ics": "text/calendar", "vcf": "text/vcard", "xml": "text/xml", "jpg": "image/jpeg", "jpeg": "image/jpeg",
    "png": "image/png", "gif": "image/gif", "bmp": "image/bmp", "webp": "image/webp", "heic": "image/heic",
    "tif": "image/tiff", "svg": "image/svg+xml", "pdf": "application/pdf", "zip": "application/zip",
    "gz": "application/gzip", "rar": "application/vnd.rar", "7z": "application/x-7z-compressed",
    "eml": "message/rfc822",
    "rtf": "application/rtf", "doc": "application/msword", "xls": "application/vnd.ms-excel",
    "json": "application/json",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "ppt": "application/vnd.ms-powerpoint",
    "asc": "application/pgp-signature", "p7s": "application/pkcs7-signature", "p7m": "application/pkcs7-mime",
    "dat": "application/ms-tnef", "mp3": "audio/mpeg", "wav": "audio/wav", "mp4": "video/mp4", "mov": "video/quicktime",
}  # fmt: skip
_EXTENSIONS = {kind: extension for extension, kind in reversed(_TYPES.items())} | {
    "text/plain": "txt",
    "image/jpg": "jpg",
}


def filename(part: Part, hint: str | None = None) -> str:
    """Return the name that the mail gives the part, "" where it gives none."""
    for parameters, name in ((part.disposition_parameters, "filename"), (part.parameters, "name")):
        if given := parameters.get(name):
            if cleaned := clean(header.decoded(given, hint or part.parameters.get("charset"))):
                return cleaned
    return ""


def located(part: Part) -> str:
    """Return the file that the part's Content-Location ends with (RFC 2557), "" where it names none.

    Only for what is an attachment anyway: a location is no sign of one, bodies bear it too.
    """
    location = header.one_line(header.decoded(part.entity.raw_value("content-location") or "")).strip("<> ")
    try:
        found = urlsplit(location.replace("\\", "/"))
    except ValueError:
        return ""
    name = clean(unquote(found.path, errors="replace")) if found.scheme not in ("cid", "mid", "data") else ""
    return name if content_type(name) == part.content_type else ""


def invented(content_type: str, number: int) -> str:
    """Return a name for a part that has none."""
    extension = _EXTENSIONS.get(content_type)
    stem = "image" if content_type.startswith("image/") else "part" if extension else "file"
    return f"{stem}{f'-{number}' if number > 1 else ''}{f'.{extension}' if extension else ''}"


def clean(name: str) -> str:
    """Return `name` without folders, controls and what a file system refuses; "" where nothing is left."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1] if re.search(r"[\\/]", name) else name
    name = _UNSAFE.sub("_", header.one_line(name)).strip().lstrip(".").rstrip(". ")
    if not name.strip("_ "):
        return ""
    if _DEVICE.match(name):
        name = "_" + name
    return _shortened(name)


def _shortened(name: str) -> str:
    if len(name.encode()) <= _MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = dot + extension if dot and len(extension) <= 10 else ""
    room = _MAX_BYTES - len(tail.encode())
    return (stem if tail else name).encode()[:room].decode("utf-8", "ignore") + tail


def content_type(name: str) -> str:
    """Return the content type that a file's name suggests."""
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
