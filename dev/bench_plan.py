"""Planning speed, vpc against ninja and Snakemake, interleaved: prints markdown tables.

    python3 -m venv target/peers && target/peers/bin/pip install ninja==1.13.0 snakemake==9.27.1
    python3 dev/bench_plan.py [--rounds 5] [--patience 20] [--no-build] [K …]

One study for all three: 10·K mixtures → 5 scales × 2 seeds of pretraining → 3 adaptations → 2 evaluations → 1 report.
For vpc it is a `.vp` file of 62 lines whatever K is; for ninja a build file with every job written out (writing it is not
timed); for Snakemake a Snakefile with wildcards. Nothing is computed: vpc plans, the others run dry. Before that, `vpc check`
of a study of a thousand lines, and `vpc fmt --check` of 5 MB of such studies.

Contenders take turns. Each waits up to `--patience` seconds for an idle machine. Processor seconds stand beside wall time,
for others' work changes them less. Peak memory is that of the process (`wait4`); less than the measuring Python's own, which
is printed first, cannot be told.
"""

import argparse
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import studies
from machine import processor, wait_for_quiet

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"))
PEERS = os.path.join(ROOT, "target", "peers", "bin")
VPC = os.path.join(TARGET, "release", "vpc")
OURS = "`vpc plan`, empty store"


def run(command, folder):
    """Wall seconds, processor seconds and peak MiB of one process, and what it wrote."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode()
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{text[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text


def measure(contenders, a):
    """Per contender, its runs; contenders take turns. Each is a name, a command, a folder and its rounds."""
    results = {name: [] for name, *_ in contenders}
    for number in range(max(rounds for *_, rounds in contenders)):
        for name, command, folder, rounds in contenders:
            if number < rounds:
                wait_for_quiet(a.patience, 0.5)
                result = run(command, folder)
                results[name].append(result)
                print(f"  {name}: {result[0]:.3f} s, {result[1]:.3f} s of processor, {result[2]:.0f} MiB",
                      file=sys.stderr, flush=True)
    return results


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def rows(results, against=None):
    """Table rows: best and median wall time, least processor time, peak memory, and the ratios of the best and the least."""
    for name, runs in results.items():
        best, used = (min(r[at] for r in runs) for at in (0, 1))
        ratio = "" if against is None else "".join(
            f" {value / min(r[at] for r in results[against]):.2f} |" for at, value in ((0, best), (1, used)))
        print(f"| {name} | {seconds(best)} | {seconds(statistics.median(r[0] for r in runs))} "
              f"| {seconds(used)} | {max(r[2] for r in runs):.0f} MiB | {len(runs)} |{ratio}", flush=True)


def peer(name):
    """A peer's program, or nothing, loudly."""
    found = shutil.which(name, path=PEERS) or shutil.which(name)
    if not found:
        print(f"SKIPPED: no {name}, neither in target/peers nor on the path; see the head of {__file__}", file=sys.stderr)
    return found


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def text(folder, a):
    """A study of a thousand lines, and five megabytes of text."""
    study, large = os.path.join(folder, "study.vp"), os.path.join(folder, "large.vp")
    studies.write_sections(study, lambda n, _: n == 11)
    studies.write_sections(large, lambda _, length: length >= 5_000_000)
    results = measure([
        ("`vpc --version`, for what a process costs", [VPC, "--version"], folder, 2 * a.rounds),
        ("`vpc check study.vp`", [VPC, "check", "study.vp"], folder, 2 * a.rounds),
        ("`vpc fmt --check large.vp`", [VPC, "fmt", "--check", "large.vp"], folder, a.rounds),
    ], a)
    with open(study) as f:
        lines = sum(1 for _ in f)
    size = os.path.getsize(large)
    print(f"\nstudy.vp: {lines:,} lines, {os.path.getsize(study):,} bytes, seven modules of the standard library; "
          f"{results['`vpc check study.vp`'][0][3].strip().split(': ')[-1]}. large.vp: {size:,} bytes, "
          f"{size / 1e6 / min(r[0] for r in results['`vpc fmt --check large.vp`']):.1f} MB/s, "
          f"{size / 1e6 / min(r[1] for r in results['`vpc fmt --check large.vp`']):.1f} MB per second of processor\n")
    print("| command | best | median | processor, least | peak memory | runs |")
    print("|---|---|---|---|---|---|")
    rows(results)


