"""Planning speed, vpc against ninja and Snakemake, interleaved: prints markdown tables.

    python3 -m venv target/peers && target/peers/bin/pip install ninja==1.13.0 snakemake==9.27.1
    python3 dev/bench_plan.py [--rounds 5] [--patience 20] [--only plan parse check million] [K …]

One study for all three: 10·K mixtures → 5 scales × 2 seeds of pretraining → 3 adaptations → 2 evaluations → 1 report.
For vpc it is a `.vp` file of 49 lines whatever K is; for ninja a build file with every job written out (writing it is not
timed); for Snakemake a Snakefile with wildcards. Nothing is computed: vpc plans, the others run dry.

Contenders take turns. Each waits up to `--patience` seconds for an idle machine. Processor seconds stand beside wall time,
for others' work changes them less. Peak memory is that of the process (`wait4`); what is below that of the measuring
Python, printed first, is not resolved.
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

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"))
PEERS = os.path.join(TARGET, "peers", "bin")
VPC = os.path.join(TARGET, "release", "vpc")

SCALES = ["s340M", "s1B", "s3B", "s7B", "s13B"]
SEEDS = [1, 2]
SETUPS = ["narrow", "deep", "blind"]
EVALS = ["saw", "named"]

STUDY = """\
# {jobs} jobs as a build tool would count them.

use std.scales

category web   {{ source: planned("web"), supply: 500B }}
category code  {{ source: planned("code"), supply: 100B }}
category math  {{ source: planned("math"), supply: 50B }}
category books {{ source: planned("books"), supply: 50B }}

mixture plain {{ web: 70%, code: 10%, math: 0%, books: 20% }}
mixture exact {{ web: 20%, code: 50%, math: 25%, books: 5% }}

tokenizer bpe {{ vocabulary: 32_000, data: plain }}

encoder eye {{ family: clip, layers: 12, width: 768, heads: 12, patch: 16, image: 224, weights: planned("eye") }}

dataset pictures {{ source: planned("pictures"), items: 1M }}

adaptation narrow {{
  encoder: eye
  stage join {{ data: pictures, train: [projector], rate: 0.001 }}
}}
adaptation deep = narrow with {{ join.train: [projector, model] }}
adaptation blind = narrow with {{ join.images: false }}

benchmark seeing {{ data: planned("seeing"), items: 1000, format: choice }}
benchmark naming {{ data: planned("naming"), items: 1000, format: short_answer }}

suite sees  {{ group seen {{ benchmarks: [seeing] }} }}
suite names {{ group named {{ benchmarks: [naming] }} }}

experiment study {{
  vary i:     0..{last}
  vary scale: [{scales}]
  vary seed:  1..2
  vary setup: [narrow, deep, blind]

  pretrain base {{ model: scale, data: lerp(plain, exact, i / {mixtures}), tokenizer: bpe, tokens: 30B, seed: seed }}
  adapt sight {{ from: base, setup: setup, seed: seed }}
  eval saw   {{ from: sight, suite: sees }}
  eval named {{ from: sight, suite: names }}

  report summary {{
    table scores {{ cells: [saw.overall, named.overall], rows: i, columns: [scale, setup] }}
  }}
}}
"""

SNAKEFILE = """\
MIXTURES = range({mixtures})
SCALES = {scales}
SEEDS = {seeds}
SETUPS = {setups}
EVALS = {evals}

rule report:
    input: expand("eval/{{e}}.{{i}}.{{scale}}.{{seed}}.{{setup}}", e=EVALS, i=MIXTURES, scale=SCALES, seed=SEEDS, setup=SETUPS)
    output: "report"
    shell: "touch {{output}}"

rule mixture:
    output: "mixture/{{i}}"
    shell: "touch {{output}}"

rule pretrain:
    input: "mixture/{{i}}"
    output: "base/{{i}}.{{scale}}.{{seed}}"
    shell: "touch {{output}}"

rule adapt:
    input: "base/{{i}}.{{scale}}.{{seed}}"
    output: "sight/{{i}}.{{scale}}.{{seed}}.{{setup}}"
    shell: "touch {{output}}"

rule eval:
    input: "sight/{{i}}.{{scale}}.{{seed}}.{{setup}}"
    output: "eval/{{e}}.{{i}}.{{scale}}.{{seed}}.{{setup}}"
    shell: "touch {{output}}"
