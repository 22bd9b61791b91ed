from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DeskFolder:
    """A folder with the desk flexihost, Ivan of its support, and two customers."""
    found = DeskFolder(tmp_path / "desk", capsys, "flexihost")
    people = tmp_path / "people.csv"
    people.write_text("address,name,teams,role\nivan@team.example,Ivan Petrenko,support,lead\n", encoding="utf-8")
    customers = tmp_path / "customers.csv"
    customers.write_text(
        "number,login,name,language,address,roles,purposes,until\n"
        "1001,olena,Olena Kovalenko,en,olena@shop.example,owner,,\n"
        "1001,olena,Books,en,buh@shop.example,billing,,\n"
        "1002,sergey,Sergey Melnik,ru,sergey@sklad.example,owner;technical,,\n",
        encoding="utf-8",
    )
    assert found.run("staff", "import", str(people)).code == 0
    assert found.run("account", "import", str(customers)).code == 0
    return found