def plan(folder, k, ninja, snakemake, a):
    """The study with 10·K mixtures, in all three languages."""
    places = study, flat, grouped, built, snakes = [
        os.path.join(folder, name) for name in ("study", "flat", "grouped", "built", "snakes")
    ]
    for place in places:
        os.mkdir(place)
    rounds = a.rounds if k <= 100 else min(3, a.rounds)
    studies.write_study(os.path.join(study, "study.vp"), k)
    contenders = [
        (OURS, [VPC, "plan", "study.vp", "--store", "store"], study, rounds),
        ("`vpc check`", [VPC, "check", "study.vp"], study, rounds),
    ]
    if ninja:
        dry = [ninja, "-n", "--quiet"]
        studies.write_ninja(os.path.join(grouped, "build.ninja"), k, True)
        contenders.append(("`ninja -n`, nothing built, report of groups", dry, grouped, rounds))
        if k <= a.built:
            studies.write_ninja(os.path.join(flat, "build.ninja"), k, False)
            shutil.copy(os.path.join(flat, "build.ninja"), built)
            subprocess.run([ninja, "--quiet"], cwd=built, check=True, stdout=subprocess.DEVNULL)
            contenders.append(("`ninja -n`, nothing built", dry, flat, rounds if k < 100 else min(2, rounds)))
            contenders.append(("`ninja -n`, all built", dry, built, rounds))
    if snakemake and k <= a.snakes:
        studies.write_snakefile(os.path.join(snakes, "Snakefile"), k)
        contenders.append(("`snakemake -n -q`, nothing built", [snakemake, "-n", "-q"], snakes, min(3, rounds) if k < 10 else 1))
    results = measure(contenders, a)
    ours = re.search(r"([\d_]+) jobs\b", results["`vpc check`"][0][3])[1].replace("_", "")
    sizes = [os.path.getsize(os.path.join(study, "study.vp"))]
    if ninja:
        sizes.append(os.path.getsize(os.path.join(grouped, "build.ninja")))
    print(f"\n**K = {k}**: {studies.jobs(k):,} jobs as peers count them, {int(ours):,} as vpc does; "
          + " and build.ninja ".join(f"{size:,} bytes" for size in sizes).join(("study.vp ", "\n")))
    print("| contender | best | median | processor, least | peak memory | runs | best ÷ `vpc plan` | processor ÷ `vpc plan` |")
    print("|---|---|---|---|---|---|---|---|")
    rows(results, OURS)
    for place in places:
        shutil.rmtree(place)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sizes", nargs="*", type=int, default=[1, 10, 100, 625, 1000], metavar="K")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--patience", type=float, default=20)
    p.add_argument("--built", type=int, default=100, help="largest K for which ninja really builds, for its no-op")
    p.add_argument("--snakes", type=int, default=100, help="largest K that Snakemake plans; 10 and more once")
    p.add_argument("--no-build", action="store_true", help="measure the vpc that is there")
    a = p.parse_args()
    if not a.no_build:
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "vpc"], cwd=ROOT, check=True)
    ninja, snakemake = peer("ninja"), peer("snakemake")
    peers = "".join(f", {name} {version(program)}" for name, program in (("ninja", ninja), ("snakemake", snakemake)) if program)
    rust = subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[1]
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{processor()}, {os.cpu_count()} cores, {platform.system()}, {' '.join(platform.libc_ver())}; rustc {rust}{peers}, "
          f"Python {platform.python_version()}; memory below {own:.0f} MiB cannot be told")
    with tempfile.TemporaryDirectory(prefix="vpc-bench-") as folder:
        text(folder, a)
        for k in a.sizes:
            plan(folder, k, ninja, snakemake, a)


if __name__ == "__main__":
    main()
