#!/usr/bin/env python3
"""Compares tunnels in pairs: all of them run at the same time, and short measurements alternate between them in an order that
changes each round. Changes of the machine's speed affect all of them alike. So differences of a few hundredths become visible,
which `bench.py`, which measures one tunnel after the other, cannot separate from noise. Figures of the same setting have differed
by several hundredths from one start of the tunnels to the next: `--restart-every N` restarts them every N rounds.

    alternate.py sallyport:resume-buffer=off sallyport --rounds 40 --operations bulk:up:1 bulk:down:8 ping:1 conns:16
    alternate.py sallyport@/tmp/before/sallyport sallyport --rounds 40 --restart-every 5

The other tunnels are compared with the first one. For each figure the output shows the median, and the median of the rounds'
ratios with the middle 95 % of the medians that resampling the rounds gives. `sallyport:KEY=VALUE+KEY=VALUE` puts these lines at the
beginning of both configuration files (`SECTION.KEY`: into these sections). `sallyport@PATH` uses another binary, and
`sallyport@PATH:KEY=VALUE` combines the two. Operations: bulk:up|down:STREAMS, ping:STREAMS, pingbulk (one stream beside bulk),
conns:IN_FLIGHT. The program needs root, for a network namespace of its own.
"""
import argparse
import json
import os
import random
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench
import peers


def start(names):
    """Starts each tunnel with three ports of its own."""
    tunnels = {}
    for index, name in enumerate(names):
        peers.variant(name)
        bench.ENTRY, bench.LINK, bench.TARGET = (21101 + 10 * index + i for i in range(3))
        tunnels[name] = bench.Tunnel(name)
    return tunnels


def close(tunnels):
    for tunnel in tunnels.values():
        tunnel.close()
    tunnels.clear()


def measure(tunnel, operation, seconds):
    """One measurement: {figure: value}."""
    kind, *rest = operation.split(":")
    if kind == "bulk":
        r = tunnel.measure("bulk", rest[0], int(rest[1]), seconds)
        figures = {"MB/s": r["MBps"], "CPU s/GB": bench.tunnel_cores(r) / (r["MBps"] / 1000)}
        if int(rest[1]) > 1:
            figures["slowest/fastest"] = r["slowest_MBps"] / r["fastest_MBps"]
        return figures
    if kind == "ping":
        r = tunnel.measure("ping", int(rest[0]), seconds)
        return {"p50 us": r["p50_us"], "p99 us": r["p99_us"]}
    if kind == "pingbulk":
        other = tunnel.load("bulk", "down", 1, seconds + 1.5)
        other.stdout.readline()
        r = tunnel.measure("ping", 1, seconds)
        bulk = json.loads(other.stdout.readline())["MBps"]
        other.wait()
        return {"p50 us": r["p50_us"], "p99 us": r["p99_us"], "bulk MB/s": bulk}
    if kind == "conns":
        r = tunnel.measure("conns", int(rest[0]), seconds)
        return {"/s": r["per_s"], "p99 us": r["p99_us"], "CPU us each": bench.tunnel_cores(r) / r["per_s"] * 1e6}
    raise SystemExit(f"no such operation: {operation}")


def spread(ratios):
    """The median of the ratios, and the middle 95 % of the medians of resampled rounds."""
    drawn = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(1000))
    return f"{statistics.median(ratios):.3f} [{drawn[25]:.3f} {drawn[974]:.3f}]"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("peers", nargs="+")
    ap.add_argument("--rounds", type=int, default=20)
    ap.add_argument("--seconds", type=float, default=0.6)
    ap.add_argument("--operations", nargs="+", default=["bulk:up:1", "bulk:down:1", "bulk:up:8", "bulk:down:8"])
    ap.add_argument("--restart-every", type=int, metavar="N", help="restart the tunnels every N rounds (default: never)")
    ap.add_argument("--congestion", help="congestion control inside the namespace: cubic, bbr (default: the machine's)")
    args = ap.parse_args()
    if not os.environ.get("ALTERNATE_INSIDE"):
        os.environ["ALTERNATE_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    bench.loopback_up(args.congestion)
    bench.build()
    tunnels, figures = {}, {}
    try:
        for number in range(args.rounds):
            if args.restart_every and number % args.restart_every == 0:
                close(tunnels)
            tunnels = tunnels or start(args.peers)
            for operation in args.operations:
                found = {}
                for name in random.sample(args.peers, len(args.peers)):
                    found[name] = measure(tunnels[name], operation, args.seconds)
                for name, values in found.items():
                    for figure, value in values.items():
                        figures.setdefault((operation, figure), {}).setdefault(name, []).append(value)
    finally:
        close(tunnels)
    width = max(len(name) for name in args.peers)
    for (operation, figure), values in figures.items():
        print(f"{operation} {figure}")
        base = values[args.peers[0]]
        for name in args.peers:
            ratios = [value / of for value, of in zip(values[name], base) if of]
            print(f"  {name:{width}}  {statistics.median(values[name]):10.4g}   {spread(ratios)}")


if __name__ == "__main__":
    main()
