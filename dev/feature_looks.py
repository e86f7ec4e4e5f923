"""How many looks at pictures a store's stages and benchmarks took, and how many its encoders.

    python dev/feature_looks.py .vp

Reads the manifests of the finished jobs. Development only.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path


def main(store):
    jobs = {}
    for path in Path(store, "jobs").glob("*/*.json"):
        manifest = json.loads(path.read_text())["manifest"]
        jobs[manifest["key"]] = manifest
    kinds = defaultdict(lambda: [0, 0.0])
    looked, views = 0, 0
    for job in jobs.values():
        kind = kinds[job["kind"]]
        kind[0] += 1
        kind[1] += job["made"].get("seconds", 0.0)
        if job["kind"] == "features":
            looked += job["metrics"]["pictures"]
        roles = dict(job["inputs"])
        if job["kind"] in ("stage", "answers") and "features" in roles:
            found = jobs[roles["items"]]["metrics"]
            shown = found.get("with_picture", found["items"])
            views += shown * job["spec"].get("epochs", 1)
    for name, (count, seconds) in sorted(kinds.items(), key=lambda kind: -kind[1][1]):
        print(f"| `{name}` | {count} | {seconds:,.0f} |")
    print(f"looks of stages and benchmarks: {views:,}; of encoders: {looked:,}; {views / looked:.1f} times")


main(sys.argv[1])
