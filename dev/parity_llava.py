"""Adapted models and their training against `LlavaForConditionalGeneration`; prints a markdown table.

    python dev/parity_llava.py             random shapes
    python dev/parity_llava.py --fixture   writes runtime/train/tests/fixtures/llava

(needs torch, transformers, safetensors; build first: cargo build -p vpc-train --example llava)
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

transformers.logging.set_verbosity_error()
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.path.join(TARGET, os.environ.get("PROFILE", "debug"), "examples", "llava")
FIXTURE = os.path.join(ROOT, "runtime", "train", "tests", "fixtures", "llava")
LIMIT, MOST = 1e-5, 12
STEPS, CLIP = 20, 1.0
ADAMW = dict(rate=1e-3, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.1)


def build(vision, text, layer, vocabulary):
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**vision), vision_feature_layer=layer, image_token_index=vocabulary - 1,
        image_seq_length=(vision["image_size"] // vision["patch_size"]) ** 2,
        text_config=LlamaConfig(**text, vocab_size=vocabulary, max_position_embeddings=128, bos_token_id=None,
                                eos_token_id=None))
    model = LlavaForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    # As likely as token 0, which is before it: so that no text generates an image token, which has no image.
    model.lm_head.weight.data[-1] = model.lm_head.weight.data[0]
    return model.eval()


def prompt(model, images, chance):
    c = model.config
    tokens = []
    for _ in range(images):
        tokens += [chance.randrange(c.image_token_index) for _ in range(chance.randint(0, 3))]
        tokens += [c.image_token_index] * c.image_seq_length
    return tokens + [chance.randrange(c.image_token_index) for _ in range(5)]


@torch.no_grad()
def theirs(model, pixels, tokens):
    return model(input_ids=torch.tensor([tokens]), pixel_values=pixels).logits[0]


def their_greedy(model, pixels, tokens):
    # Step by step with the whole text, so that nothing of a cache or of a generation's settings comes in.
    new = []
    for _ in range(MOST):
        new.append(theirs(model, pixels, tokens + new)[-1].argmax().item())
    return new


def shapes(chance):
    heads, patch = chance.choice([1, 2]), chance.choice([2, 4])
    vision = dict(hidden_size=8 * heads, intermediate_size=20, num_hidden_layers=chance.choice([1, 2, 3]),
                  num_attention_heads=heads, patch_size=patch, image_size=patch * chance.choice([1, 2, 3]))
    heads = chance.choice([2, 4])
    text = dict(hidden_size=16 * heads, intermediate_size=40, num_hidden_layers=2, num_attention_heads=heads,
                num_key_value_heads=chance.choice([1, 2]), tie_word_embeddings=False)
    return vision, text


def compare(chance):
    vision, text = shapes(chance)
    model = build(vision, text, chance.choice([-1, -2]), 61)
    images = chance.choice([1, 2])
    pixels = torch.randn(images, 3, vision["image_size"], vision["image_size"])
    tokens = prompt(model, images, chance)
    exact = theirs(model, pixels, tokens)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        model.save_pretrained(first)
        asked = [os.path.join(first, name) for name in ("pixels", "tokens", "logits")]
        pixels.numpy().astype("<f4").tofile(asked[0])
        numpy.array(tokens, "<u4").tofile(asked[1])
        subprocess.run([BINARY, "logits", first, *asked], check=True)
        found = torch.from_numpy(numpy.fromfile(asked[2], "<f4").reshape(exact.shape))
        made = subprocess.run([BINARY, "greedy", first, *asked[:2], str(MOST)], check=True, capture_output=True)
        equal = json.loads(made.stdout) == their_greedy(model, pixels, tokens)
        subprocess.run([BINARY, "copy", first, second], check=True)
        again = LlavaForConditionalGeneration.from_pretrained(second).eval()
        close = (theirs(again, pixels, tokens) - exact).abs().max() < LIMIT
        same = close and all(
            torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())
    return (found - exact).abs().max().item(), exact.abs().max().item(), equal, same


def examples(model, chance):
    """Texts with two images, one and none, whose last tokens are answers."""
    side, all = model.config.vision_config.image_size, []
    for images in (2, 1, 0, 1):
        tokens = prompt(model, images, chance)
        answer = [at >= len(tokens) - 3 for at in range(len(tokens))]
        all.append((tokens, answer, torch.randn(images, 3, side, side)))
    return all


def train_theirs(model, batch):
    def decays(name):
        return not (name.endswith("bias") or "norm" in name or "layrnorm" in name)

    groups = [dict(params=[p for n, p in model.named_parameters() if decays(n) == yes],
                   weight_decay=ADAMW["weight_decay"] * yes) for yes in (True, False)]
    optimizer = torch.optim.AdamW(groups, lr=ADAMW["rate"], betas=(ADAMW["beta1"], ADAMW["beta2"]), eps=ADAMW["eps"])
    steps = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        losses = []
        for tokens, answer, pixels in batch:
            logits = model(input_ids=torch.tensor([tokens]), pixel_values=pixels if len(pixels) else None).logits[0]
            places = [at for at, is_answer in enumerate(answer) if is_answer]
            losses.append(torch.nn.functional.cross_entropy(logits[[at - 1 for at in places]],
                                                            torch.tensor([tokens[at] for at in places]), reduction="none"))
        loss = torch.cat(losses).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        steps.append((loss.item(), norm.item()))
    return numpy.array(steps)


def compare_training(chance):
    """Largest relative differences of losses and of norms, largest difference of a weight; first and last loss."""
    vision, text = shapes(chance)
    model = build(vision, text, chance.choice([-1, -2]), 61)
    batch = examples(model, chance)
    run = dict(course=dict(optimizer=dict(**ADAMW, clip=CLIP), schedule=dict(kind="constant", warmup=0), steps=STEPS, seed=0),
               examples=[dict(tokens=t, answer=a, pixels=p.flatten().tolist()) for t, a, p in batch])
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        model.save_pretrained(first)
        path = os.path.join(first, "run.json")
        with open(path, "w") as f:
            json.dump(run, f)
        said = subprocess.run([BINARY, "train", first, path, second], check=True, capture_output=True)
        found, exact = numpy.array(json.loads(said.stdout)), train_theirs(model, batch)
        again = LlavaForConditionalGeneration.from_pretrained(second).state_dict()
    # A bias of keys moves no score: its gradient is rounding alone, of which AdamW makes whole steps.
    weights = max((again[k] - v).abs().max().item() for k, v in model.state_dict().items() if "k_proj.bias" not in k)
    losses, norms = (abs(found - exact) / exact).max(axis=0)
    return losses, norms, weights, exact[0, 0], exact[-1, 0]


def compare_resize(width, before, after):
    vectors = torch.randn(before, before, width)
    exact = torch.nn.functional.interpolate(vectors.permute(2, 0, 1)[None], (after, after), mode="bilinear",
                                            align_corners=False)[0].permute(1, 2, 0)
    with tempfile.TemporaryDirectory() as work:
        asked, out = os.path.join(work, "vectors"), os.path.join(work, "resized")
        vectors.numpy().astype("<f4").tofile(asked)
        subprocess.run([BINARY, "resize", asked, str(width), str(before), str(after), out], check=True)
        found = torch.from_numpy(numpy.fromfile(out, "<f4").reshape(exact.shape))
    return (found - exact).abs().max().item()


def matrix():
    torch.manual_seed(3)
    chance = random.Random(3)
    runs = [compare(chance) for _ in range(20)]
    worst, n = max(r[0] for r in runs), len(runs)
    equal, same = sum(r[2] for r in runs), sum(r[3] for r in runs)
    print("| shapes | logits, largest difference (of largest) | equal greedy texts | written and loaded again |")
    print("|---|---|---|---|")
    print(f"| {n} | {worst:.1e} of {max(r[1] for r in runs):.1f} | {equal} of {n} | {same} of {n} equal to the bit |")
    resized = max(compare_resize(5, a, b) for a in (1, 2, 3, 7, 14) for b in (1, 2, 5, 8, 24))
    print(f"\nBilinear resizing against `interpolate`, 25 pairs of sizes: within {resized:.1e}.")
    trained = [compare_training(chance) for _ in range(4)]
    losses, norms, weights = (max(t[i] for t in trained) for i in range(3))
    print(f"\nTraining of encoder, projector and decoder, {len(trained)} shapes, {STEPS} steps: losses within {losses:.1e} of "
          f"themselves, norms within {norms:.1e}, weights within {weights:.1e}; losses fall from "
          f"{trained[0][3]:.2f} to {trained[0][4]:.2f} in the first.")
    # As a number: NumPy's truths would be printed, and fail.
    sys.exit(int(worst > LIMIT or equal < n or same < n or resized > LIMIT or losses > LIMIT))


def fixture():
    torch.manual_seed(4)
    vision = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2, patch_size=3,
                  image_size=6)
    text = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2,
                num_key_value_heads=1, tie_word_embeddings=False)
    model = build(vision, text, -2, 20)
    shutil.rmtree(FIXTURE, ignore_errors=True)
    model.save_pretrained(FIXTURE)
    os.remove(os.path.join(FIXTURE, "generation_config.json"))
    pixels = torch.tensor([i * 37 % 101 / 50 - 1 for i in range(108)]).reshape(1, 3, 6, 6)
    tokens = [1, 5, 19, 19, 19, 19, 7, 3, 2]
    logits = [round(x, 7) for x in theirs(model, pixels, tokens).flatten().tolist()]
    with open(os.path.join(FIXTURE, "expected.json"), "w") as f:
        json.dump(dict(tokens=tokens, logits=logits), f)


if __name__ == "__main__":
    fixture() if "--fixture" in sys.argv else matrix()
