"""Pictures of the day (W3): SVG made here, without a script; the page has the same numbers as tables."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import tostring

import pygal
from pygal.style import Style

_COLOURS = ("#1f6f8b", "#c2571a", "#5b7f2b", "#8a4fa3", "#b8860b", "#36597a")
_DARK_COLOURS = ("#5fb3d1", "#f0914f", "#9ccc65", "#c792dd", "#e6c24a", "#8fb4d9")


def bars(series: Mapping[str, Sequence[int]], labels: Sequence[str], *, is_dark: bool) -> bytes:
    """Return stacked bars, one colour a series."""
    return _drawn(pygal.StackedBar, series, labels, is_dark=is_dark)


def lines(series: Mapping[str, Sequence[float | None]], labels: Sequence[str], *, is_dark: bool) -> bytes:
    """Return lines; None is a gap."""
    return _drawn(pygal.Line, series, labels, is_dark=is_dark)


def _drawn(kind: Any, series: Mapping[str, Sequence[Any]], labels: Sequence[str], *, is_dark: bool) -> bytes:
    ink, quiet = ("#e8e6e3", "#9a9890") if is_dark else ("#222222", "#6b6b6b")
    style = Style(
        background="transparent", plot_background="transparent", foreground=ink, foreground_strong=ink,
        foreground_subtle=quiet, colors=_DARK_COLOURS if is_dark else _COLOURS, font_family="sans-serif",
        label_font_size=12, legend_font_size=13, major_label_font_size=12, no_data_font_size=14,
    )  # fmt: skip
    chart = kind(
        style=style, js=(), width=760, height=260, legend_at_bottom=True, show_minor_x_labels=False, truncate_legend=24,
        x_labels_major_every=3 if len(labels) > 14 else 1, min_scale=2, margin=8, no_data_text="–",
        disable_xml_declaration=True, include_x_axis=True,
    )  # fmt: skip
    chart.x_labels = list(labels)
    top = max((value or 0 for values in series.values() for value in values), default=0)
    if kind is pygal.StackedBar and top < 4:
        chart.y_labels = range(5)  # whole mails
    for name, values in series.items():
        chart.add(name, list(values))
    tree = chart.render_tree()
    for parent in list(tree.iter()):  # pygal 3.1 writes a script of its own, whatever `js` says
        for child in [one for one in parent if str(one.tag).endswith("script")]:
            parent.remove(child)
    drawn: bytes = tostring(tree, encoding="utf-8")
    return drawn
