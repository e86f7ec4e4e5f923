"""Speed of a suite of benchmarks with pictures, `vpc run` against `transformers`, taking turns: prints a markdown table.

    python dev/bench_suite.py [--rounds 3] [--items 384] [--batch 32] [--threads 2] [--patience 20] [nano S]

(needs torch, torchvision, transformers, pillow; build first: cargo build --release -p vpc)

A model of `std.laptop` is adapted to pictures in seconds, and asked the same questions in three formats: options whose
log-likelihoods are compared, options with letters of which it writes one, and a few words that it writes. Our time is
that of the whole command `vpc run`, from its start to the filed answers. `transformers` has the same model as
`vpc export --to llava` writes it, already loaded, and answers in batches padded on the left: of options the logits of
their tokens alone, of what is written at most 16 tokens, greedily. Its time is from the files of the pictures to the
answers. Twice each: with pictures still to be looked at (by `vpc` once, as a `features` job that the formats share; by
`transformers` in every batch, as harnesses do), and with their features given.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

import torch
import transformers
from PIL import Image
from transformers import AutoProcessor, LlavaForConditionalGeneration

from machine import busy, processor as processor_name, wait_for_quiet

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.path.join(TARGET, os.environ.get("PROFILE", "release"), "vpc")
MOST = 16
FORMATS = {"options": "likelihood", "letters": "choice", "words": "short_answer"}
SCALES = {
    "nano": "layers: 2, width: 64, heads: 4, context: 192, batch: 8",
    "S": "layers: 6, width: 256, heads: 4, context: 256, batch: 8",
    "M": "layers: 8, width: 384, heads: 6, context: 256, batch: 8",
}
STUDY = """
use std.laptop
category web {{ source: world(web, size: 1 MiB) }}
tokenizer bpe {{ vocabulary: 512, data: web }}
scale size {{ {scale} }}
dataset captions = sample(scene_captions, 200)
dataset questions {{ source: scenes([colour, size, existence], seed: 2), items: 1k }}
encoder eyes = clip_nano with {{ weights: contrastive(captions, epochs: 2, batch: 32, rate: 0.001) }}
adaptation quick = sight with {{
  encoder: eyes, align.data: captions, instruct.data: questions, instruct.epochs: 2
}}
{benchmarks}
experiment e {{
  pretrain base {{ model: size, data: web, tokenizer: bpe, tokens: 100k, seed: 1 }}
  adapt vlm {{ from: base, setup: quick }}
{evals}
}}
"""
SOURCE = "data: scenes([colour, size, existence], side: test, seed: 3), items: {items}"


def study(scale, items, benchmarks):
    """A study that adapts the model and asks it benchmarks: names, with their fields besides the data."""
    data = SOURCE.format(items=items)
    named = [f"benchmark {name} {{ {data}, {fields} }}\nsuite of_{name} {{ group all {{ benchmarks: [{name}] }} }}"
             for name, fields in benchmarks.items()]
    evals = [f"  eval {name}_of {{ from: vlm, suite: of_{name} }}" for name in benchmarks]
    return STUDY.format(scale=SCALES[scale], benchmarks="\n".join(named), evals="\n".join(evals))


def vpc(folder, *arguments):
    run = subprocess.run([BINARY, *arguments], cwd=folder, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"vpc {' '.join(arguments)}: {run.stderr}")
    return run.stdout


def prepare(folder, name, a):
    """Stores in which all is done up to the questions: without features of their pictures, and with them."""
    formats = {benchmark: f"format: {format}" for benchmark, format in FORMATS.items()}
    studies = {
        "asked": formats,
        # Withheld pictures leave the items and the model behind, another comparison the features as well.
        "pictures": {"before": "format: short_answer, images: false"},
        "features": {"before": "format: likelihood, compare: whole"},
    }
    for kind, benchmarks in studies.items():
        with open(os.path.join(folder, f"{kind}.vp"), "w") as f:
            f.write(study(name, a.items, benchmarks))
    for kind in ("pictures", "features"):
        vpc(folder, "run", f"{kind}.vp", "--store", kind, "--quiet")
    vpc(folder, "export", "e/vlm", "--to", "llava", "model", "--store", "features")
    shown = vpc(folder, "data", "show", "asked.vp", "options", "--count", str(a.items), "--pictures", "seen", "--format", "json")
    template = json.loads(vpc(folder, "ask", "e/vlm", "?!", "--options", "a", "--format", "json", "--store", "features"))["prompt"]
    with open(os.path.join(folder, "questions.json"), "w") as f:
        json.dump({"template": template, "items": json.loads(shown)["samples"]}, f)


def ours(folder, kind, a, only=()):
    """Seconds of `vpc run` on a copy of a store, whose answers are left in `answered`."""
    store = os.path.join(folder, "answered")
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(os.path.join(folder, kind), store)
    begun = time.perf_counter()
    vpc(folder, "run", "asked.vp", "--store", "answered", "--quiet", "--threads", str(a.threads), *only)
    return time.perf_counter() - begun


def answers(folder):
    lines = {name: vpc(folder, "export", f"e/{name}_of.{name}", "--to", "jsonl", "-", "--store", "answered") for name in FORMATS}
    return {name: [json.loads(line) for line in text.splitlines()] for name, text in lines.items()}


class Theirs:
    """The exported model, asked as one would who knows the library."""

    def __init__(self, folder, batch):
        self.folder, self.batch = folder, batch
        path = os.path.join(folder, "model")
        self.model = LlavaForConditionalGeneration.from_pretrained(path, dtype=torch.float32).eval()
        self.processor = AutoProcessor.from_pretrained(path, backend="pil")
        self.tokenizer = self.processor.tokenizer
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        with open(os.path.join(folder, "questions.json")) as f:
            told = json.load(f)
        self.template, self.items = told["template"], told["items"]
        self.features = None

    def look(self):
        """Features of every picture, rounded as studies file them."""
        found = []
        for at in range(0, len(self.items), self.batch):
            images = [self.picture(item) for item in self.items[at:at + self.batch]]
            pixels = self.processor.image_processor(images=images, return_tensors="pt")["pixel_values"]
            states = self.model.model.vision_tower(pixels, output_hidden_states=True).hidden_states
            found.append(states[self.model.config.vision_feature_layer][:, 1:].half().float())
        self.features = torch.cat(found)

    def picture(self, item):
        return Image.open(os.path.join(self.folder, item["file"])).convert("RGB")

    def prompt(self, item, lettered):
        question = item["turns"][0]["question"]
        if lettered:
            question += "".join(f"\n{chr(65 + at)}. {option}" for at, option in enumerate(item["options"]))
        return self.tokenizer.bos_token + "<image>" + self.template.replace("?!", question)

    def inputs(self, at, items, prompts, given):
        """A batch of prompts with their pictures, or with what the projector makes of given features."""
        if not given:
            images = [self.picture(item) for item in items]
            return dict(self.processor(text=prompts, images=images, padding=True, return_tensors="pt"))
        image = "<image>" * self.features.shape[1]
        words = self.tokenizer([prompt.replace("<image>", image) for prompt in prompts], padding=True, return_tensors="pt")
        embeddings = self.model.get_input_embeddings()(words["input_ids"])
        seen = self.model.model.multi_modal_projector(self.features[at:at + len(items)])
        places = (words["input_ids"] == self.model.config.image_token_id)[..., None].expand_as(embeddings)
        return {"inputs_embeds": embeddings.masked_scatter(places, seen.reshape(-1, seen.shape[-1])),
                "attention_mask": words["attention_mask"]}

    def write(self, at, items, lettered, given):
        inputs = self.inputs(at, items, [self.prompt(item, lettered) for item in items], given)
        new = self.model.generate(**inputs, do_sample=False, max_new_tokens=MOST, pad_token_id=self.tokenizer.pad_token_id)
        if not given:
            new = new[:, inputs["input_ids"].shape[1]:]
        end, lines = self.tokenizer.eos_token_id, []
        for tokens in new.tolist():
            text = self.tokenizer.decode(tokens[:tokens.index(end)] if end in tokens else tokens)
            lines.append((text.lstrip().splitlines() or [""])[0].rstrip())
        return lines

    def compare(self, at, items, given):
        """Log-likelihoods of each item's options; the prompt is read once, its cache serves every option."""
        inputs = self.inputs(at, items, [self.prompt(item, False) for item in items], given)
        mask = inputs["attention_mask"]
        places = (mask.cumsum(-1) - 1).clamp(min=0)
        read = self.model(**inputs, position_ids=places, use_cache=True, logits_to_keep=1)
        first = read.logits[:, -1].double().log_softmax(-1)
        rows = [(number, self.tokenizer(" " + option)["input_ids"]) for number, item in enumerate(items) for option in item["options"]]
        which = torch.tensor([number for number, _ in rows])
        longest = max(len(tokens) for _, tokens in rows)
        padded = torch.tensor([tokens + [self.tokenizer.pad_token_id] * (longest - len(tokens)) for _, tokens in rows])
        scores = first[which, padded[:, 0]]
        if longest > 1:
            past = read.past_key_values
            past.reorder_cache(which)
            there = torch.tensor([[1] * len(tokens) + [0] * (longest - len(tokens)) for _, tokens in rows])
            further = self.model(input_ids=padded[:, :-1], attention_mask=torch.cat([mask[which], there[:, :-1]], 1),
                                 position_ids=mask.sum(-1)[which, None] + torch.arange(longest - 1), past_key_values=past)
            found = further.logits.double().log_softmax(-1).gather(2, padded[:, 1:, None])[..., 0]
            scores = scores + (found * there[:, 1:]).sum(-1)
        split = torch.split(scores, [len(item["options"]) for item in items])
        return [part.tolist() for part in split]

    @torch.no_grad()
    def ask(self, name, given):
        """All answers of a format, batch by batch."""
        found = []
        for at in range(0, len(self.items), self.batch):
            items = self.items[at:at + self.batch]
            found += self.compare(at, items, given) if name == "options" else self.write(at, items, name == "letters", given)
        return found


