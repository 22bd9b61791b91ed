"""Every test that the documents name is there, under that name and in that file."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


@lru_cache
def names_in(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_"))


@pytest.mark.parametrize("name", ["promises.md", "security.md"])
def test_every_test_that_a_document_names_exists(name: str):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    named = NAMED.findall(text)
    assert len(named) > 40
    assert [f"{file}::{test}" for file, test in named if test not in names_in(file)] == []


@pytest.mark.parametrize("name", ["promises.md", "security.md"])
def test_every_line_of_a_table_names_a_test_or_says_that_there_is_none(name: str):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    rows = [
        line
        for line in text.split("\n")
        if line.startswith("| ") and not line.startswith(("| ---", "| what", "| threat"))
    ]
    assert len(rows) > 30
    assert [row for row in rows if not NAMED.search(row) and "no test" not in row] == []
