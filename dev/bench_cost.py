"""How well `vpc plan` foretells the time of `vpc run`: prints a markdown table, predicted against real.

    python3 dev/bench_cost.py [--rounds 3] [--patience 60] [--nice N] [--no-build] [STUDY …]

For each study and round it waits up to `--patience` seconds for an idle machine, calibrates (`vpc calibrate`), asks the plan how
long it takes, and runs it; a run of which others took more than `--disturbed` of the processors, meanwhile or in the
calibration, is told and not counted. The studies: one run of each of two sizes on all threads, several runs side by side, and
a study of all kinds of jobs that run on this machine. Real time is the command's own, "… jobs done in … s"; of training, what
the journal says of each run. What other processes took of the processors meanwhile stands beside it.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

from machine import busy, processor, wait_for_quiet

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VPC = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "release", "vpc")

HEAD = """\
use std.scales
use std.world
tokenizer bpe { vocabulary: 512, data: web, sample: 1 MiB }
experiment e {
"""

RUNS = "  vary seed: 1..%d\n  pretrain base { model: %s, data: web, tokenizer: bpe, tokens: %s, seed: seed }\n}\n"

STUDIES = {
    "nano, alone": HEAD + RUNS % (1, "nano", "1M"),
    "micro, alone": HEAD + RUNS % (1, "micro", "500k"),
    "nano, 4 side by side": HEAD + RUNS % (4, "nano", "500k"),
    "micro, 4 side by side": HEAD + RUNS % (4, "micro", "300k"),
    "mini, alone": HEAD + RUNS % (1, "mini", "100k"),
    "quickstart": open(os.path.join(ROOT, "experiments", "quickstart.vp")).read(),
}


def vpc(folder, *arguments):
    """What a command wrote; its calibration is in the folder, too."""
    environment = {**os.environ, "XDG_CACHE_HOME": os.path.join(folder, "cache"), "NO_COLOR": "1"}
    done = subprocess.run([VPC, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"vpc {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout, done.stderr


def watched(folder, *arguments):
    """What a command told, and the share of the processors that others took meanwhile."""
    before, clock = busy(), os.times()
    told = vpc(folder, *arguments)[1]
    after = os.times()
    own = after.children_user + after.children_system - clock.children_user - clock.children_system
    return told, max(0.0, busy() - before - own) / ((after.elapsed - clock.elapsed) * os.cpu_count())


def training_of(entries):
    """Seconds of training that the journal tells."""
    jobs = [entry for entry in entries if entry.get("kind") == "pretrain" and entry.get("took")]
    return sum(job["took"]["seconds"] for job in jobs)


def measure(folder, name, text):
    """Predicted and real seconds, of the whole and of training alone, and what others took meanwhile."""
    place = re.sub(r"\W+", "_", name)
    with open(os.path.join(folder, f"{place}.vp"), "w") as f:
        f.write(text)
    store = ["--store", os.path.join(folder, f"store_{place}_{os.urandom(4).hex()}")]
    plan = json.loads(vpc(folder, "plan", f"{place}.vp", "--json", *store)[0])
    costs = plan["costs"]
    kinds = {job["key"]: job["kind"] for job in plan["plan"]["jobs"]}
    predicted = sum(job["seconds"] for key, job in costs["jobs"].items() if kinds[key] == "pretrain")
    told, others = watched(folder, "run", f"{place}.vp", *store)
    wall = float(re.search(r"jobs? done.* in ([\d.]+) s", told)[1])
    log = json.loads(vpc(folder, "log", "--json", *store)[0].strip().splitlines()[-1])
    return costs["wall_seconds"], wall, predicted, training_of(log["entries"]), others


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("studies", nargs="*", default=list(STUDIES), metavar="STUDY")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--patience", type=float, default=60)
    p.add_argument("--nice", type=int, default=0, metavar="N", help="priority; below 0 others wait for what is measured")
    p.add_argument("--disturbed", type=float, default=0.1, metavar="SHARE")
    p.add_argument("--no-build", action="store_true", help="measure the vpc that is there")
    a = p.parse_args()
    if not a.no_build:
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "vpc"], cwd=ROOT, check=True)
    os.nice(a.nice)
    print(f"{processor()}, {os.cpu_count()} cores\n")
    print("| study | round | predicted | real | ratio | training predicted | real | ratio | others |")
    print("|---|---|---|---|---|---|---|---|---|")
    ratios = {name: [] for name in a.studies}
    with tempfile.TemporaryDirectory(prefix="vpc-cost-") as folder:
        for number in range(a.rounds):
            for name in a.studies:
                wait_for_quiet(a.patience)
                _, disturbed = watched(folder, "calibrate")
                plan, real, training, trained, others = measure(folder, name, STUDIES[name])
                others = max(others, disturbed)
                if others <= a.disturbed:
                    ratios[name].append((plan / real, training / trained))
                print(f"| {name} | {number + 1} | {plan:.1f} s | {real:.1f} s | {plan / real:.2f} | {training:.1f} s "
                      f"| {trained:.1f} s | {training / trained:.2f} | {others:.0%} |", flush=True)
    print("\n| study | rounds that count | median ratio | of training |\n|---|---|---|---|")
    for name, found in ratios.items():
        medians = " | ".join(f"{statistics.median(column):.2f}" for column in zip(*found)) or "– | –"
        print(f"| {name} | {len(found)} | {medians} |")


if __name__ == "__main__":
    main()