@torch.no_grad()
def theirs(folder, a):
    torch.set_num_threads(a.threads)
    asked = Theirs(folder, a.batch)
    asked.look()
    everything, asked.items = asked.items, asked.items[:a.batch]
    for name in FORMATS:
        for given in (False, True):
            asked.ask(name, given)
    asked.items, out = everything, {"seconds": {}, "answers": {}}
    for given in (False, True):
        for name in FORMATS:
            begun = time.perf_counter()
            found = asked.ask(name, given)
            out["seconds"][f"{name} {'features' if given else 'pictures'}"] = time.perf_counter() - begun
            out["answers"][name] = found
    print(json.dumps(out))


def run(kind, folder, a):
    """Seconds by what was done."""
    wait_for_quiet(a.patience)
    if kind == "theirs":
        command = [sys.executable, os.path.abspath(__file__), "--theirs", folder, "--threads", str(a.threads), "--batch", str(a.batch)]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        seconds = told["seconds"]
        for given in ("pictures", "features"):
            seconds[f"all {given}"] = sum(seconds[f"{name} {given}"] for name in FORMATS)
        return seconds, told["answers"]
    seconds = {f"{name} features": ours(folder, "features", a, ("--only", f"e/{name}_of")) for name in FORMATS}
    seconds["all features"] = ours(folder, "features", a)
    seconds["all pictures"] = ours(folder, "pictures", a)
    return seconds, answers(folder)


