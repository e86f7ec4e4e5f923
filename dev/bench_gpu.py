"""Training on an NVIDIA GPU, vpc-device against PyTorch: parity, then speed, in one run.

    python dev/bench_gpu.py BINARY [--seconds 6] [--curve 200] [124M 340M 1B]

BINARY is `target/release/examples/gpu_train` (`cargo build --release -p vpc-device --example gpu_train`); nothing is built
here, so the machine with the GPU needs neither Rust nor a compiler. The peer is `dev/llama.py` under torch.compile: bf16
autocast over f32 weights, flash attention, fused AdamW. Both clip at 1. Prints markdown tables, and writes `gpu.json`
into the folder that the variable OUT names, if it is set.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from safetensors.torch import save_file

from bench_torch import flops_per_token
from llama import SHAPES, Llama, optimizer, shape

ADAMW = dict(rate=3e-4, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.1)
CLIP = 1.0
# Dense bf16 TFLOP/s of the data sheet, for model-FLOP utilisation.
PEAKS = {"H100": 989.4, "H200": 989.4, "A100": 312.0}
GPU_SHAPES = {
    "124M": shape(12, 768, 12, 12, 2048, 1024, 32000, 32),
    "340M": shape(24, 1024, 16, 16, 2816, 2048, 32000, 16),
    "1B": shape(22, 2048, 32, 4, 5632, 2048, 32000, 8),
}


def config(c, steps):
    return dict(model=c["model"], optimizer=dict(**ADAMW, clip=CLIP), schedule=dict(kind="constant", warmup=0),
                batch=c["batch"], steps=steps, seed=0)


def batches(c, steps, seed):
    """A noisy permutation of tokens: learnable within some hundred steps."""
    m, random = c["model"], np.random.default_rng(seed)
    follow = random.permutation(m["vocabulary"])
    for _ in range(steps):
        x = np.zeros((c["batch"], m["context"] + 1), dtype=np.int64)
        x[:, 0] = random.integers(0, m["vocabulary"], c["batch"])
        for t in range(m["context"]):
            noise = random.random(c["batch"]) < 0.1
            x[:, t + 1] = np.where(noise, random.integers(0, m["vocabulary"], c["batch"]), follow[x[:, t]])
        yield x[:, :-1].copy(), x[:, 1:].copy()


def torch_step(model, opt, inputs, targets, autocast):
    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=autocast):
        loss = model(inputs, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    opt.step()
    opt.zero_grad(set_to_none=True)
    return loss


def torch_curve(c, model, data, autocast):
    opt, out = optimizer(model, **ADAMW), []
    for inputs, targets in data:
        loss = torch_step(model, opt, torch.from_numpy(inputs).cuda(), torch.from_numpy(targets).cuda(), autocast)
        out.append(loss.item())
    return np.array(out)


def our_curve(binary, folder, how):
    subprocess.run([binary, "curve", folder, how], check=True)
    return np.loadtxt(os.path.join(folder, "losses.txt"))[:, 0]


def parity(binary, name, steps):
    """Losses of the same weights and batches: GPU f32 and bf16, the trainer on the CPU, PyTorch on the GPU."""
    c = SHAPES[name]
    torch.manual_seed(0)
    model = Llama(c["model"])
    state = {k: v.clone() for k, v in model.state_dict().items()}
    data = list(batches(c, steps, 1))
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        kept = {k: v.contiguous() for k, v in state.items() if not (c["model"]["tied"] and k == "lm_head.weight")}
        save_file(kept, os.path.join(folder, "model.safetensors"))
        np.concatenate([part.reshape(-1) for pair in data for part in pair]).astype("<u4").tofile(os.path.join(folder, "batches.bin"))
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(config(c, steps), f)
        for how in ["cpu", "f32", "f32", "bf16", "bf16"]:
            curve = our_curve(binary, folder, how)
            if how in rows and not np.array_equal(rows[how], curve):
                print(f"{name}: {how} is not repeatable: {np.abs(rows[how] - curve).max()}", flush=True)
            rows.setdefault(how, curve)
    for how in ["f32", "bf16"]:
        torch.backends.cuda.matmul.allow_tf32 = False
        model.load_state_dict(state)
        rows[f"torch {how}"] = torch_curve(c, model.cuda(), data, how == "bf16")
    return rows


def torch_speed(c, seconds):
    torch._dynamo.reset()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    m, rows = c["model"], c["batch"]
    model = Llama(m, fused=True).cuda()
    opt, forward = optimizer(model, **ADAMW), torch.compile(model)
    x = torch.randint(0, m["vocabulary"], (rows, m["context"] + 1), device="cuda")
    inputs, targets = x[:, :-1].contiguous(), x[:, 1:].contiguous()

    def step():
        torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = forward(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        opt.step()
        opt.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        return time.perf_counter() - start

    start = time.time()
    for _ in range(4):
        step()
    print(f"  torch: compiled in {time.time() - start:.0f} s", file=sys.stderr, flush=True)

    def measure():
        times, start = [], time.time()
        while len(times) < 5 or time.time() - start < seconds:
            times.append(step())
        tokens = rows * m["context"]
        return tokens / min(times), tokens / statistics.median(times)

    return measure, lambda: torch.cuda.max_memory_allocated() / 2**30


def our_speed(binary, folder, seconds):
    out = subprocess.run([binary, "speed", folder, "bf16", str(seconds)], capture_output=True, text=True)
    if out.returncode:
        print(out.stderr, file=sys.stderr)
        return None
    best, median, gib = [float(v) for v in out.stdout.split()[:3]]
    return best, median, gib


def speed(binary, name, seconds, rounds, peak):
    c = GPU_SHAPES[name]
    flops = flops_per_token(c["model"])
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(config(c, 1 << 40), f)
        # Ours first: it plans its memory by what is free.
        ours = [our_speed(binary, folder, seconds)]
        measure, memory = torch_speed(c, seconds)
        theirs = [measure() for _ in range(rounds)]
        held = memory()
        torch.cuda.empty_cache()
    del measure
    torch._dynamo.reset()
    import gc
    gc.collect()
    torch.cuda.empty_cache()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(config(c, 1 << 40), f)
        ours += [our_speed(binary, folder, seconds) for _ in range(rounds - 1)]
    ours = [one for one in ours if one]
    rows = []
    for who, best, median, gib in [
        ("vpc-device", max((o[0] for o in ours), default=0), statistics.median([o[1] for o in ours]) if ours else 0, ours[0][2] if ours else 0),
        ("torch.compile", max(t[0] for t in theirs), statistics.median([t[1] for t in theirs]), held),
    ]:
        mfu = median * flops / peak / 1e12 if peak else float("nan")
        rows.append(dict(shape=name, who=who, best=best, median=median, mfu=mfu, gib=gib))
    return rows


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("--seconds", type=float, default=6)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--curve", type=int, default=100)
    p.add_argument("--parity", nargs="*", default=["S", "GQA-tied"])
    p.add_argument("--only-parity", action="store_true", help="no speeds")
    p.add_argument("shapes", nargs="*", default=list(GPU_SHAPES))
    a = p.parse_args()
    card = torch.cuda.get_device_name()
    peak = next((v for k, v in PEAKS.items() if k in card), None)
    print(f"{card}, {platform.machine()}, torch {torch.__version__}, CUDA {torch.version.cuda}\n")
    result = dict(card=card, torch=torch.__version__, parity={}, speed=[])
    if a.parity and a.curve:
        print(f"Losses over {a.curve} steps from the same weights and batches; the largest relative difference to the CPU's f32.\n")
        print("| shape | CPU f32 | GPU f32 | torch f32 | GPU bf16 | torch bf16 | GPU bf16 to torch bf16 |\n|---|---|---|---|---|---|---|")
    for name in a.parity if a.curve else []:
        rows = parity(a.binary, name, a.curve)
        off = {how: float((np.abs(curve - rows["cpu"]) / rows["cpu"]).max()) for how, curve in rows.items()}
        between = float((np.abs(rows["bf16"] - rows["torch bf16"]) / rows["torch bf16"]).max())
        print(f"| {name} | {rows['cpu'][0]:.4f} → {rows['cpu'][-1]:.4f} | " + " | ".join(f"{off[how]:.1e}" for how in ["f32", "torch f32", "bf16", "torch bf16"]) + f" | {between:.1e} |", flush=True)
        result["parity"][name] = {how: curve.tolist() for how, curve in rows.items()}
    print("\n| shape | trainer | best tok/s | median tok/s | MFU, median | GPU memory, GiB | median ÷ torch.compile |\n|---|---|---|---|---|---|---|")
    for name in [] if a.only_parity else a.shapes:
        try:
            rows = speed(a.binary, name, a.seconds, a.rounds, peak)
        except Exception as error:
            print(f"| {name} | failed: {error} |", flush=True)
            continue
        for row in rows:
            ratio = row["median"] / rows[-1]["median"]
            print(f"| {name} | {row['who']} | {row['best']:.0f} | {row['median']:.0f} | {row['mfu']:.1%} | {row['gib']:.1f} | {ratio:.2f} |", flush=True)
        result["speed"] += rows
    if os.environ.get("OUT"):
        with open(os.path.join(os.environ["OUT"], "gpu.json"), "w") as f:
            json.dump(result, f)


if __name__ == "__main__":
    main()
