"""Pictures of rates: bars side by side, or lines over time (reportlab.graphics).

In charge of: drawing a ``Chart``. Colours differ also in grey (print), and every value is written. Not in
charge of: which picture a form has.
"""

# mypy: disable-error-code="no-untyped-call"
# (reportlab carries few annotations)

from __future__ import annotations

from typing import Any

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.charts.linecharts import HorizontalLineChart
from reportlab.graphics.shapes import Drawing, String
from reportlab.graphics.widgets.markers import makeMarker
from reportlab.lib.colors import HexColor, white

from gateway.compliance.sheet import Chart, clean, tenths_text
from gateway.exchange_log.fonts import BOLD, FAMILY, register_fonts

# From dark to light, so that a grey copy still tells them apart.
COLOURS = tuple(HexColor(code) for code in ("#12355B", "#B3541E", "#4C9A8A", "#D9B44A", "#7B6FA0", "#9AA5B1"))
_GRID = HexColor("#DDDDDD")
MARKERS = ("FilledCircle", "FilledSquare", "FilledDiamond", "FilledTriangle", "Circle", "Square")


def drawing(chart: Chart, width: float, height: float) -> Drawing:
    """The picture, in points. Bars begin at 0: a cut bar would show a small difference as a large one."""
    register_fonts()
    picture = Drawing(width, height)
    picture.add(
        String(width / 2, height - 12, clean(chart.title), fontName=BOLD, fontSize=10, textAnchor="middle")
    )
    plot = _plot(chart)
    plot.x, plot.y, plot.width, plot.height = 34, 44, width - 44, height - 78
    picture.add(plot)
    picture.add(_legend(chart, width))
    return picture


def _plot(chart: Chart) -> Any:
    plot: Any = HorizontalLineChart() if chart.lines else VerticalBarChart()
    plot.data = [[_value(value, chart.lines) for value in series.values] for series in chart.series]
    plot.categoryAxis.categoryNames = [_short(name) for name in chart.categories]
    plot.categoryAxis.labels.fontName = FAMILY
    plot.categoryAxis.labels.fontSize = 8
    axis = plot.valueAxis
    axis.valueMin, axis.valueMax = floor_of(chart), 100
    axis.valueStep = 5 if axis.valueMin >= 75 else 10 if axis.valueMin >= 40 else 20
    axis.labels.fontName, axis.labels.fontSize = FAMILY, 8
    axis.labelTextFormat = lambda value: f"{value:.0f} %"
    axis.visibleGrid, axis.gridStrokeColor, axis.gridStrokeWidth = True, _GRID, 0.4
    if chart.lines:
        _dress_lines(plot, len(chart.series))
    else:
        _dress_bars(plot, chart)
    return plot


def _value(value: float | None, lines: bool) -> float | None:
    return value if value is not None or lines else 0


def floor_of(chart: Chart) -> int:
    """Where the axis begins: bars at 0, lines at a multiple of ten below the lowest value."""
    if not chart.lines:
        return 0
    values = [value for series in chart.series for value in series.values if value is not None]
    lowest = min(values, default=0)
    return max(0, min(90, int(lowest // 10) * 10 - (10 if lowest % 10 < 2 else 0)))


def _dress_bars(plot: Any, chart: Chart) -> None:
    plot.groupSpacing, plot.barSpacing = 14, 1.5
    plot.barLabels.fontName, plot.barLabels.fontSize = FAMILY, 7.5
    plot.barLabels.nudge = 7
    plot.barLabelFormat = "values"
    plot.barLabelArray = [[_label(one) for one in series.values] for series in chart.series]
    for place in range(len(chart.series)):
        plot.bars[place].fillColor = COLOURS[place % len(COLOURS)]
        plot.bars[place].strokeColor = white
        plot.bars[place].strokeWidth = 0.3


def _label(value: float | None) -> str:
    return "—" if value is None else tenths_text(round(value * 10))


def _dress_lines(plot: Any, count: int) -> None:
    for place in range(count):
        plot.lines[place].strokeColor = COLOURS[place % len(COLOURS)]
        plot.lines[place].strokeWidth = 1.6
        plot.lines[place].symbol = makeMarker(MARKERS[place % len(MARKERS)])
        plot.lines[place].symbol.size = 5


def _legend(chart: Chart, width: float) -> Any:
    legend: Any = Legend()
    legend.fontName, legend.fontSize = FAMILY, 8.5
    legend.x, legend.y = width / 2, 20
    legend.boxAnchor, legend.alignment = "n", "right"
    legend.columnMaximum, legend.deltax, legend.dxTextSpace = 1, 0, 4
    legend.variColumn, legend.autoXPadding = 1, 16
    legend.dx = legend.dy = 7
    legend.strokeWidth = 0
    legend.colorNamePairs = [
        (COLOURS[place % len(COLOURS)], clean(series.name)) for place, series in enumerate(chart.series)
    ]
    return legend


def _short(name: str) -> str:
    name = clean(name)
    return name if len(name) <= 24 else name[:23] + "…"


__all__ = ["COLOURS", "drawing", "floor_of"]