def agree(mine, other):
    """Shares of equal answers by format, and the largest difference of a log-likelihood."""
    best = lambda scores, line: max(range(len(scores)), key=lambda at: scores[at] / line["lengths"][at])
    shares, far = {}, 0.0
    for name in FORMATS:
        pairs = list(zip(mine[name], other[name], strict=True))
        if name == "options":
            same = [line["answer"] == best(scores, line) for line, scores in pairs]
            far = max(abs(one - two) for line, scores in pairs for one, two in zip(line["log_likelihoods"], scores, strict=True))
        else:
            same = [line["output"] == text for line, text in pairs]
        shares[name] = f"{sum(same)} of {len(same)}"
    return shares, far


def measure(name, a):
    results = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, name, a)
        told = {}
        for number in range(a.rounds):
            for kind in results:
                start, total = time.time(), busy()
                seconds, told[kind] = run(kind, folder, a)
                results[kind].append(seconds)
                shown = {what: f"{spent:.2f} s" for what, spent in seconds.items()}
                taken = (busy() - total) / (time.time() - start) / os.cpu_count()
                print(f"  {name} round {number + 1} {kind}: {shown}, the machine was {taken:.0%} busy", file=sys.stderr, flush=True)
        parameters = sum(p.numel() for p in LlavaForConditionalGeneration.from_pretrained(os.path.join(folder, "model")).parameters())
        sorts = {line["output"] for line in told["ours"]["words"]}
    shares, far = agree(told["ours"], told["theirs"])
    best = lambda kind, what: min(seconds[what] for seconds in results[kind])
    slowest = lambda kind, what: 1 - best(kind, what) / max(seconds[what] for seconds in results[kind])
    print(f"\n**{name}**, {parameters:,} parameters, {a.items} items\n")
    print("| work | vpc, best items/s | slowest round | transformers, best items/s | slowest round | best ÷ best | equal answers |")
    print("|---|---|---|---|---|---|---|")
    rows = [("all three, pictures to be looked at", "all pictures", 3, ""), ("all three, features given", "all features", 3, "")]
    rows += [(f"{FORMATS[one]}, features given", f"{one} features", 1, shares[one]) for one in FORMATS]
    for words, what, times, equal in rows:
        mine, other = (times * a.items / best(kind, what) for kind in ("ours", "theirs"))
        print(f"| {words} | {mine:.0f} | −{slowest('ours', what):.0%} | {other:.0f} | −{slowest('theirs', what):.0%} "
              f"| **{mine / other:.2f}** | {equal} |", flush=True)
    print(f"\nLog-likelihoods differ by at most {far:.1e}; {len(sorts)} different texts were written as words.")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("scales", nargs="*", default=["nano", "S"])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--items", type=int, default=384)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--patience", type=float, default=20)
    p.add_argument("--theirs", metavar="FOLDER")
    a = p.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if a.theirs:
        return theirs(a.theirs, a)
    print(f"{processor_name()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}, "
          f"transformers {transformers.__version__}; {a.threads} threads, {a.rounds} rounds, batches of {a.batch}")
    for scale in a.scales:
        measure(scale, a)


if __name__ == "__main__":
    main()
