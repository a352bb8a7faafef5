# SPDX-License-Identifier: MIT
"""Charts as SVG text: bars by scenario with their spread, and lines over time. Plain Python.

    chart.bars(title, [("set, one by one", [Bar("ours", 1.2, 1.1, 1.3)])], axis="times", baseline=1)
    chart.lines(title, [Line("ours", [(0.0, 1.5), (0.5, 1.7)])], y_axis="ms", log=True)

Both return the whole file. Colours follow the order in which names of series come up first, or
`colours` ({name: number below 6}). The background belongs to the chart and turns dark where the
reader's system is: a page's own colours do not matter. Values that are None are left out.
"""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 960
LIGHT = ("#c2185b", "#1565c0", "#2e7d32", "#b35900", "#6a1b9a", "#00695c")
DARK = ("#f48fb1", "#64b5f6", "#81c784", "#ffb74d", "#ce93d8", "#4db6ac")
LETTER = 6.6  # the width of a letter of 12 px, roughly
BAR, BETWEEN_BARS, BETWEEN_ROWS = 11, 2, 9


@dataclass(frozen=True)
class Bar:
    """One bar; low and high are the ends of its whisker, text is written behind it."""

    series: str
    value: float
    low: float = None
    high: float = None
    text: str = None


@dataclass(frozen=True)
class Line:
    """Points (x, y) in the order of x; kind is "line" or "dots"."""

    series: str
    points: list
    kind: str = "line"


# --- the scale -------------------------------------------------------------------------------


def nice_step(span, most):
    """A step of 1, 2 or 5 times a power of ten that divides span into at most `most` parts."""
    if span <= 0:
        return 1.0
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= raw * (1 - 1e-9))


class Scale:
    """Maps values to [start, end] in pixels, linear or logarithmic, over round numbers."""

    def __init__(self, values, start, end, log=False, include=(), most=10):
        known = [v for v in [*values, *include] if v is not None]
        if log:
            known = [v for v in known if v > 0]
        low, high = (min(known), max(known)) if known else (1, 10)
        self.log, self.start, self.end = log, start, end
        if log:
            self.ticks = self.log_ticks(low, high, most)
        else:
            step = nice_step(high - low if high > low else abs(high) or 1, most)
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            self.ticks = [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]
        self.low, self.high = self.ticks[0], self.ticks[-1]

    @staticmethod
    def log_ticks(low, high, most):
        every = [digit * 10.0 ** power for power in range(math.floor(math.log10(low)) - 1,
                                                          math.ceil(math.log10(high)) + 2)
                 for digit in (1, 2, 5)]
        first = max(i for i, v in enumerate(every) if v <= low * (1 + 1e-9))
        last = min(i for i, v in enumerate(every) if v >= high * (1 - 1e-9))
        chosen = every[first:max(last, first + 1) + 1]
        if len(chosen) > most + 2:  # only powers of ten, up to and over the ends
            chosen = [10.0 ** p for p in range(math.floor(math.log10(low) + 1e-9),
                                               math.ceil(math.log10(high) - 1e-9) + 1)]
        return chosen

    def at(self, value):
        if self.log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0), 1) * (self.end - self.start)


# --- pieces ----------------------------------------------------------------------------------


def style():
    def rules(ink, soft, grid, back, colours):
        text = (f".bg{{fill:{back}}}.ink{{fill:{ink}}}.soft{{fill:{soft}}}.grid{{stroke:{grid}}}"
                f".base,.whisker{{stroke:{ink}}}")
        return text + "".join(f".f{i}{{fill:{c}}}.s{i}{{stroke:{c};fill:none}}"
                              for i, c in enumerate(colours))
    light = rules("#1f2328", "#59636e", "#d8dee4", "#ffffff", LIGHT)
    dark = rules("#e6edf3", "#9198a1", "#30363d", "#0d1117", DARK)
    return f"<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>"


def text(x, y, words, anchor="start", kind="ink", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"{more}>'
            f"{escape(str(words))}</text>")


def line(x1, y1, x2, y2, kind, width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" '
            f'stroke-width="{width}"/>')


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def page(height, title, note, parts):
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'width="{WIDTH}" height="{height:.0f}" font-family="sans-serif" font-size="12" '
            f'role="img"><title>{escape(title)}</title>', style(),
            '<rect width="100%" height="100%" class="bg"/>',
            text(16, 22, title, more=' font-size="15" font-weight="bold"')]
    if note:
        head.append(text(16, 40, note, kind="soft"))
    return "\n".join(head + parts + ["</svg>"]) + "\n"


def colour_numbers(names, colours):
    """The number of each series' colour: the one asked for, or the next that is free."""
    chosen = dict(colours or {})
    for name in names:
        if name not in chosen:
            free = [i for i in range(len(LIGHT)) if i not in chosen.values()]
            chosen[name] = free[0] if free else len(chosen) % len(LIGHT)
    return chosen


