"""Inference and Hugging Face folders against `transformers`, in both directions; prints markdown tables.

    python dev/parity_hf.py                      the matrix of shapes
    python dev/parity_hf.py --exported DIR ...   folders that `vpc export JOB --to hf DIR` wrote

(needs torch, transformers, safetensors)
"""

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.path.join(TARGET, "release", "examples", "inference")
LIMIT, CONTEXT, VOCABULARY, STOP, MOST = 1e-5, 96, 331, 3, 24
THREADS = 2


def ours(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def texts(vocabulary, generator, longest):
    """Token lists of many lengths, the longest as long as the context."""
    lengths = [1, 2, 5, 17, 33, 40, longest]
    return [torch.randint(0, vocabulary, (n,), generator=generator).tolist() for n in lengths]


def answer(folder, asked):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(asked, f)
        f.flush()
        return json.loads(ours("answer", folder, f.name, THREADS))


@torch.no_grad()
def their_logits(model, text):
    return model(input_ids=torch.tensor([text])).logits[0]


@torch.no_grad()
def their_representations(model, texts):
    """The mean and the last vector of each text in each layer: 2 × [layers + 1, texts·width]."""
    hidden = [torch.stack(model(input_ids=torch.tensor([t]), output_hidden_states=True).hidden_states)[:, 0] for t in texts]
    return torch.cat([h.mean(1) for h in hidden], 1), torch.cat([h[:, -1] for h in hidden], 1)


@torch.no_grad()
def their_greedy(model, prompt, most, stop):
    out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                         do_sample=False, max_new_tokens=most, use_cache=True, eos_token_id=stop, pad_token_id=stop)
    new = out[0, len(prompt):].tolist()
    return new[:new.index(stop)] if stop in new else new


def compare(folder, model, stop=STOP):
    """Largest differences of logits, representations and log-likelihoods, largest logit, and equal greedy texts of all."""
    c = model.config
    generator = torch.Generator().manual_seed(2)
    all_texts = texts(c.vocab_size, generator, c.max_position_embeddings)
    pairs = [[t[:1 + i % (len(t) - 1)], t[1 + i % (len(t) - 1):]] for i, t in enumerate(all_texts) if len(t) > 1]
    prompts = [t[:c.max_position_embeddings - MOST] for t in all_texts]
    asked = dict(logits=all_texts, score=pairs, greedy=prompts, most=MOST, stop=[stop], batch=4)
    found = answer(folder, asked)
    theirs = torch.stack([their_logits(model, t)[-1] for t in all_texts])
    logits = (theirs - torch.tensor(found["logits"])).abs().max().item()
    pairs_of = zip(their_representations(model, all_texts), (found["mean"], found["last"]))
    vectors = max((own - torch.tensor(mine)).abs().max().item() for own, mine in pairs_of)
    likelihood = 0.0
    for (prompt, continuation), scores in zip(pairs, found["score"]):
        rows = their_logits(model, (prompt + continuation)[:-1])[len(prompt) - 1:].double().log_softmax(-1)
        exact = rows.gather(1, torch.tensor(continuation)[:, None])[:, 0]
        likelihood = max(likelihood, (exact - torch.tensor(scores, dtype=torch.double)).abs().max().item())
    same = sum(their_greedy(model, p, MOST, stop) == g for p, g in zip(prompts, found["greedy"]))
    return logits, theirs.abs().max().item(), vectors, likelihood, same, len(prompts)


def shape(head, heads, kv, tied, base):
    return LlamaConfig(hidden_size=heads * head, intermediate_size=3 * head * 2 + 10, num_hidden_layers=3,
                       num_attention_heads=heads, num_key_value_heads=kv, vocab_size=VOCABULARY,
                       max_position_embeddings=CONTEXT, rms_norm_eps=1e-5, tie_word_embeddings=tied,
                       rope_parameters={"rope_type": "default", "rope_theta": base}, initializer_range=0.06,
                       bos_token_id=None, eos_token_id=None, pad_token_id=None)


