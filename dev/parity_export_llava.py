"""Models that `vpc export JOB --to llava DIR` wrote against `vpc ask`, with their processor, on PNG files; prints a markdown table.

    python dev/parity_export_llava.py            trains three small models, in a folder that is removed

(needs torch, torchvision, transformers, pillow; build first: cargo build --release -p vpc)
"""

import json
import os
import random
import subprocess
import sys
import tempfile

import torch
import transformers
from PIL import Image, ImageDraw
from transformers import AutoProcessor, LlavaForConditionalGeneration

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.path.join(TARGET, os.environ.get("PROFILE", "release"), "vpc")
LIMIT, MOST = 1e-4, 16
COLOURS = ["red", "green", "blue", "yellow", "black", "white"]
STUDY = """
category web { source: world(web, size: 1 MiB) }
tokenizer bpe { vocabulary: 512, data: web }
scale untied { layers: 2, width: 64, heads: 4, context: 192, batch: 8 }
scale tied = untied with { kv_heads: 2, tied: true }
dataset captions { source: scenes([caption], seed: 1), items: 1k }
dataset questions { source: scenes([colour, count, existence], seed: 2), items: 2k }
encoder trained {
  family:  clip
  layers:  3
  width:   64
  heads:   4
  patch:   8
  image:   48
  weights: contrastive(captions, epochs: 2, batch: 32, rate: 0.001)
}
adaptation last {
  encoder:       trained
  projector:     mlp(layers: 2)
  visual_tokens: 36
  layer:         1
  stage align { data: captions, train: [projector], rate: 0.002, batch: 32 }
  stage instruct { data: questions, train: [projector, model], rate: 0.002, batch: 32 }
}
adaptation second = last with { layer: 2 }
experiment e {
  vary size: [untied, tied]
  pretrain base { model: size, data: web, tokenizer: bpe, tokens: 400k, seed: 1 }
  adapt near { from: base, setup: last }
  adapt far { from: base, setup: second }
}
"""
JOBS = ["e/near[size=untied]", "e/far[size=untied]", "e/far[size=tied]"]


def vpc(folder, *arguments):
    run = subprocess.run([BINARY, *arguments], cwd=folder, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"vpc {' '.join(arguments)}: {run.stderr}")
    return run.stdout


def draw(path, chance):
    """A picture of some size with a few shapes, as a file."""
    size = chance.choice([(48, 48), (96, 96), (131, 57), (60, 200), (20, 33), (300, 240)])
    picture = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(picture)
    for _ in range(chance.randint(1, 4)):
        x, y = chance.randrange(size[0] - 8), chance.randrange(size[1] - 8)
        box = (x, y, x + chance.randint(4, size[0]), y + chance.randint(4, size[1]))
        shape = chance.choice([pen.ellipse, pen.rectangle])
        shape(box, fill=chance.choice(COLOURS))
    picture.save(path)
    return size


def rounded(_, arguments):
    """Features as studies file them."""
    return (arguments[0].half().float(), *arguments[1:])


@torch.no_grad()
def likelihood(model, inputs, option):
    tokens = torch.cat([inputs["input_ids"][0], torch.tensor(option)])[None]
    logits = model(input_ids=tokens[:, :-1], pixel_values=inputs.get("pixel_values")).logits[0]
    rows = logits[-len(option):].double().log_softmax(-1)
    return rows.gather(1, torch.tensor(option)[:, None]).sum().item()


@torch.no_grad()
def written(model, processor, inputs):
    new = model.generate(**inputs, do_sample=False, max_new_tokens=MOST)[0, inputs["input_ids"].shape[1]:].tolist()
    end = processor.tokenizer.eos_token_id
    text = processor.tokenizer.decode(new[:new.index(end)] if end in new else new)
    return (text.lstrip().splitlines() or [""])[0].rstrip()


def compare(folder, job, chance):
    out = "out-" + "".join(c for c in job if c.isalnum())
    vpc(folder, "export", job, "--to", "llava", out)
    path = os.path.join(folder, out)
    processor = AutoProcessor.from_pretrained(path, backend="pil")
    model, notes = LlavaForConditionalGeneration.from_pretrained(path, output_loading_info=True)
    assert not any(notes[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), notes
    model.eval()
    tokenizer = processor.tokenizer
    assert tokenizer.convert_tokens_to_ids("<image>") == model.config.image_token_id
    near, raw, same, count = 0.0, 0.0, 0, 0
    for number in range(12):
        picture = None if number % 4 == 3 else f"{number}.png"
        if picture:
            draw(os.path.join(folder, picture), chance)
        question = f"What colour is the {chance.choice(['cup', 'ball', 'box'])}?"
        shown = ["--image", picture] if picture else []
        told = vpc(folder, "ask", job, *shown, question, "--options", ",".join(COLOURS), "--format", "json")
        told = json.loads(told)
        prompt = tokenizer.bos_token + ("<image>" if picture else "") + told["prompt"]
        images = Image.open(os.path.join(folder, picture)) if picture else None
        inputs = processor(text=prompt, images=images, return_tensors="pt")
        for scored in told["options"]:
            option = tokenizer(" " + scored["option"])["input_ids"]
            raw = max(raw, abs(likelihood(model, inputs, option) - scored["log_likelihood"]))
            with model.model.multi_modal_projector.register_forward_pre_hook(rounded):
                near = max(near, abs(likelihood(model, inputs, option) - scored["log_likelihood"]))
        with model.model.multi_modal_projector.register_forward_pre_hook(rounded):
            same += written(model, processor, inputs) == vpc(folder, "ask", job, *shown, question).rstrip("\n")
        count += 1
    tied = "tied" if model.config.text_config.tie_word_embeddings else "untied"
    print(f"| {tied}, layer {model.config.vision_feature_layer} | {near:.1e} | {raw:.1e} | {same} of {count} |", flush=True)
    return near <= LIMIT and same == count


def main():
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(2)
    chance = random.Random(5)
    print("| model | log-likelihood of an option, features in half precision | as the encoder gives them | equal texts |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "s.vp"), "w") as f:
            f.write(STUDY)
        vpc(folder, "run", "s.vp", "--quiet")
        passed = [compare(folder, job, chance) for job in JOBS]
    sys.exit(0 if all(passed) else "a difference is above the limit")


if __name__ == "__main__":
    main()
