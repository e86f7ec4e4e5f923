"""Speed of inference, Rust against `transformers`, taking turns: prints a markdown table.

    python dev/bench_inference.py [--rounds 3] [--seconds 4] [--threads 2] [--patience 20] [M L]

Scoring: log-likelihoods of 8 texts as long as the context, in one batch. Generating: greedy, half a context of new
tokens after a quarter of one, 1 and 8 sequences at a time; `transformers` once by `generate` and once by a bare loop
over its forward pass, both with its cache. Weights are random and the same for all. Where other work shares the
machine, tokens per second of processor time tell more than those per second on the clock; they do with one thread only.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from machine import busy, processor, wait_for_quiet

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
SHAPES = {
    "M": dict(num_hidden_layers=8, hidden_size=384, num_attention_heads=6, num_key_value_heads=6,
              intermediate_size=1024, max_position_embeddings=256, vocab_size=4096),
    "L": dict(num_hidden_layers=12, hidden_size=768, num_attention_heads=12, num_key_value_heads=4,
              intermediate_size=2048, max_position_embeddings=512, vocab_size=8192),
}


def timed(work, seconds):
    """Best tokens per second on the clock, and mean per second of processor time."""
    work()
    begun, used, best, total = time.perf_counter(), time.process_time(), 0.0, 0
    while time.perf_counter() - begun < seconds or total == 0:
        start = time.perf_counter()
        tokens = work()
        best, total = max(best, tokens / (time.perf_counter() - start)), total + tokens
    return best, total / (time.process_time() - used)


@torch.no_grad()
def theirs(folder, threads, seconds):
    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    c = model.config
    context = c.max_position_embeddings
    texts = torch.tensor([[(at + text * 31) * 7919 % c.vocab_size for at in range(context + 1)] for text in range(8)])

    def score():
        logits = model(input_ids=texts[:, :-1]).logits
        logits.log_softmax(-1).gather(2, texts[:, 1:, None]).sum()
        return 8 * context

    def generate(batch):
        prompt = texts[:batch, :context // 4]
        model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, use_cache=True, pad_token_id=0,
                       min_new_tokens=context // 2, max_new_tokens=context // 2)
        return batch * (context // 2)

    def loop(batch):
        tokens, past = texts[:batch, :context // 4], None
        for _ in range(context // 2):
            out = model(input_ids=tokens, past_key_values=past, use_cache=True, logits_to_keep=1)
            past, tokens = out.past_key_values, out.logits[:, -1:].argmax(-1)
        return batch * (context // 2)

    for name, work in [("score", score), ("generate-1", lambda: generate(1)), ("loop-1", lambda: loop(1)),
                       ("generate-8", lambda: generate(8)), ("loop-8", lambda: loop(8))]:
        print(name, *timed(work, seconds), flush=True)


def run(kind, folder, a):
    wait_for_quiet(a.patience)
    start, total = time.time(), busy()
    binary = os.path.join(TARGET, "release", "examples", "inference")
    command = {
        "ours": [binary, "bench", folder, str(a.threads), str(a.seconds)],
        "theirs": [sys.executable, os.path.abspath(__file__), "--theirs", folder, "--threads", str(a.threads), "--seconds", str(a.seconds)],
    }[kind]
    from resource import RUSAGE_CHILDREN, getrusage
    before = getrusage(RUSAGE_CHILDREN)
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = getrusage(RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    others = max(0.0, busy() - total - own) / (time.time() - start) / os.cpu_count()
    return {w[0]: (float(w[1]), float(w[2])) for w in map(str.split, out.splitlines())}, others


def measure(name, a):
    torch.manual_seed(0)
    config = LlamaConfig(**SHAPES[name], rms_norm_eps=1e-5, bos_token_id=None, eos_token_id=None, pad_token_id=None)
    results = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        model = LlamaForCausalLM(config)
        model.save_pretrained(folder)
        for number in range(a.rounds):
            for kind in results:
                result, others = run(kind, folder, a)
                results[kind].append(result)
                print(f"  {name} round {number + 1} {kind}: {result}, others took {others:.0%}", file=sys.stderr, flush=True)
    print(f"\n**{name}**, {model.num_parameters():,} parameters, context {config.max_position_embeddings}\n")
    print("| work | vpc-train, best tok/s | per processor second | transformers, best tok/s | per processor second | best ÷ best | per processor second ÷ |")
    print("|---|---|---|---|---|---|---|")
    best = lambda kind, key: max(r[key][0] for r in results[kind])
    mean = lambda kind, key: statistics.mean(r[key][1] for r in results[kind])
    for words, mine, other in [("scoring, 8 texts", "score", "score"),
                               ("generating, 1 sequence, against `generate`", "generate-1", "generate-1"),
                               ("generating, 1 sequence, against a bare loop", "generate-1", "loop-1"),
                               ("generating, 8 sequences, against `generate`", "generate-8", "generate-8"),
                               ("generating, 8 sequences, against a bare loop", "generate-8", "loop-8")]:
        values = best("ours", mine), mean("ours", mine), best("theirs", other), mean("theirs", other)
        print(f"| {words} | {values[0]:.0f} | {values[1]:.0f} | {values[2]:.0f} | {values[3]:.0f} "
              f"| **{values[0] / values[2]:.2f}** | **{values[1] / values[3]:.2f}** |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("shapes", nargs="*", default=["M", "L"])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=4)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--patience", type=float, default=20)
    p.add_argument("--theirs", metavar="FOLDER")
    a = p.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if a.theirs:
        return theirs(a.theirs, a.threads, a.seconds)
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "vpc-train", "--example", "inference"], cwd=ROOT, check=True)
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()[1]
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}, "
          f"transformers {transformers.__version__}, rustc {rust}; {a.threads} threads, {a.rounds} rounds of {a.seconds:g} s")
    for shape in a.shapes:
        measure(shape, a)


if __name__ == "__main__":
    main()
