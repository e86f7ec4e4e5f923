"""The sample stream: tokens per second of filling batches, and the time to seek, beside peers, in one run.

    python3 dev/bench_stream.py [--seconds 1] [--no-build]

Runs `runtime/data/examples/stream.rs` and, on the same token files, the recipe of Megatron's data sets in NumPy: for
each position the category and the sequence stand in index arrays, rows are cut out of memory maps. Both use one
thread. Without NumPy that peer is skipped. Prints a markdown table.
"""

import argparse
import os
import subprocess
import tempfile
import time

from machine import processor, wait_for_quiet

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BATCH = 16 << 10
FILES = 16
HEADER, TRAILER = 24, 16


def own(folder, seconds):
    program = os.path.join(TARGET, "release", "examples", "stream")
    out = subprocess.run([program, folder, str(seconds)], check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value, _ in (line.split() for line in out.splitlines())}


class Gather:
    """Megatron's way: index arrays written out for a run of `positions` sequences."""

    def __init__(self, np, folder, context, positions):
        self.np, self.context = np, context
        names = sorted(os.listdir(folder))
        self.maps = [np.memmap(os.path.join(folder, name), dtype="<u2", mode="r", offset=HEADER)[: -TRAILER // 2]
                     for name in names]
        random = np.random.default_rng(1)
        start = time.perf_counter()
        shares = np.arange(1, FILES + 1) / (FILES * (FILES + 1) / 2)
        self.which = random.choice(FILES, size=positions, p=shares).astype(np.int16)
        self.sample = np.empty(positions, dtype=np.int64)
        for i, tokens in enumerate(self.maps):
            places = np.flatnonzero(self.which == i)
            supply = (len(tokens) - 1) // context
            epochs = -(-len(places) // supply)
            order = np.concatenate([random.permutation(supply) for _ in range(max(1, epochs))])
            self.sample[places] = order[: len(places)]
        self.built = time.perf_counter() - start

    def batch(self, n):
        rows, context, np = BATCH // self.context, self.context, self.np
        first = n * rows % (len(self.which) - rows)
        cut = []
        for position in range(first, first + rows):
            start = int(self.sample[position]) * context
            cut.append(self.maps[self.which[position]][start:start + context + 1])
        text = np.stack(cut).astype(np.int64)
        return text[:, :-1], text[:, 1:]

    def speed(self, seconds):
        n, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            self.batch(n)
            n += 1
        return n * BATCH / (time.perf_counter() - start) / 1e6


def peer(folder, seconds):
    try:
        import numpy as np
    except ImportError:
        print("NumPy is missing: its rows are skipped")
        return {}
    found = {"numpy": np.__version__}
    for context in (128, 2048):
        gather = Gather(np, folder, context, 10_000_000_000 // context)
        found[f"gather/{context}"] = max(gather.speed(seconds) for _ in range(5))
        found[f"build/{context}"] = gather.built
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1, help="how long each of five rounds takes")
    parser.add_argument("--patience", type=float, default=60, help="how long to wait for a quiet machine, in seconds")
    parser.add_argument("--no-build", action="store_true", help="use what is built")
    a = parser.parse_args()
    if not a.no_build:
        build = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "vpc-data", "--example", "stream"]
        subprocess.run(build, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        own(folder, 0.01)
        wait_for_quiet(a.patience)
        seen = own(folder, a.seconds)
        seen |= peer(folder, a.seconds)
    print(f"{processor()}, one thread" + (f", NumPy {seen['numpy']}" if "numpy" in seen else ""))
    print("\n| | context 128 | context 2048 |\n|---|---|---|")
    rows = [
        ("`fill`, million tokens/s", "fill", ".0f"),
        ("the same with positions looked up in an index in memory", "index", ".0f"),
        ("the files in order", "in_order", ".0f"),
        ("copying 4-byte tokens in order", "memcpy", ".0f"),
        ("NumPy, memory maps and index arrays", "gather", ".1f"),
        ("building those arrays for 10¹⁰ tokens, s", "build", ".1f"),
        ("`at`, million positions/s in order", "at", ".1f"),
        ("`at`, million positions/s anywhere", "at_random", ".1f"),
        ("seek below 10¹² tokens, median, µs", "seek_median", ".1f"),
        ("99th percentile, µs", "seek_p99", ".1f"),
        ("worst of 200,000, µs", "seek_worst", ".0f"),
    ]
    for words, name, form in rows:
        if f"{name}/128" in seen:
            print(f"| {words} | {seen[f'{name}/128']:{form}} | {seen[f'{name}/2048']:{form}} |")


if __name__ == "__main__":
    main()
