"""Many small trainings: `vpc run`, against the same ones one after the other, and as PyTorch scripts.

    python dev/bench_many.py [--rounds 3] [--patience 60] [--compile] [--no-build]

Eight trainings: four of *nano* with 400k tokens each and four of *micro* with 200k. Text, tokenizer and tokens are made beforehand.
Contenders take turns, each waiting for a quiet machine; what others took of the processors meanwhile is told. A PyTorch script is
a process that imports torch and trains `dev/llama.py` on tokens in memory, with fused AdamW, no clipping, and nothing written at
its end. Prints a markdown table, and whether vpc's models were the same bits side by side and alone.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from machine import busy, processor, wait_for_quiet

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VPC = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "release", "vpc")
CORES = os.cpu_count()

STUDY = """\
use std.scales
use std.world
tokenizer bpe { vocabulary: 512, data: web, sample: 1 MiB }
experiment e {
  vary seed: 1..4
  pretrain of_nano  { model: nano, data: web, tokenizer: bpe, tokens: 400k, seed: seed }
  pretrain of_micro { model: micro, data: web, tokenizer: bpe, tokens: 200k, seed: seed }
}
"""
# Layers, width, heads, hidden, context, batch and rate of std.scales; tokens as above.
SCALES = {"nano": (2, 64, 4, 176, 128, 16, 0.004, 400_000), "micro": (4, 128, 4, 344, 128, 16, 0.002, 200_000)}
JOBS = [(scale, seed) for scale in SCALES for seed in range(1, 5)]


def train(scale, seed, threads, mode):
    """One PyTorch script."""
    import torch

    from llama import Llama, optimizer, shape

    layers, width, heads, hidden, context, batch, rate, tokens = SCALES[scale]
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    model = Llama(shape(layers, width, heads, heads, hidden, context, 512, batch)["model"], fused=True)
    forward = torch.compile(model) if mode == "compile" else model
    opt = optimizer(model, rate, 0.9, 0.95, 1e-8, 0.1)
    text = torch.randint(0, 512, (1 << 22,))
    for step in range(-(-tokens // (batch * context))):
        at = step * batch * context % (len(text) - batch * context - 1)
        rows = text[at : at + batch * context + 1]
        loss = forward(rows[:-1].view(batch, context), rows[1:].view(batch, context))
        loss.backward()
        opt.step()
        opt.zero_grad(set_to_none=True)
        loss.item()


def script(scale, seed, threads, mode):
    command = [sys.executable, os.path.abspath(__file__), "--script", scale, str(seed), str(threads), mode]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(command, env=environment)


def scripts(threads, at_once, mode):
    """Eight scripts, so many at a time."""
    waiting, running = list(JOBS), []
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(script(*waiting.pop(0), threads, mode))
        if running[0].wait() != 0:
            sys.exit("a script failed")
        running.pop(0)


def vpc(folder, *arguments):
    done = subprocess.run([VPC, *arguments], cwd=folder, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    if done.returncode != 0:
        sys.exit(f"vpc {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stderr


def one_by_one(folder):
    for scale, seed in JOBS:
        vpc(folder, "run", "x.vp", "--device", "cpu", "--only", f"e/of_{scale}[seed={seed}]")


def objects(folder):
    """What a store holds, by content."""
    return {name for _, _, names in os.walk(os.path.join(folder, ".vp", "objects")) for name in names}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=60)
    parser.add_argument("--compile", action="store_true", help="torch.compile as well, its cache kept from job to job")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--script", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.script:
        scale, seed, threads, mode = options.script
        return train(scale, int(seed), int(threads), mode)
    if not options.no_build:
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as base:
        ready = os.path.join(base, "ready")
        os.mkdir(ready)
        with open(os.path.join(ready, "x.vp"), "w") as f:
            f.write(STUDY)
        vpc(ready, "run", "x.vp", "--only", "tokens")
        kept = {}

        def ours(name, run):
            folder = os.path.join(base, f"{name}_{len(os.listdir(base))}")
            shutil.copytree(ready, folder, symlinks=True)
            start = time.perf_counter()
            run(folder)
            seconds = time.perf_counter() - start
            kept.setdefault(name, []).append(objects(folder) - objects(ready))
            return seconds

        def theirs(*how):
            start = time.perf_counter()
            scripts(*how)
            return time.perf_counter() - start

        contenders = {
            "vpc run": lambda: ours("beside", lambda folder: vpc(folder, "run", "x.vp", "--device", "cpu")),
            "vpc run, one after the other": lambda: ours("alone", one_by_one),
            "PyTorch, one after the other": lambda: theirs(CORES, 1, "eager"),
            f"PyTorch, {CORES} at a time, one thread each": lambda: theirs(1, CORES, "eager"),
        }
        if options.compile:
            contenders["torch.compile, one after the other"] = lambda: theirs(CORES, 1, "compile")
        times = {name: [] for name in contenders}
        others = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, run in contenders.items():
                wait_for_quiet(options.patience)
                before, clock = busy(), os.times()
                times[name].append(run())
                print(f"{name}: {times[name][-1]:.1f} s", file=sys.stderr, flush=True)
                now = os.times()
                own = now.children_user + now.children_system - clock.children_user - clock.children_system
                others[name].append(max(0.0, busy() - before - own) / ((now.elapsed - clock.elapsed) * CORES))
        print(f"\n{processor()}, {CORES} threads\n")
        print("| contender | best s | median s | best ÷ vpc run | median ÷ vpc run | others took at most |")
        print("|---|---|---|---|---|---|")
        best, median = min(times["vpc run"]), statistics.median(times["vpc run"])
        for name, seconds in times.items():
            print(
                f"| {name} | {min(seconds):.1f} | {statistics.median(seconds):.1f} | {min(seconds) / best:.2f} | "
                f"{statistics.median(seconds) / median:.2f} | {max(others[name]):.0%} |"
            )
        checkpoints = kept["beside"] + kept["alone"]
        same = all(found == checkpoints[0] for found in checkpoints)
        print(f"\nmodels of all runs, side by side and alone: {'the same bits' if same else 'NOT the same bits'}")


if __name__ == "__main__":
    main()