def save(model, folder, dtype, most):
    model.to(dtype).save_pretrained(folder, max_shard_size=most)
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)


def row(name, result):
    logits, largest, vectors, likelihood, same, count = result
    print(f"| {name} | {logits:.1e} of {largest:.1f} | {vectors:.1e} | {likelihood:.1e} | {same} of {count} |", flush=True)
    return max(logits, vectors) <= LIMIT and likelihood <= LIMIT and same == count


def one(head, kv, tied, base, dtype=torch.float32, most="5GB"):
    torch.manual_seed(head * 100 + kv)
    model = LlamaForCausalLM(shape(head, 4, kv, tied, base)).eval()
    words = f"{head} | {'4 on 2' if kv == 2 else '4'} | {'tied' if tied else 'untied'} | {base:.0f}"
    with tempfile.TemporaryDirectory() as folder:
        there, back = os.path.join(folder, "theirs"), os.path.join(folder, "ours")
        model = save(model, there, dtype, most)
        shards = len([f for f in os.listdir(there) if f.endswith(".safetensors")])
        kind = f"{str(dtype).split('.')[1]}, {shards} file{'s' if shards > 1 else ''}"
        passed = row(f"theirs → ours | {words} | {kind}", compare(there, model.eval()))
        ours("convert", there, back, 100_000)
        shards = len([f for f in os.listdir(back) if f.endswith(".safetensors")])
        again = AutoModelForCausalLM.from_pretrained(back, dtype=torch.float32).eval()
        state = again.state_dict()
        equal = all(torch.equal(v, state[k]) for k, v in model.state_dict().items()) and len(state) == len(model.state_dict())
        passed &= row(f"ours → theirs | {words} | float32, {shards} files, {'equal' if equal else 'NOT equal'}",
                      compare(back, again))
    return passed and equal


def matrix():
    print("| direction | head size | heads | embeddings | RoPE base | weights | logits, largest difference | representations | log-likelihood of a token | equal greedy texts |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    passed = [one(*c) for c in itertools.product((16, 24, 64), (4, 2), (False, True), (10_000.0, 500_000.0))]
    passed += [one(24, 2, False, 500_000.0, torch.bfloat16, "100KB"), one(64, 4, True, 10_000.0, torch.float16, "100KB")]
    return all(passed)


def exported(folder):
    """Model and tokenizer of an exported folder, loaded as anybody would."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    text = "def f(x):\n    return x + 1  # naïve ☃\n"
    tokens = tokenizer(text)["input_ids"]
    stop = tokenizer.eos_token_id
    assert tokenizer.decode(tokens) == text, "text does not come back"
    assert stop not in tokens and model.generation_config.eos_token_id == stop == model.config.eos_token_id
    assert model.dtype == torch.float32 and tokenizer.model_max_length == model.config.max_position_embeddings
    assert tokenizer(tokenizer.eos_token)["input_ids"] == [stop]
    passed = row(f"{os.path.basename(folder)}: {type(model).__name__}, {type(tokenizer).__name__}, "
                 f"{model.num_parameters():,} parameters", compare(folder, model.eval(), stop))
    prompt = tokenizer(tokenizer.bos_token + "The", return_tensors="pt")
    new = model.generate(**prompt, do_sample=False, max_new_tokens=16)
    print(f"<!-- {json.dumps(tokenizer.decode(new[0]))} -->")
    return passed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--exported", nargs="+")
    a = p.parse_args()
    torch.set_num_threads(THREADS)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "vpc-train", "--example", "inference"], cwd=ROOT, check=True)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {platform.machine()}, {THREADS} threads\n")
    if a.exported:
        print("| folder | logits, largest difference | representations | log-likelihood of a token | equal greedy texts |\n|---|---|---|---|---|")
        passed = all([exported(folder) for folder in a.exported])
    else:
        passed = matrix()
    sys.exit(0 if passed else "a difference is above the limit")


if __name__ == "__main__":
    main()
