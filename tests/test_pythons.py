"""Expressions mean the same on every Python that mailgate is shipped on; 3.11.2, Debian 12's, gets some wrong."""

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from mailgate.parse import header
from tests import pythons as asking

_RANDOM_QUESTIONS = 12
_NAMES = ("python3", "python3.11", "python3.12", "python3.13", "python3.14")
# JSON joins two halves of a surrogate pair
_NO_LETTERS = {"\\", *map(chr, range(0xD800, 0xE000))}
_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
# one of each kind of text that expressions are asked about
QUESTIONS = [
    "=?utf-8?b?0J/RgNC40LLQtdGC?= =?utf-8?q?=5Bintroserv_=2310001=5D?= =?utf-8?b?0J/R",
    'form-data; name="a\\"b"; filename*0*=utf-8\'\'%D0%9F; filename*1=".pdf"; size==?utf-8?b?YQ==?= ;;; x=\\',
    "spf=pass smtp.mailfrom=a@b.example smtp.helo=mx-1.b.example",
    "Received: from a\n\tby b; Sat, 28 Nov 2026 10:00:00 +0100\nContent-Type: multipart/mixed;\n boundary=\"x y\"\n\n--x y--\n",
    "see https://shop.example/a?b=c#d or write to olga.k@shop.example, www.shop.example [introserv #10001]",
    "Am 27.11.2026 um 10:12 schrieb Anna Berg <anna@team.example>:\n> > Hallo!\n>\n> Grüße\n\n-- \nOlga\n+49 30 1234567",
    "Le 3 mars 2026 à 10:12, Anna a écrit :\n___________\nFrom: Anna\nSent: Monday, 2 March 2026 10:12\nTo: x; y",
    "В сб, 28 нояб. 2026 г. в 10:12, Анна <anna@team.example> пише:\nдоговір № 123456, klient nr [98765], login: olena",
    "#assign anna#close  #eta 2026-12-01 10:00\n#note\n   #tag urgent,\t#merge 10002",
    "-----Original Message-----\n*From:* Olga\n*Sent:* yesterday\n=======",
    "Re: AW: Fwd: [EXTERNAL] Re[2]: server 192.0.2.7 / 2001:db8::1 down!!!",
    "Final-Recipient: rfc822; olga@shop.example\nAction: failed\nStatus: 5.1.1",
    "Diagnostic-Code: smtp; 550 5.1.1 <olga@shop.example>: unknown",
    "<p>Hello&nbsp;<br/>world</p><blockquote type=\"cite\">old</blockquote><!-- x --><style>p{}</style>",
    "09:00-18:00, 4h, 3 business days; mon-fri; 25 MiB; 10 %; 127.0.0.1:2525 [::1]:25 /run/mailgate/lmtp 'x'\"y\" a\\b",
    "", "\n", "   \n\t\n", "a" * 300, "=?" * 60, "- " * 60, "1." * 60, ">" * 90 + " x",
]  # fmt: skip


@lru_cache(maxsize=1)
def compiled() -> tuple[dict[str, Any], ...]:
    """Return what the product compiles, each with questions made of its own characters."""
    printed = subprocess.run(
        [sys.executable, "-m", "tests.pythons"], cwd=asking.ROOT, capture_output=True, text=True, check=True
    ).stdout
    found = [json.loads(line) for line in printed.splitlines()]
    for one in found:
        chance = random.Random(one["pattern"].encode("utf-8", "surrogatepass"))
        letters = [*sorted(set(one["pattern"]) - _NO_LETTERS), " ", "\n", "a", "1"]
        one["questions"] = ["".join(chance.choices(letters, k=30)) for _ in range(_RANDOM_QUESTIONS)]
    return tuple(found)


@lru_cache(maxsize=1)
def own_answers() -> list[str]:
    """Return what this Python answers."""
    return asking.answers({"questions": QUESTIONS, "expressions": compiled()})


def found_here() -> dict[str, str]:
    """Return the Pythons of this machine on which mailgate may run, by version; the one that runs this is among them."""
    places = [shutil.which(name) for name in _NAMES] + [shutil.which(name, path="/usr/bin") for name in _NAMES]
    places += sorted(
        map(str, Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser().glob("versions/3.*/bin/python3"))
    )
    found = {".".join(map(str, sys.version_info[:3])): sys.executable}
    for place in filter(None, places):
        ran = subprocess.run([place, "-I", "-c", _VERSION], capture_output=True, text=True, check=False)
        if ran.returncode == 0 and int(ran.stdout.split(".")[1]) >= 11:
            found.setdefault(ran.stdout.strip(), place)
    return found


