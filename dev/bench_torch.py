"""Training speed of the PyTorch twin: `bench_torch.py S|M eager|compile SECONDS THREADS`.

Prints best and median tokens per second, GFLOP/s of the best, and the number of timed steps; and beside it
the most memory that the process held.
Fused QKV and gate-up, SDPA, nn.RMSNorm, AdamW(fused=True), no clipping.
"""

import resource
import sys
import time

import torch

from llama import SHAPES, Llama, optimizer


def flops_per_token(c):
    """The same count as ModelConfig::flops_per_token: forward and backward, causal counted half."""
    kv = c["kv_heads"] * c["width"] // c["heads"]
    block = 2 * c["width"] ** 2 + 2 * c["width"] * kv + 3 * c["width"] * c["hidden"]
    matrices = c["layers"] * block + c["vocabulary"] * c["width"]
    return 6 * (matrices + c["layers"] * c["width"] * c["context"])


def main():
    shape, mode, seconds, threads = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    c = SHAPES[shape]["model"]
    rows = SHAPES[shape]["batch"]
    model = Llama(c, fused=True)
    opt = optimizer(model, 1e-3, 0.9, 0.95, 1e-8, 0.1)
    forward = torch.compile(model) if mode == "compile" else model

    def step():
        x = torch.randint(0, c["vocabulary"], (rows, c["context"] + 1))
        inputs, targets = x[:, :-1].contiguous(), x[:, 1:].contiguous()
        start = time.perf_counter()
        loss = forward(inputs, targets)
        loss.backward()
        opt.step()
        opt.zero_grad(set_to_none=True)
        loss.item()
        return time.perf_counter() - start

    for _ in range(2):
        step()
    times, start = [], time.time()
    while len(times) < 3 or time.time() - start < seconds:
        times.append(step())
    times.sort()
    tokens = rows * c["context"]
    best, median = tokens / times[0], tokens / times[len(times) // 2]
    print(f"{best:.0f} {median:.0f} {best * flops_per_token(c) / 1e9:.1f} {len(times)}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"at most {peak} MiB held", file=sys.stderr)


if __name__ == "__main__":
    main()
