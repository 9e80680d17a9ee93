#!/usr/bin/env python3
"""Draws the medians of bench.py's results: one panel for each figure, one bar for each peer.

    plot.py results.jsonl > performance.svg
"""

import json
import statistics
import sys
from collections import defaultdict

PANELS = [
    ("Bulk, 1 stream up, MB/s", "bulk up 1: MB/s", 1),
    ("Bulk, 8 streams down, MB/s", "bulk down 8: MB/s", 1),
    ("Bulk, 1 stream up, CPU s/GB (less is better)", "bulk up 1: CPU s/GB", 1),
    ("Connections/s, 64 in flight", "conns 64: /s", 1),
    ("100 streams ask, p99 in ms (less is better)", "ping 100: p99 us", 1000),
    ("Memory of an idle stream, both ends, KiB (less is better)", "idle 1000: RSS B/stream", 1024),
]
ORDER = ["sallyport", "stunnel", "haproxy", "haproxy_64k", "nginx", "ssh", "shadowsocks", "spiped",
         "relay_crypt", "haproxy_plain"]
COLOURS = {"sallyport": "#1f6f54", "relay_crypt": "#c4c4c4", "haproxy_plain": "#c4c4c4"}
WIDTH, ROW, LABEL, BARS = 420, 17, 100, 230


def medians(path):
    found = defaultdict(lambda: defaultdict(list))
    with open(path) as lines:
        for line in lines:
            result = json.loads(line)
            for figure, value in result["figures"].items():
                found[figure][result["peer"]].append(value)
    return {f: {p: statistics.median(v) for p, v in peers.items()} for f, peers in found.items()}


def panel(title, values, scale, x, y):
    peers = [p for p in ORDER if values.get(p) is not None]
    most = max(values[p] for p in peers)
    yield f'<text x="{x}" y="{y}" class="title">{title}</text>'
    for row, peer in enumerate(peers):
        top = y + 10 + row * ROW
        length = max(1, values[peer] / most * BARS)
        value = values[peer] / scale
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.0f}"
        yield f'<text x="{x + LABEL - 6}" y="{top + 12}" text-anchor="end">{peer}</text>'
        yield (f'<rect x="{x + LABEL}" y="{top + 2}" width="{length:.0f}" height="{ROW - 4}" '
               f'fill="{COLOURS.get(peer, "#8fa9c4")}"/>')
        yield f'<text x="{x + LABEL + length + 5:.0f}" y="{top + 12}">{shown}</text>'


def main():
    figures = medians(sys.argv[1])
    height = 40 + len(ORDER) * ROW
    rows = (len(PANELS) + 1) // 2
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH + 20} {rows * height + 10}" '
          f'font-family="sans-serif" font-size="11" fill="#222">')
    print('<style>.title{font-weight:bold;font-size:12px}</style>')
    print('<rect width="100%" height="100%" fill="#fff"/>')
    for index, (title, figure, scale) in enumerate(PANELS):
        x, y = 10 + index % 2 * WIDTH, 22 + index // 2 * height
        print("\n".join(panel(title, figures[figure], scale, x, y)))
    print("</svg>")


if __name__ == "__main__":
    main()
