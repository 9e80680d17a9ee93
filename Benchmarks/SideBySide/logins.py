#!/usr/bin/env python3
"""Measures the effect of many logins on existing streams: a stream at a steady rate, pings, and bulk through the tunnel. Each is
measured alone, beside a process that only counts, and while `Ladder logins` logs in to the server as fast as it can.

    logins.py --rounds 5 --rate 300

The clients that log in stand for other machines, and so get only the processor time that is left over (SCHED_IDLE); the server's part
of the logins is not restricted. The counting process has the same scheduling policy as the clients. Streams lose as much to any other
work on the machine as to the counting process; only a further loss is caused by the logins. The program needs root, for a network
namespace of its own, and release builds of sallyport and Ladder.
"""
import argparse
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import alternate
import bench

BLOCK = bytes(64 << 10)


def steady(tunnel, rate, seconds):
    """The MB/s that reach the target from a stream that sends at `rate` MB/s."""
    s = socket.create_connection(("127.0.0.1", tunnel.port))
    s.sendall(struct.pack("<B63x", ord("S")))
    reports = []

    def hear():
        data = b""
        while chunk := s.recv(4096):
            data += chunk
            while len(data) >= 16:
                reports.append(struct.unpack("<QQ", data[:16]))
                data = data[16:]

    listener = threading.Thread(target=hear)
    listener.start()
    begin, sent = time.monotonic(), 0
    while (passed := time.monotonic() - begin) < seconds:
        if sent > passed * rate * 1e6:
            time.sleep(0.0005)
        else:
            sent += s.send(BLOCK)
    s.shutdown(socket.SHUT_WR)
    listener.join()
    s.close()
    # The count and the clock are the target's, from half a second on.
    (b0, t0), (b1, t1) = next(r for r in reports if r[1] - reports[0][1] > 5e8), reports[-2]
    return (b1 - b0) / (t1 - t0) * 1000


def stand_back():
    """Restricts the process to the processor time that is left over. Linux first shares the processors among sessions
    (sched(7), autogroup): the nice value of the session restricts it there. Within the session, SCHED_IDLE restricts it."""
    os.setsid()
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        with open("/proc/self/autogroup", "w") as group:
            group.write("19")
    except OSError:
        pass            # the kernel has no autogroups: SCHED_IDLE is enough


def login_load(tunnel, seconds):
    ladder = os.path.abspath(".build/release/Ladder")
    return subprocess.Popen([ladder, "logins", f"127.0.0.1:{bench.LINK}", "bench",
                             str(tunnel.dir / "password"), "--seconds", str(seconds), "--in-flight", "6"], stdout=subprocess.PIPE, text=True,
                            preexec_fn=stand_back)


def count(seconds):
    return subprocess.Popen(["timeout", str(seconds), "sh", "-c", "while :; do :; done"], preexec_fn=stand_back)


def compared(figures, alone):
    """The median of the figures, and the median of their ratios to the figures measured alone in the same round."""
    return f"{statistics.median(figures):.4g} | {statistics.median(b / a for a, b in zip(alone, figures)):.2f}"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--rate", type=int, default=300, help="of the steady stream, MB/s")
    ap.add_argument("--congestion", help="congestion control of the loopback interface, such as cubic")
    args = ap.parse_args()
    if not os.environ.get("LOGINS_INSIDE"):
        os.environ["LOGINS_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    bench.build()
    bench.loopback_up(args.congestion)
    figures = {}
    tunnel = alternate.start(["sallyport"])["sallyport"]

    def ping(streams):
        found = tunnel.measure("ping", streams, 2)
        return {"p50": found["p50_us"], "p99": found["p99_us"]}

    operations = {
        "steady, MB/s": lambda: {"": steady(tunnel, args.rate, 2.5)},
        "ping, us": lambda: ping(1),
        "ping of 100, us": lambda: ping(100),
        "bulk, MB/s": lambda: {"": tunnel.measure("bulk", "up", 1, 2)["MBps"]},
    }
    try:
        for _ in range(args.rounds):
            for name, what in operations.items():
                alone = what()
                process = count(3)
                time.sleep(1.2)
                counting = what()
                process.wait()
                process = login_load(tunnel, 3)
                time.sleep(1.2)         # by now the password is stretched, and the logins have begun
                beside = what()
                logins = json.loads(process.communicate()[0])
                for key in alone:
                    row = (alone[key], counting[key], beside[key], logins["per_s"], logins["failed"])
                    figures.setdefault(f"{name} {key}".strip(), []).append(row)
    finally:
        tunnel.close()
    print("| what | alone | beside one that counts | ratio | beside logins | ratio | logins/s | failed |")
    print("|---|---|---|---|---|---|---|---|")
    for name, rows in figures.items():
        alone, counting, beside, rate, failed = ([row[i] for row in rows] for i in range(5))
        print(f"| {name} | {statistics.median(alone):.4g} | {compared(counting, alone)} | {compared(beside, alone)} | "
              f"{statistics.median(rate):.4g} | {sum(failed)} |")


if __name__ == "__main__":
    main()
