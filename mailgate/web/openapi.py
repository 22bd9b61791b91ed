"""The API's description (OpenAPI 3.1), made of the same models that check what is posted."""

from typing import Any

from mailgate import __version__
from mailgate.web.errors import NAMES
from mailgate.web.forms import MessageForm, TicketForm

_REFS = "#/components/schemas/{model}"
_INSTANT = {"type": ["string", "null"], "format": "date-time"}
_TEXT, _WHOLE, _MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
_STATUSES = ["new", "open", "waiting", "resolved", "closed", "merged"]


def document(size_limit: int) -> dict[str, Any]:
    """Return the whole document; `size_limit` is what a request may hold, in bytes."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mailgate control panel API", "version": __version__, "license": {"name": "GPL-3.0-or-later"},
            "description": f"Tickets of a desk's customers. A request may hold up to {size_limit} bytes of files.",
        },
        "security": [{"bearer": []}],
        "paths": {
            "/api/v1/tickets": {
                "post": _posting("createTicket", "Open a ticket", "TicketForm", ()),
                "get": _getting("listTickets", "Tickets of an account, newest first", "TicketList", _QUERY, 422),
            },
            "/api/v1/tickets/{number}": {
                "get": _getting("getTicket", "A ticket with its letters", "Ticket", (_NUMBER,), 404)
            },
            "/api/v1/tickets/{number}/messages": {
                "post": _posting("addMessage", "Write on a ticket", "MessageForm", (_NUMBER,), 404)
            },
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }  # fmt: skip


_NUMBER = {
    "name": "number",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
}
_QUERY = (
    {"name": "account", "in": "query", "required": True, "schema": {**_TEXT, "minLength": 1, "maxLength": 200}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
    {"name": "before", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
     "description": "tickets with a lower number than this"},
)  # fmt: skip
_KEY = {
    "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 200,
    "pattern": "^[!-~]+$"}, "description": "the same key with the same body is one request, for seven days",
}  # fmt: skip


def _posting(id_: str, summary: str, form: str, parameters: tuple[Any, ...], *more: int) -> dict[str, Any]:
    return {
        "operationId": id_, "summary": summary, "parameters": [*parameters, _KEY],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": _REFS.format(model=form)}},
                "multipart/form-data": {"schema": {"$ref": _REFS.format(model=f"{form}Multipart")}},
            },
        },
        "responses": _answers(201, "Accepted", *more, 401, 409, 413, 422, 503),
    }  # fmt: skip


def _getting(id_: str, summary: str, schema: str, parameters: tuple[Any, ...], *more: int) -> dict[str, Any]:
    return {
        "operationId": id_, "summary": summary, "parameters": list(parameters),
        "responses": _answers(200, schema, *more, 401, 503),
    }  # fmt: skip


def _answers(status: int, schema: str, *errors: int) -> dict[str, Any]:
    good = {"description": "done", "content": {"application/json": {"schema": {"$ref": _REFS.format(model=schema)}}}}
    found: dict[str, Any] = {str(status): good}
    for code in sorted(errors):
        content = {"application/json": {"schema": {"$ref": _REFS.format(model="Problem")}}}
        found[str(code)] = {"description": NAMES[code], "content": content}
        if code == 503:
            found["503"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found


def _schemas() -> dict[str, Any]:
    ticket = {
        "number": _WHOLE, "tag": _TEXT, "status": {"enum": _STATUSES}, "priority": {"enum": ["normal", "high"]},
        "subject": _TEXT, "account": _MAYBE, "requestor": _TEXT, "language": _TEXT, "first_response_due": _INSTANT,
        "created_at": {"type": "string", "format": "date-time"}, "merged_into": {"type": ["integer", "null"]},
    }  # fmt: skip
    file = {"filename": _TEXT, "content_type": _TEXT, "size": _WHOLE, "sha256": _TEXT}
    message = {
        "id": _TEXT, "kind": {"enum": ["customer", "staff"]}, "from": _TEXT,
        "at": {"type": "string", "format": "date-time"}, "subject": _TEXT, "text": _TEXT,
        "attachments": {"type": "array", "items": _object(file)},
    }  # fmt: skip
    found = {
        "Accepted": _object({name: ticket[name] for name in ("number", "tag", "status", "first_response_due")}),
        "Ticket": _object({**ticket, "messages": {"type": "array", "items": _object(message)}}),
        "TicketList": _object({"tickets": {"type": "array", "items": _object(ticket)}}),
        "Problem": _object({"error": _TEXT, "message": _TEXT, "field": _MAYBE}),
    }
    for model in (TicketForm, MessageForm):
        schema = model.model_json_schema(ref_template=_REFS)
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
        found[f"{model.__name__}Multipart"] = _as_multipart(schema)
    return found


def _as_multipart(schema: dict[str, Any]) -> dict[str, Any]:
    files = {"type": "array", "maxItems": 50, "items": {"type": "string", "format": "binary"}}
    fields = {name: _not_null(one) for name, one in schema["properties"].items()}
    return {**schema, "properties": {**fields, "files": files}}


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A form's field is text or not there."""
    kept = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return {**kept[0], "description": schema.get("description", "")} if kept else schema


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
