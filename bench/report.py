# SPDX-License-Identifier: AGPL-3.0-or-later
"""The figures of tools/bench as docs/benchmarks.md and docs/benchmarks/server.svg.

Only what stands between the two marks of benchmarks.md is replaced: the text
around it is written by people.
"""
import math
import time

from svg import GREEN, GREY, INK, ORANGE, PALE, Svg

BEGIN, END = "<!-- figures: made by tools/bench -->", "<!-- end of figures -->"

WIDTH, LEFT, RIGHT, ROW, TOP = 960, 330, 90, 24, 70


def bars(svg, top, title, rows, place, ticks):
    """rows: (label, value, goal or None, words); place: value to 0..1."""
    span = WIDTH - LEFT - RIGHT
    bottom = top + 34 + ROW * len(rows)
    svg.text(20, top + 12, title, size=15, weight="bold")
    for value, words in ticks:
        x = LEFT + span * place(value)
        svg.line(x, top + 30, x, bottom, PALE)
        svg.text(x, bottom + 15, words, "middle", GREY, 11)
    for index, (label, value, goal, words) in enumerate(rows):
        y = top + 34 + ROW * index
        color = GREY if goal is None else GREEN if value >= goal else ORANGE
        width = span * place(value)
        svg.text(LEFT - 10, y + 13, label, "end")
        svg.bar(LEFT, y + 2, width, ROW - 8, color)
        svg.text(LEFT + width + 6, y + 13, words, fill=color, size=12)
        if goal is not None:
            x = LEFT + span * place(goal)
            svg.line(x, y - 1, x, y + ROW - 3, INK, 2.5)
    return bottom + 40


def plot(figures):
    limits = [(f"{figure.operation.title}{', TLS' if figure.transport == 'tls' else ''}",
               figure.ratio, figure.operation.goal, f"{figure.ratio:.2f}")
              for figure in figures if figure.is_main and figure.ratio is not None]
    reference = [(figure.operation.title, figure.reference_ratio,
                  figure.operation.goal_reference, f"{number(figure.reference_ratio)} times")
                 for figure in figures if figure.transport == "plain"]
    longest = max(1.2, *(row[1] for row in limits)) * 1.02
    most = max(2000.0, *(row[1] for row in reference)) * 1.5
    height = TOP + 2 * 90 + ROW * (len(limits) + len(reference)) + 10
    svg = Svg(WIDTH, height, "The region server against this machine's limits and the "
                             "reference server")
    svg.text(20, 28, "domiciled: how close to the limit, how far from the reference", size=18,
             weight="bold")
    svg.text(20, 48, "Black marks are goals; green reaches its goal, orange does not, grey has "
                     "none.", fill=GREY)
    below = bars(svg, TOP, "Share of what the disk, SQLite or nginx reach in the same run",
                 limits, lambda value: value / longest,
                 [(tick / 4, f"{tick / 4:.2f}") for tick in range(int(longest * 4) + 1)])
    bars(svg, below, "Times the Python reference server (logarithmic)", reference,
         lambda value: max(0.0, math.log10(value) / math.log10(most)),
         [(10 ** power, f"{10 ** power:,}") for power in range(int(math.log10(most)) + 1)])
    return svg.finish()


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def verdict(figure):
    words = []
    goal, goal_reference = figure.operation.goal, figure.operation.goal_reference
    if goal is not None and figure.ratio is not None:
        words.append(f"{'yes' if figure.ratio >= goal else 'no'} ({goal:.0%} of the limit)")
    if goal_reference is not None and figure.transport == "plain":
        reached = figure.reference_ratio >= goal_reference
        words.append(f"{'yes' if reached else 'no'} ({goal_reference} times the reference)")
    return ", ".join(words)


def table(figures, transport):
    yield ("| operation | figure | limit | of the limit | times the reference | server CPU | "
           "p50, p99 ms | goal reached |")
    yield "|---|---|---|---|---|---|---|---|"
    for figure in figures:
        if figure.transport != transport:
            continue
        operation = figure.operation
        per = operation.unit.split("/")[0].rstrip("s").replace("MiB", "chunk")
        ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
        yield (f"| `{figure.name}`: {operation.title} | {number(figure.value)} "
               f"{operation.unit} | {number(figure.limit)} | {ratio} | "
               f"{number(figure.reference_ratio)} | {figure.cpu * 1e6:,.0f} µs per {per} | "
               f"{figure.p50:.2f}, {figure.p99:.2f} | {verdict(figure)} |")


def generated(figures, facts):
    peaks = ", ".join(
        f"{name} {next(f.operation.peak_kib for f in figures if f.name == name) / 1024:.0f}"
        for name in ("login", "upload-c4", "sync", "sync-1000", "empty-sync",
                     "chunk-upload-c4", "chunk-download-c4"))
    share = max(figures, key=lambda figure: figure.client_share)
    yield f"{time.strftime('%d %B %Y', time.gmtime())}, {facts['machine']}; " \
          f"{facts['rounds']} rounds in {facts['seconds']:.0f} s; medians."
    yield ""
    yield "![Ratios as bars](benchmarks/server.svg)"
    for transport, title in (("plain", "HTTP/1.1"), ("tls", "HTTP/1.1 over TLS 1.3")):
        yield ""
        yield f"### {title}"
        yield ""
        yield from table(figures, transport)
    yield ""
    yield (f"Errors: {facts['errors']} of {facts['requests']:,} requests, with 1, 4 and 16 "
           f"connections. (The reference refuses more than nine of ten writes of four.)")
    yield ""
    yield (f"Memory: {facts['idle_kib'] / 1024:.1f} MiB when idle after start (goal: under 20 "
           f"MB), {facts['after_kib'] / 1024:.1f} MiB after everything; at most, in MiB, during: "
           f"{peaks}.")
    yield ""
    yield (f"The client used at most {share.client_share:.0%} of one core ({share.name}). A "
           f"chunk has {facts['chunk_bytes']:,} bytes: 1 MiB less what padding leaves free.")


def write(root, figures, facts):
    page = root / "docs" / "benchmarks.md"
    text = page.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(before + BEGIN + "\n" + "\n".join(generated(figures, facts)) + "\n" + END
                    + after)
    folder = root / "docs" / "benchmarks"
    folder.mkdir(exist_ok=True)
    (folder / "server.svg").write_text(plot(figures))