def legend(names, numbers, y, dots=()):
    parts, x = [], 16
    for name in names:
        shape = (f'<circle cx="{x + 6}" cy="{y - 4}" r="3" class="f{numbers[name]}"/>'
                 if name in dots else
                 f'<rect x="{x}" y="{y - 9}" width="12" height="10" class="f{numbers[name]}"/>')
        parts += [shape, text(x + 18, y, name)]
        x += 18 + len(name) * LETTER + 24
    return parts


# --- bars ------------------------------------------------------------------------------------


def bars(title, rows, axis="", log=False, baseline=None, note="", colours=None):
    """Horizontal bars, one group for each row (label, [Bar, ...]). They begin at `baseline` (1 for
    a ratio: to the left is less), or at zero; on a logarithmic scale without one, at its left."""
    every = [bar for _, group in rows for bar in group if bar.value is not None]
    names = list(dict.fromkeys(bar.series for bar in every))
    numbers = colour_numbers(names, colours)
    left = 24 + max([len(label) for label, _ in rows] + [8]) * LETTER
    top = (56 if note else 40) + (20 if len(names) > 1 else 0)
    include = [baseline] if baseline is not None else [] if log else [0]
    ends = [v for bar in every for v in (bar.value, bar.low, bar.high)]
    scale = Scale(ends, left, WIDTH - 76, log, include)
    parts, y = [], top + 6
    for label, group in rows:
        group = [bar for bar in group if bar.value is not None]
        height = max(len(group), 1) * (BAR + BETWEEN_BARS)
        parts.append(text(left - 8, y + height / 2 + 3, label, "end"))
        for index, bar in enumerate(group):
            parts += one_bar(bar, scale, y + index * (BAR + BETWEEN_BARS),
                             baseline if baseline is not None else scale.low, numbers)
        y += height + BETWEEN_ROWS
    grid = [line(scale.at(t), top, scale.at(t), y, "grid") for t in scale.ticks]
    grid += [text(scale.at(t), y + 16, number(t), "middle", "soft") for t in scale.ticks]
    if baseline is not None:
        parts.append(line(scale.at(baseline), top, scale.at(baseline), y, "base"))
    grid.append(text((left + WIDTH - 76) / 2, y + 34, axis, "middle", "soft"))
    if len(names) > 1:
        grid += legend(names, numbers, top - 8)
    return page(y + 46, title, note, grid + parts)


def one_bar(bar, scale, y, base, numbers):
    start, end = sorted((scale.at(base), scale.at(bar.value)))
    middle, tail = y + BAR / 2, end
    parts = [f'<rect x="{start:.1f}" y="{y:.1f}" width="{max(end - start, 1):.1f}" height="{BAR}" '
             f'class="f{numbers[bar.series]}"/>']
    if bar.low is not None and bar.high is not None and bar.high > bar.low:
        low, high = scale.at(bar.low), scale.at(bar.high)
        tail = max(tail, high)
        parts.append(line(low, middle, high, middle, "whisker"))
        parts += [line(x, middle - 3, x, middle + 3, "whisker") for x in (low, high)]
    words = number(bar.value) if bar.text is None else bar.text
    return parts + [text(tail + 5, y + BAR - 1, words, kind="soft", more=' font-size="11"')]


# --- lines -----------------------------------------------------------------------------------


def lines(title, series, x_axis="seconds", y_axis="", log=False, note="", colours=None, height=420,
          zero=True):
    """Lines and dots over x. Without `log`, y begins at zero unless `zero` is false."""
    names = list(dict.fromkeys(s.series for s in series))
    numbers = colour_numbers(names, colours)
    left, right, top, bottom = 76, WIDTH - 20, 76 if note else 60, height - 44
    points = [(x, y) for s in series for x, y in s.points if y is not None]
    across = Scale([x for x, _ in points], left, right, most=20)
    up = Scale([y for _, y in points], bottom, top, log, [0] if zero and not log else [])
    parts = []
    for tick in up.ticks:
        parts.append(line(left, up.at(tick), right, up.at(tick), "grid"))
        parts.append(text(left - 6, up.at(tick) + 4, number(tick), "end", "soft"))
    parts += [text(across.at(t), bottom + 18, number(t), "middle", "soft") for t in across.ticks]
    parts.append(text((left + right) / 2, height - 8, x_axis, "middle", "soft"))
    parts.append(text(16, (top + bottom) / 2, y_axis, "middle", "soft",
                      f' transform="rotate(-90 16 {(top + bottom) / 2:.0f})"'))
    parts += legend(names, numbers, top - 14, {s.series for s in series if s.kind == "dots"})
    for s in series:
        at = [(across.at(x), up.at(y)) for x, y in s.points if y is not None]
        if s.kind == "dots":
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" class="f{numbers[s.series]}" '
                      'opacity="0.6"/>' for x, y in at]
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
            parts.append(f'<polyline points="{path}" class="s{numbers[s.series]}" '
                         'stroke-width="1.5"/>')
    return page(height, title, note, parts)
