#!/bin/sh
# What surprised us: the library "holidays" knows no public holiday of Ukraine at all since March 2022.
#
# Under martial law holidays are no days off, and the library follows the law: country_holidays("UA") has 19 days in 2021, 5 in
# 2022, none in 2023 and later. No warning, no error. A calendar of office hours that takes Ukraine's holidays from it counts
# every one of them as a working day, the 1st of January too, whatever the company gives its people.
#
# Seen with holidays 0.109. Needs: Python 3.11, a package index. Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check holidays==0.109
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import holidays

warnings.simplefilter("error")
found = {year: len(holidays.country_holidays("UA", years=year)) for year in (2021, 2022, 2023, 2026)}
print("holidays", holidays.__version__, found)
sys.exit(0 if found[2021] > 10 and found[2023] == found[2026] == 0 else 1)
PYTHON
