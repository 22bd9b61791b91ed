"""What a control panel posts: JSON or multipart, read within limits, checked, every complaint with its field."""

import base64
import binascii
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from mailgate.web.errors import Problem

MOST_FILES, MOST_FIELDS = 50, 50
MOST_TEXT = 200_000
_SLACK = 1 << 20  # what JSON and multipart put around the content

Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", strip_whitespace=True)]
Named = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", strip_whitespace=True)
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MOST_TEXT)]
Source = Literal["panel", "phone", "chat", "social"]


class JsonFile(BaseModel):
    """A file in JSON."""

    model_config = ConfigDict(extra="forbid")

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    content_type: Annotated[str, StringConstraints(max_length=100)] = "application/octet-stream"
    content: Annotated[
        str, Field(description="base64", json_schema_extra={"format": "byte", "contentEncoding": "base64"})
    ]


class MessageForm(BaseModel):
    """A further message on a ticket."""

    model_config = ConfigDict(extra="forbid")

    account: Annotated[Named | None, Field(description="default: the ticket's")] = None
    contact: Annotated[Named | None, Field(description="an address of the account; default: as for a new ticket")] = (
        None
    )
    source: Source = "panel"
    text: Text
    files: Annotated[list[JsonFile], Field(max_length=MOST_FILES)] = []


class TicketForm(BaseModel):
    """A new ticket."""

    model_config = ConfigDict(extra="forbid")

    account: Annotated[Named, Field(description="the account's number")]
    contact: Annotated[
        Named | None,
        Field(description="an address of the account; default: its support address, with the owner's rights"),
    ] = None
    department: Annotated[Line, Field(description="technical, financial, abuse, or a queue's name")] = "technical"
    priority: Literal["normal", "high"] = "normal"
    source: Annotated[Source, Field(description="panel: the account is verified; else: verified by nothing")] = "panel"
    subject: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    text: Text
    files: Annotated[list[JsonFile], Field(max_length=MOST_FILES)] = []


Form = TypeVar("Form", TicketForm, MessageForm)


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The raw body, and the files that came with it: name, content type, bytes."""

    body: bytes = field(repr=False)
    files: Sequence[tuple[str, str, bytes]] = field(repr=False)


async def read_form(request: Request, kind: type[Form], size_limit: int) -> tuple[Form, Posted]:
    """Return the form and its files. Raises Problem 413 and 422."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await _read_body(request, size_limit * 4 // 3 + _SLACK)
    if content_type == "multipart/form-data":
        values, files = await _read_multipart(request.headers, body)
        return _checked(kind, values=values), Posted(body=body, files=_within(files, size_limit))
    if content_type not in ("application/json", ""):
        raise Problem(422, "the body must be application/json or multipart/form-data", "Content-Type")
    form = _checked(kind, json=body)
    return form, Posted(
        body=body, files=_within([_decoded(file, place) for place, file in enumerate(form.files)], size_limit)
    )


async def _read_body(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large()
    parts, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise _too_large()
            parts.append(chunk)
    except ClientDisconnect as error:
        raise Problem(422, "the body ends before its end") from error
    return b"".join(parts)


async def _read_multipart(headers: Headers, body: bytes) -> tuple[dict[str, str], list[tuple[str, str, bytes]]]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(
        headers,
        stream(),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=MOST_TEXT * 4 + 1,
    )
    try:
        data = await parser.parse()
    except (MultiPartException, KeyError, ValueError, UnicodeError) as error:
        raise Problem(422, f"the multipart body cannot be read: {error}"[:300]) from error
    values: dict[str, str] = {}
    files: list[tuple[str, str, bytes]] = []
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            files.append((value.filename or "file", value.content_type or "", await value.read()))
        elif name in values:
            raise Problem(422, "is given twice", name)
        else:
            values[name] = value
    await data.close()
    return values, files


def _checked(kind: type[Form], *, json: bytes | None = None, values: dict[str, Any] | None = None) -> Form:
    try:
        return kind.model_validate_json(json) if json is not None else kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Problem(422, first["msg"], ".".join(map(str, first["loc"])) or None) from None


def _decoded(file: JsonFile, place: int) -> tuple[str, str, bytes]:
    try:
        return file.filename, file.content_type, base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(422, "is no base64", f"files.{place}.content") from error


def _within(files: list[tuple[str, str, bytes]], size_limit: int) -> list[tuple[str, str, bytes]]:
    if sum(len(data) for _, _, data in files) > size_limit:
        raise _too_large()
    return files


def _too_large() -> Problem:
    return Problem(413, "the request is larger than a mail may be")
