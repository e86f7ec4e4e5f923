"""What the store costs a training job: the share of its time that goes into filing.

    python3 dev/bench_store.py [--minutes 3] [--rate 2500] [--every SECONDS]

Runs one model of 17.3 M parameters (69 MB of weights, 138 MB of optimiser state) for some minutes,
with checkpoints as often as the program chooses, or every so many seconds, and reads from the journal what of the job's time went into
writing, syncing and filing checkpoints and the result. Builds the release binary first.
"""

import argparse
import json
import os
import subprocess
import tempfile

from machine import processor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))

STUDY = """
category web {{ source: world(web, size: 8 MiB) }}
tokenizer bpe {{ vocabulary: 4096, data: web, sample: 1 MiB }}
scale m {{ layers: 8, width: 384, heads: 6, hidden: 1024, context: 256, batch: 8 }}
experiment e {{
  pretrain base {{ model: m, data: web, tokenizer: bpe, tokens: {tokens} }}
  eval fit {{ from: base, suite: held_out([web]) }}
}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="about how long to train")
    parser.add_argument("--rate", type=int, default=2500, help="tokens per second to expect")
    parser.add_argument("--every", type=int, help="seconds between two checkpoints; else as the program chooses")
    a = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    vpc = os.path.join(TARGET, "release", "vpc")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "s.vp"), "w") as f:
            f.write(STUDY.format(tokens=int(60 * a.minutes * a.rate)))
        every = [] if a.every is None else ["--checkpoint-every", str(a.every)]
        subprocess.run([vpc, "run", "s.vp", *every], cwd=folder, check=True)
        log = subprocess.run([vpc, "log", "--json"], cwd=folder, check=True, capture_output=True, text=True).stdout
        entries = [entry for line in log.splitlines() for entry in json.loads(line)["entries"]]
        job = next(entry for entry in entries if entry.get("kind") == "pretrain")
        took = job["took"]
        print(f"{processor()}, {os.cpu_count()} cores: {took['seconds']:.1f} s of training on {took['threads']} threads, "
              f"checkpoints {'as chosen' if a.every is None else f'every {a.every} s'}; {took['filing']:.2f} s of it filing: "
              f"{100 * took['filing'] / took['seconds']:.2f} %")


if __name__ == "__main__":
    main()
