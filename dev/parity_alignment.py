"""The alignment of two models against plain NumPy in f64; prints a markdown table.

    pip install numpy
    python dev/parity_alignment.py
    python dev/parity_alignment.py --fixture   # writes what the tests of `vpc_measure::alignment` compare with

Written from the definitions of `minyoungg/platonic-rep` (`prepare_features` with `exact=True`, `mutual_knn`, `compute_score`),
without its code. Vectors are made up: things have some numbers in common, layers mix them and add noise.
"""

import json
import os
import subprocess
import sys

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.path.join(TARGET, "release", "examples", "alignment")
FIXTURE = os.path.join(ROOT, "runtime", "measure", "tests", "fixtures", "alignment.json")


def model(chance, latent, layers, width, noise):
    """Layers [layers, things, width], F32, with a few numbers far from the others, and two things alike to the bit."""
    mixed = [latent @ chance.normal(size=(latent.shape[1], width)) for _ in range(layers)]
    x = np.stack([m + noise * chance.normal(size=m.shape) for m in mixed])
    x[:, :, 0] += 30 * (chance.random(x.shape[:2]) < 0.05)
    x[:, -1] = x[:, 1]
    return x.astype(np.float32)


def neighbours(layer, k):
    things = len(layer)
    # Row by row and without BLAS, so that vectors that are alike have products that are.
    near = np.stack([(layer * own).sum(-1) for own in layer])
    near[np.arange(things), np.arange(things)] = -np.inf
    return [set(row) for row in np.argsort(-near, axis=1, kind="stable")[:, :k].tolist()]


def prepared(layers, quantile):
    x = layers.astype(np.float64)
    if quantile < 1:
        most = np.sort(np.abs(x).ravel())[int(quantile * x.size)]
        x = np.clip(x, -most, most)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def score(one, other, k, quantile):
    """Neighbours in common of every pair of layers, the first best pair, its score with its error, that of the last pair."""
    near = [[neighbours(layer, k) for layer in prepared(x, quantile)] for x in (one, other)]
    counts = [[[len(a & b) for a, b in zip(x, y)] for y in near[1]] for x in near[0]]
    common = [[sum(pair) for pair in row] for row in counts]
    best = max((count, (-i, -j)) for i, row in enumerate(common) for j, count in enumerate(row))
    layers = [-x for x in best[1]]
    shares = np.array(counts[layers[0]][layers[1]]) / k
    return dict(common=common, layers=layers, score=shares.mean(), error=shares.std(ddof=1) / np.sqrt(len(shares)),
                last=np.mean(counts[-1][-1]) / k)


def ours(one, other, k, quantile):
    shape = [k, quantile, one.shape[1], one.shape[0], one.shape[2], other.shape[0], other.shape[2]]
    done = subprocess.run([BINARY, "score", *map(str, shape)], input=one.tobytes() + other.tobytes(),
                          check=True, capture_output=True)
    return json.loads(done.stdout)


def compare(things, first, second, k, quantile, noise, seed):
    chance = np.random.default_rng(seed)
    latent = chance.normal(size=(things, 12))
    one, other = (model(chance, latent, *shape, noise) for shape in (first, second))
    found, wanted = ours(one, other, k, quantile), score(one, other, k, quantile)
    moved = np.abs(np.array(found["common"]) - wanted["common"]).max()
    # A neighbour that rounding exchanges is no difference of the method; more than one in ten thousand would be.
    passed = moved <= 1e-4 * things * k
    if moved == 0:
        passed &= found["layers"] == wanted["layers"]
        passed &= all(abs(found[name] - wanted[name]) < 1e-12 for name in ("score", "error", "last"))
    shapes = f"{first[0]} × {first[1]}, {second[0]} × {second[1]}"
    print(f"| {things} | {shapes} | {k} | {quantile} | {found['score']:.4f} ± {found['error']:.4f} | "
          f"{found['layers']} | {moved} of {things * k} |", flush=True)
    return passed


def fixture():
    chance = np.random.default_rng(8)
    latent = chance.normal(size=(19, 4))
    one, other = model(chance, latent, 3, 5, 0.6).round(3), model(chance, latent, 2, 7, 0.6).round(3)
    k, quantile = 4, 0.95
    text = dict(k=k, quantile=quantile, widths=[5, 7], one=one.reshape(3, -1), other=other.reshape(2, -1))
    text = {name: [[round(float(x), 3) for x in layer] for layer in value] if isinstance(value, np.ndarray) else value
            for name, value in text.items()}
    with open(FIXTURE, "w") as f:
        json.dump(text | score(one, other, k, quantile), f)
        f.write("\n")


def main():
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "vpc-measure", "--example", "alignment"], cwd=ROOT, check=True)
    print(f"numpy {np.__version__}\n")
    print("| things | layers × width | k | quantile | score | layers | neighbours that differ, worst pair |\n|---|---|---|---|---|---|---|")
    cases = [(2, (1, 3), (2, 1), 1, 0.5, 0.1), (37, (3, 5), (4, 70), 5, 0.95, 0.5), (100, (2, 65), (3, 9), 99, 0.9, 1.0),
             (256, (4, 130), (5, 64), 10, 1.0, 0.5), (513, (3, 77), (2, 200), 10, 0.95, 2.0),
             (1024, (6, 192), (4, 384), 10, 0.95, 1.0)]
    passed = [compare(*case, seed) for seed, case in enumerate(cases)]
    sys.exit(0 if all(passed) else "a score differs")


if __name__ == "__main__":
    fixture() if "--fixture" in sys.argv else main()