"""


def jobs(k):
    """How many jobs a build tool counts."""
    return 10 * k * (1 + 10 * (1 + 3 * (1 + 2))) + 1


# The study in three languages.


def write_study(path, k):
    with open(path, "w") as f:
        f.write(STUDY.format(jobs=jobs(k), last=10 * k - 1, mixtures=10 * k, scales=", ".join(SCALES)))


def write_snakefile(path, k):
    with open(path, "w") as f:
        f.write(SNAKEFILE.format(mixtures=10 * k, scales=SCALES, seeds=SEEDS, setups=SETUPS, evals=EVALS))


def write_ninja(path, k):
    with open(path, "w") as f:
        f.write("rule run\n  command = touch $out\n\n")
        for i in range(10 * k):
            f.write(f"build mixture/{i}: run\n")
            for scale in SCALES:
                for seed in SEEDS:
                    f.write(f"build base/{i}.{scale}.{seed}: run mixture/{i}\n")
                    for setup in SETUPS:
                        run = f"{i}.{scale}.{seed}.{setup}"
                        f.write(f"build sight/{run}: run base/{i}.{scale}.{seed}\n")
                        for e in EVALS:
                            f.write(f"build eval/{e}.{run}: run sight/{run}\n")
        f.write("build report: run")
        for i in range(10 * k):
            for e in EVALS:
                for scale in SCALES:
                    for seed in SEEDS:
                        for setup in SETUPS:
                            f.write(f" eval/{e}.{i}.{scale}.{seed}.{setup}")
        f.write("\n")


# Measuring.


def busy():
    """Processor seconds used by the whole machine since it started."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, *_ = map(int, f.readline().split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet(patience):
    """Returns once the machine was over 95 % idle for half a second, or patience is at an end."""
    end = time.time() + patience
    while time.time() < end:
        before = busy()
        time.sleep(0.5)
        if busy() - before < 0.025 * os.cpu_count():
            return


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
                wait_for_quiet(a.patience)
                result = run(command, folder)
                results[name].append(result)
                print(f"  {name}: {result[0]:.3f} s, {result[1]:.3f} s of processor, {result[2]:.0f} MiB",
                      file=sys.stderr, flush=True)
    return results


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def rows(results, against=None):
    """Table rows: best and median wall time, least processor time, peak memory, and the ratio of best times."""
    for name, runs in results.items():
        best = min(r[0] for r in runs)
        ratio = f" {best / min(r[0] for r in results[against]):.2f} |" if against else ""
        print(f"| {name} | {seconds(best)} | {seconds(statistics.median(r[0] for r in runs))} "
              f"| {seconds(min(r[1] for r in runs))} | {max(r[2] for r in runs):.0f} MiB | {len(runs)} |{ratio}", flush=True)


# What is measured.


def peer(name):
    """A peer's program, or nothing, loudly."""
    found = shutil.which(name, path=PEERS) or shutil.which(name)
    if not found:
        print(f"SKIPPED: no {name}; `python3 -m venv target/peers && target/peers/bin/pip install ninja snakemake`",
              file=sys.stderr)
    return found


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def plan(folder, k, ninja, snakemake, a):
    """The study with 10·K mixtures, in all three languages."""
    study, cold, done, snakes = (os.path.join(folder, f"{name}{k}") for name in ("study", "cold", "done", "snakes"))
    for place in (study, cold, done, snakes):
        os.mkdir(place)
    write_study(os.path.join(study, "study.vp"), k)
    contenders = [
        ("`vpc plan`, empty store", [VPC, "plan", "study.vp", "--store", "store"], study, a.rounds),
        ("`vpc check`", [VPC, "check", "study.vp"], study, a.rounds),
    ]
    if ninja:
        write_ninja(os.path.join(cold, "build.ninja"), k)
        dry = [ninja, "-n", "--quiet"]
        contenders.append(("`ninja -n`, nothing built", dry, cold, a.rounds))
        if k <= a.built:
            shutil.copy(os.path.join(cold, "build.ninja"), done)
            subprocess.run([ninja, "--quiet"], cwd=done, check=True, stdout=subprocess.DEVNULL)
            contenders.append(("`ninja -n`, all built", dry, done, a.rounds))
    if snakemake and k <= a.snakes:
        write_snakefile(os.path.join(snakes, "Snakefile"), k)
        contenders.append(("`snakemake -n -q`, nothing built", [snakemake, "-n", "-q"], snakes, min(3, a.rounds) if k < 10 else 1))
    results = measure(contenders, a)
    ours = re.search(r"([\d_]+) jobs?; `--jobs`", results["`vpc plan`, empty store"][0][3])
    size = os.path.getsize(os.path.join(study, "study.vp"))
    print(f"\n**K = {k}**: {jobs(k):,} jobs as peers count them, {int(ours[1].replace('_', '')):,} as vpc does; study.vp "
          f"{size:,} bytes" + (f", build.ninja {os.path.getsize(os.path.join(cold, 'build.ninja')):,}" if ninja else "") + "\n")
    print("| contender | best | median | processor, least | peak memory | runs | best ÷ `vpc plan` |")
    print("|---|---|---|---|---|---|---|")
    rows(results, "`vpc plan`, empty store")
    for place in (study, cold, done, snakes):
        shutil.rmtree(place)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sizes", nargs="*", type=int, default=[1, 10, 100], metavar="K")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--patience", type=float, default=20)
    p.add_argument("--built", type=int, default=100, help="largest K that ninja really builds, for its no-op")
    p.add_argument("--snakes", type=int, default=10, help="largest K that Snakemake plans; 10 and more once")
    p.add_argument("--no-build", action="store_true", help="measure the vpc that is there")
    a = p.parse_args()
    if not a.no_build:
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "vpc"], cwd=ROOT, check=True)
    ninja, snakemake = peer("ninja"), peer("snakemake")
    with tempfile.TemporaryDirectory(prefix="vpc-bench-") as folder:
        for k in a.sizes:
            plan(folder, k, ninja, snakemake, a)


if __name__ == "__main__":
    main()