def test_no_expression_is_of_a_kind_that_debian_12s_python_gets_wrong():
    assert len(compiled()) > 150
    broken = [
        f"{one['place']}: {complaint}: {one['pattern']}"
        for one in compiled()
        if (complaint := asking.complaint_of(one["pattern"], one["flags"]))
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        (r"[^?]*+(?:\?(?!=)[^?]*+)*+", "a possessive group (…)*+"),
        (r"a(?:\.\w++)?+", "a possessive group (…)*+"),
        (r"(x(?=(a|b)*+))", "a possessive group (…)*+"),
        (r"(?>ab)c", "an atomic group (?>…)"),
        (r"(?:a)*+[b-z]{2,}+\w++.?+", None),
        (r"(?:\.\w++)*(a+)+?", None),
    ],
)
def test_the_lint_tells_a_group_from_a_single_character(pattern: str, complaint: str | None):
    assert asking.complaint_of(pattern, 0) == complaint


@pytest.mark.slow
def test_each_expression_answers_the_same_on_every_python_of_this_machine():
    asked = json.dumps({"questions": QUESTIONS, "expressions": compiled()})
    for version, place in found_here().items():
        ran = subprocess.run(
            [place, "-I", "-W", "ignore", asking.__file__, "answers"], input=asked, capture_output=True, text=True, check=True
        )  # fmt: skip
        theirs = json.loads(ran.stdout)
        assert theirs["version"].startswith(version)
        pairs = zip(compiled(), theirs["digests"], own_answers(), strict=True)
        assert not [f"{version}: {one['place']}: {one['pattern']}" for one, their, our in pairs if their != our]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?b?0J/RgNC40LLQtdGC?=", "Привет"),
        ("=?utf-8?B?0J/RgNC4?= =?utf-8?B?0LLQtdGC?=", "Привет"),
        ("=?utf-8?B?0J/R?=\r\n =?utf-8?B?gNC40LLQtdGC?=", "Привет"),
        ("=?UTF-8?Q?Re:_=5Bintroserv_#10001=5D_Gr=C3=BC=C3=9Fe?=", "Re: [introserv #10001] Grüße"),
        ("Re: =?iso-8859-1?q?=5Bflexihost_=2312=5D?= =?koi8-r?b?8NLJ18XU?=", "Re: [flexihost #12]Привет"),
        ("=?windows-1251*ru?B?z/Do4uXy?= und =?iso-8859-2?Q?=A3=F3d=BC?=", "Привет und Łódź"),
        ("=?utf-8?q?why??==?utf-8?q?_so?", "why?=?utf-8?q?_so?"),
        ("=?utf-8?q?a b c?= =?utf-8?q?d", "a b c =?utf-8?q?d"),
        ("=?utf-8?q?cut_here", "cut here"),
        ("=?utf-8?x?a?= =?=?= =?utf-8?q??= ?=", "=?utf-8?x?a?= =?=?=  ?="),
        ("=?us-ascii?Q?=E2?= 100=?", "â 100=?"),
    ],
)  # fmt: skip
def test_encoded_words_are_read_as_written_here_on_every_python(raw: str, text: str):
    assert header.decoded(raw) == text


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ('application/pdf; name="a\\"b;c.pdf"; x=1', {"name": 'a"b;c.pdf', "x": "1"}),
        ("a/b;;;name=  =?utf-8?b?0J/R?= =?utf-8?b?gNC4?=;y", {"name": "=?utf-8?b?0J/R?= =?utf-8?b?gNC4?="}),
        ("a/b; filename*0*=utf-8''%D0%9F; filename*1*=%D1%80.pdf; z=\"", {"filename": "Пр.pdf", "z": ""}),
        ('a/b; name="no end; x=1', {"name": "no end; x=1"}),
        ("a/b; name=\"back\\", {"name": '"back\\'}),
    ],
)  # fmt: skip
def test_parameters_are_read_as_written_here_on_every_python(raw: str, found: dict[str, str]):
    assert header.parameters(raw)[1] == found


@pytest.mark.shared
def test_encoded_subjects_of_real_mail_are_the_same_on_every_python(shared: Path):
    """The digest was taken on CPython 3.11.7; a change of how subjects are read renews it."""
    read = []
    for file in sorted(file for place in ("corpus", "cases") for file in (shared / place).rglob("*.eml")):
        head = re.split(rb"\r?\n\r?\n", file.read_bytes(), maxsplit=1)[0]
        field = re.search(rb"^subject:([^\n]*(?:\n[ \t][^\n]*)*)", head, re.IGNORECASE | re.MULTILINE)
        if field and b"=?" in field[1]:
            read.append(f"{file.name}: {header.decoded(field[1].decode('ascii', 'surrogateescape'))}")
    assert len(read) > 90
    assert hashlib.sha256("\n".join(read).encode()).hexdigest()[:16] == "7b8cef887163cef0"
