"""Trains the Rust trainer and its PyTorch twin on the same weights and batches and compares them.

    python dev/parity.py [SHAPE ...]     (needs torch, numpy, safetensors; transformers if installed)
"""

import json
import os
import platform
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import save_file

from llama import SHAPES, Llama, optimizer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
STEPS, THREADS, LIMIT = 20, 2, 1e-5
ADAMW = dict(rate=1e-3, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.1)
CLIP = 1.0


def build():
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "vpc-train", "--example", "parity"], cwd=ROOT, check=True)
    return os.path.join(TARGET, "release", "examples", "parity")


def make_batches(c, generator):
    """A noisy permutation of tokens: learnable, so that the comparison covers more than noise."""
    m = c["model"]
    follow = torch.randperm(m["vocabulary"], generator=generator)
    for _ in range(STEPS):
        x = torch.zeros(c["batch"], m["context"] + 1, dtype=torch.long)
        x[:, 0] = torch.randint(0, m["vocabulary"], (c["batch"],), generator=generator)
        for t in range(m["context"]):
            noise = torch.rand(c["batch"], generator=generator) < 0.1
            other = torch.randint(0, m["vocabulary"], (c["batch"],), generator=generator)
            x[:, t + 1] = torch.where(noise, other, follow[x[:, t]])
        yield x[:, :-1].contiguous(), x[:, 1:].contiguous()


def train_torch(c, model, batches):
    opt, out = optimizer(model, **ADAMW), []
    for inputs, targets in batches:
        opt.zero_grad()
        loss = model(inputs, targets)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        opt.step()
        out.append((loss.item(), norm.item()))
    return np.array(out)


def write_inputs(folder, c, model, batches):
    state = {k: v.contiguous() for k, v in model.state_dict().items() if not (c["model"]["tied"] and k == "lm_head.weight")}
    save_file(state, os.path.join(folder, "model.safetensors"))
    tokens = np.concatenate([part.numpy().reshape(-1) for pair in batches for part in pair]).astype("<u4")
    tokens.tofile(os.path.join(folder, "batches.bin"))
    config = dict(model=c["model"], optimizer=dict(**ADAMW, clip=CLIP), schedule=dict(kind="constant", warmup=0),
                  batch=c["batch"], steps=STEPS, seed=0)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f)


def logits_difference(folder, c, batches):
    """Largest difference to `transformers` on the exported model, or None without that library."""
    try:
        from transformers import LlamaForCausalLM
    except ImportError:
        return None
    model = LlamaForCausalLM.from_pretrained(os.path.join(folder, "out"), dtype=torch.float32)
    inputs = batches[0][0]
    with torch.no_grad():
        theirs = model(input_ids=inputs).logits.reshape(inputs.numel(), -1)
    ours = torch.from_numpy(np.fromfile(os.path.join(folder, "logits.bin"), dtype="<f4")).view_as(theirs)
    return (theirs - ours).abs().max().item(), theirs.abs().max().item()


def compare(name, binary):
    c = SHAPES[name]
    torch.manual_seed(0)
    model = Llama(c["model"])
    batches = list(make_batches(c, torch.Generator().manual_seed(1)))
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(folder, c, model, batches)
        theirs = train_torch(c, model, batches)
        subprocess.run([binary, folder, str(THREADS)], check=True)
        ours = np.loadtxt(os.path.join(folder, "losses.txt"))
        logits = logits_difference(folder, c, batches)
    relative = (np.abs(ours - theirs) / theirs).max(axis=0)
    shown = "not checked" if logits is None else f"{logits[0]:.1e} of {logits[1]:.1f}"
    parameters = sum(p.numel() for p in model.parameters())
    print(f"| {name} | {parameters:,} | {theirs[0, 0]:.4f} → {theirs[-1, 0]:.4f} | {relative[0]:.1e} | {relative[1]:.1e} | {shown} |", flush=True)
    return relative[0] <= LIMIT and (logits is None or logits[0] <= LIMIT)


def main():
    torch.set_num_threads(THREADS)
    binary = build()
    try:
        import transformers
        version = transformers.__version__
    except ImportError:
        version = "not installed"
    print(f"torch {torch.__version__}, transformers {version}, {platform.machine()}, {THREADS} threads, {STEPS} steps\n")
    print("| shape | parameters | loss | max relative difference: loss | gradient norm | logits vs transformers (of largest) |")
    print("|---|---|---|---|---|---|")
    passed = [compare(name, binary) for name in sys.argv[1:] or SHAPES]
    sys.exit(0 if all(passed) else "a difference is above the limit")


if __name__ == "__main__":
    main()
