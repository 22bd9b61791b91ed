"""`mailgate parse`: what a mail says."""

import argparse
import json
import mailbox
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from mailgate import phrases as phrase_files
from mailgate.model.mail import Address, Mail
from mailgate.model.phrases import Phrases
from mailgate.model.segments import left_out_by_kind
from mailgate.parse import LimitExceeded, read
from mailgate.parse.bare import read_bare

SHIPPED_TAGS = ("flexihost", "introserv", "strato")
_MANY = 20  # files from which a progress bar is worth its lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mailgate parse`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="mail, folder, Maildir or mbox; - is stdin")
    parser.add_argument(
        "--as", dest="form", choices=("mail", "text", "html"), default="mail", help="the file is a bare body"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a mail")


def run(args: argparse.Namespace) -> int:
    """Print what each mail says; 1 where one could not be read."""
    tags = _known_tags(getattr(args, "config", None))
    phrases = phrase_files.load()
    failed = False
    for name, raw in _with_progress(list(_sources(args.files)), sys.stderr):
        if isinstance(raw, OSError):
            print(f"mailgate parse: {name}: {raw.strerror or raw}", file=sys.stderr)
            failed = True
            continue
        shown = _read(name, raw, args.form, phrases, tags)
        print(json.dumps(shown, ensure_ascii=False) if args.json else _for_people(shown), flush=False)
    return 1 if failed else 0


def as_object(name: str, mail: Mail) -> dict[str, Any]:
    """Return `mail` in the shape of `parse --json`."""
    return {
        "file": name,
        "digest": mail.digest,
        "message_id": f"<{mail.message_id}>" if mail.message_id else None,
        "date": mail.date.isoformat() if mail.date else None,
        "from": _address(mail.from_[0]) if mail.from_ else None,
        "reply_to": [_address(one) for one in mail.reply_to],
        "to": [_address(one) for one in mail.to],
        "cc": [_address(one) for one in mail.cc],
        "subject": mail.subject,
        "core_subject": mail.core_subject,
        "tags": [{"desk": tag.desk, "number": tag.number} for tag in mail.tags],
        "text": mail.text,
        "visible_text": mail.visible_text,
        "left_out": left_out_by_kind(mail.segments),
        "language": mail.language,
        "automatic": mail.automatic.kind if mail.automatic else None,
        "automatic_because": mail.automatic.because if mail.automatic else None,
        "junk": "malware" if mail.malware else "junk" if mail.junk else None,
        "junk_because": mail.malware.finding if mail.malware else mail.junk.because if mail.junk else None,
        "forwarded_from": mail.forwarded.address if mail.forwarded else None,
        "report": _report(mail),
        "attachments": [
            {
                "filename": one.filename,
                "content_type": one.content_type,
                "size": one.size,
                "sha256": one.sha256,
                "inline": one.inline,
            }
            for one in mail.attachments
        ],
        "problems": list(mail.problems),
    }


def _address(one: Address) -> dict[str, str]:
    return {"name": one.name, "address": one.address}


def _report(mail: Mail) -> dict[str, Any] | None:
    if mail.report is None:
        return None
    return {
        "failed": [
            {"address": one.address, "status": one.status, "diagnostic": one.diagnostic} for one in mail.report.failed
        ],
        "message_id": f"<{mail.report.original_message_id}>" if mail.report.original_message_id else None,
        "delayed_only": mail.report.delayed_only,
    }


def _known_tags(config: str | None) -> tuple[str, ...]:
    """The tags of the desks that the configuration names, else of the shipped ones."""
    chosen = config or os.environ.get("MAILGATE_CONFIG")
    if not chosen:
        return SHIPPED_TAGS
    from mailgate import config as settings_files  # only where one is named: parsing needs no configuration

    settings = settings_files.load(chosen, os.environ)
    return tuple(word for desk in settings.desks.values() for word in desk.tag_words)


def _read(name: str, raw: bytes, form: str, phrases: Phrases, tags: Sequence[str]) -> dict[str, Any]:
    if form != "mail":
        return as_object(name, read_bare(raw, phrases=phrases, is_html=form == "html"))
    try:
        return as_object(name, read(raw, phrases=phrases, known_tags=tags))
    except LimitExceeded as error:
        empty = read(raw[:0], phrases=phrases, known_tags=tags)
        return {**as_object(name, empty), "problems": [f"would be quarantined: {error}"]}


def _sources(names: Sequence[str]) -> Iterator[tuple[str, bytes | OSError]]:
    for name in names:
        try:
            if name == "-":
                yield name, sys.stdin.buffer.read()
            elif Path(name).is_dir():
                for path in sorted(Path(name).rglob("*")):
                    if path.is_file():
                        yield from _file(str(path))
            else:
                yield from _file(name)
        except OSError as error:
            yield name, error


def _file(name: str) -> Iterator[tuple[str, bytes | OSError]]:
    raw = Path(name).read_bytes()
    if raw.startswith(b"From ") and raw.count(b"\nFrom ") and name.lower().endswith((".mbox", ".mbx", "mbox")):
        box = mailbox.mbox(name, create=False)
        for number, key in enumerate(box.keys(), 1):
            yield f"{name}#{number}", box.get_bytes(key)
        return
    yield name, raw


def _with_progress(sources: list[tuple[str, bytes | OSError]], stream: TextIO) -> Iterator[tuple[str, bytes | OSError]]:
    if len(sources) < _MANY or not stream.isatty():
        yield from sources
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(sources, description="parsing", console=Console(file=stream), transient=True)


def _for_people(shown: dict[str, Any]) -> str:
    sender = shown["from"] or {"name": "", "address": "(nobody)"}
    lines = [
        shown["file"],
        f"  from       {sender['name']} <{sender['address']}>",
        f"  subject    {shown['subject']}",
        f"  core       {shown['core_subject']}",
    ]
    if shown["tags"]:
        lines.append("  tags       " + ", ".join(f"{tag['desk']} #{tag['number']}" for tag in shown["tags"]))
    if shown["automatic"]:
        lines.append(f"  automatic  {shown['automatic']}: {shown['automatic_because']}")
    if shown["junk"]:
        lines.append(f"  junk       {shown['junk']}: {shown['junk_because']}")
    lines.append(f"  language   {shown['language'] or 'undecided'}")
    lines += [
        f"  attached   {one['filename']} ({one['content_type']}, {one['size']} bytes)" for one in shown["attachments"]
    ]
    lines += [f"  problem    {problem}" for problem in shown["problems"]]
    lines += ["  | " + line for line in shown["visible_text"].split("\n")]
    if shown["left_out"]:
        count = sum(one["lines"] for one in shown["left_out"])
        lines.append(f"  {count} lines not shown: {', '.join(one['kind'] for one in shown['left_out'])}")
    return "\n".join(lines)
