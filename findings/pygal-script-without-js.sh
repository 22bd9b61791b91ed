#!/bin/sh
# What surprised us: pygal writes a script into every picture, also where its configuration says that there is none.
#
# js=() ("js file as list or relative path") takes out the link to the tooltips' script, which comes from another host, but the
# SVG still has a <script> that sets window.pygal.config. On a page whose Content-Security-Policy allows no inline scripts each
# picture costs a violation, and whoever puts the SVG into a page has to cut it out.
#
# Seen with pygal 3.1.3. Needs: Python 3.11, a package index. Fails if this changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pygal==3.1.3
"$folder/venv/bin/python" - <<'PYTHON'
import re
import sys

import pygal

picture = pygal.Bar(js=(), disable_xml_declaration=True)
picture.add("mails", [1, 2])
svg = picture.render()
scripts = re.findall(r"<script.*?</script>", svg.decode() if isinstance(svg, bytes) else svg, re.S)
print("pygal", pygal.__version__, "scripts with js=():", len(scripts), *(script[:70] + "…" for script in scripts))
sys.exit(0 if scripts else 1)
PYTHON
