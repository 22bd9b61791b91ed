"""`Containerfile` and docs/container.md, carried out where no engine is: in bare roots of Debian."""

import json
import os
import re
import shlex
from contextlib import ExitStack

import pytest

from tests.install.asking import until
from tests.install.container import Stage, built
from tests.install.debian_root import ROOT, CannotBuild
from tests.install.document import Block, steps_of, with_settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server("debootstrap"),
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not os.environ.get("MAILGATE_TEST_INSTALL"), reason="takes minutes: make install-test"),
]
TEXT = (ROOT / "docs/container.md").read_text(encoding="utf-8")
_TALK = """
import smtplib
relay = smtplib.SMTP('127.0.0.1', 2525, timeout=20)
text = 'From: Olga <olga@shop.example>\\r\\nTo: support@introserv.example\\r\\nSubject: Site shows 502\\r\\n\\r\\nSince noon.\\r\\n'
relay.sendmail('olga@shop.example', ['support@introserv.example'], text)
"""


def test_the_image_serves_a_desk_as_the_document_says():
    if os.getuid() != 0:
        pytest.skip("a root of Debian can be made by root alone")
    try:
        with ExitStack() as stack:
            _follow(built(stack, (ROOT / "Containerfile").read_text(encoding="utf-8")))
    except CannotBuild as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))


def _follow(stage: Stage) -> None:
    root = stage.root
    assert (stage.user, stage.ports, stage.volumes) == (
        "mailgate",
        ("2525", "8025"),
        ("/etc/mailgate", "/var/lib/mailgate"),
    )
    (settings,) = (step for step in steps_of(TEXT) if isinstance(step, Block))
    lines = [line for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
    assert lines[0] == "podman build -t mailgate ."
    for line in lines[1:]:
        words = shlex.split(line)
        of_mailgate = words[len(words) - words[::-1].index("mailgate") :]
        print(f"$ {line}", flush=True)
        if "-d" in words:
            root.must(f"{stage.line()} >/tmp/log 2>&1 & echo $! >/tmp/pid")
            until(lambda: root.run("exec 3<>/dev/tcp/127.0.0.1/2525").code == 0, root)
            continue
        said = root.run(stage.line(*of_mailgate))
        wrong = [line.split()[1] for line in said.out.splitlines() if line.startswith("WRONG")]
        assert said.code == 0 or (of_mailgate == ["doctor"] and wrong == ["dns"]), said.out  # there is no DNS here
        if of_mailgate[0] == "init":
            root.write(settings.path, with_settings(root.read(settings.path), settings.text))
    root.write("/root/talk.py", _TALK)
    root.must("python3 /root/talk.py")
    rows = until(lambda: root.must(stage.line("ticket", "list", "--json")), root)
    assert [(row["number"], row["subject"]) for row in map(json.loads, rows.splitlines())] == [
        (10001, "Site shows 502")
    ]
    assert root.must("ls /var/lib/mailgate/outgoing/new")
    root.must("kill -TERM $(cat /tmp/pid)")
    until(lambda: "serve.ended" in root.read("/tmp/log"), root)
