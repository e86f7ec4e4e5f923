"""Vision encoders against `transformers`, in both directions; prints a markdown table.

    python dev/parity_vision.py              random shapes of each family
    python dev/parity_vision.py --fixtures   writes runtime/train/tests/fixtures/vision

(needs torch, transformers, safetensors; build first: cargo build -p vpc-train --example vision)
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
from transformers import (CLIPConfig, CLIPModel, CLIPVisionConfig, CLIPVisionModel, Dinov2Config, Dinov2Model, ViTConfig,
                          ViTMAEConfig, ViTMAEForPreTraining, ViTMAEModel, ViTModel)
from transformers.models.vit_mae.modeling_vit_mae import build_2d_sinusoidal_position_embedding

transformers.logging.set_verbosity_error()
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.path.join(TARGET, os.environ.get("PROFILE", "debug"), "examples", "vision")
FIXTURES = os.path.join(ROOT, "runtime", "train", "tests", "fixtures", "vision")
LIMIT = 1e-5
# As DINOv2-giant: a gated MLP.
FAMILIES = ["clip", "dinov2", "dinov2_gated", "mae", "vit"]


def place(positions, grid):
    """Fixed positions, which `transformers` leaves 0 in a model that was not loaded."""
    waves = build_2d_sinusoidal_position_embedding(height=grid, width=grid, embed_dim=positions.shape[-1], cls_token=True)
    # As its own models do: columns before lines.
    half = waves.shape[-1] // 2
    positions.data = torch.cat([waves[..., half:], waves[..., :half]], dim=-1)[None]


def build(family, layers, width, heads, ratio, patch, image):
    common = dict(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, patch_size=patch,
                  image_size=image)
    hidden = dict(intermediate_size=int(width * ratio))
    if family == "clip":
        model = CLIPVisionModel(CLIPVisionConfig(**common, **hidden))
    elif family in ("dinov2", "dinov2_gated"):
        model = Dinov2Model(Dinov2Config(**common, mlp_ratio=ratio, use_swiglu_ffn=family == "dinov2_gated"))
    elif family == "mae":
        model = ViTMAEModel(ViTMAEConfig(**common, **hidden, mask_ratio=0.0))
    else:
        model = ViTModel(ViTConfig(**common, **hidden), add_pooling_layer=False)
    if family == "mae":
        place(model.embeddings.position_embeddings, image // patch)
    # Nothing may be 0 or 1 only because training has not begun.
    for name, parameter in model.named_parameters():
        if not (family == "mae" and "position" in name):
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


@torch.no_grad()
def theirs(model, family, pixels):
    if family == "mae":
        count = (model.config.image_size // model.config.patch_size) ** 2
        # Noise in rising order: with nothing masked, patches stay in their places.
        noise = torch.arange(count).float().repeat(len(pixels), 1)
        out = model(pixel_values=pixels, noise=noise, output_hidden_states=True)
    else:
        out = model(pixel_values=pixels, output_hidden_states=True)
    return out.last_hidden_state, out.hidden_states


def ours(folder, pixels, layer, shape):
    """Features of a layer; of `None` the class token of every block."""
    with tempfile.TemporaryDirectory() as work:
        asked, found = os.path.join(work, "pixels"), os.path.join(work, "features")
        pixels.numpy().astype("<f4").tofile(asked)
        command = ["representations", folder, asked] if layer is None else ["features", folder, asked, str(layer)]
        subprocess.run([BINARY, *command, found], check=True)
        return torch.from_numpy(numpy.fromfile(found, "<f4").reshape(shape))


def compare(family, chance):
    heads = chance.choice([1, 2, 3])
    width = heads * chance.choice([8, 16, 20])
    patch = chance.choice([2, 4, 7])
    shape = (chance.choice([1, 2, 4]), width, heads, chance.choice([1, 2, 4]), patch, patch * chance.choice([1, 3, 5]))
    model = build(family, *shape)
    pixels = torch.randn(3, 3, shape[-1], shape[-1])
    last, hidden = theirs(model, family, pixels)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        model.save_pretrained(first)
        worst = (ours(first, pixels, "last", last.shape) - last).abs().max().item()
        for n in range(1, shape[0] + 2):
            worst = max(worst, (ours(first, pixels, n, last.shape) - hidden[-n]).abs().max().item())
        tokens = torch.stack([h[:, 0] for h in hidden[1:]])
        worst = max(worst, (ours(first, pixels, None, tokens.shape) - tokens).abs().max().item())
        subprocess.run([BINARY, "copy", first, second], check=True)
        again = type(model).from_pretrained(second, **({"add_pooling_layer": False} if family == "vit" else {}))
        same = all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())
    return worst, last.abs().max().item(), same


def matrix():
    print("| family | shapes | features, largest difference (of largest) | written and loaded again |")
    print("|---|---|---|---|")
    failed = False
    for family in FAMILIES:
        torch.manual_seed(1)
        chance = random.Random(family)
        runs = [compare(family, chance) for _ in range(10)]
        worst, size = max(r[0] for r in runs), max(r[1] for r in runs)
        same = sum(r[2] for r in runs)
        print(f"| {family} | {len(runs)} | {worst:.1e} of {size:.1f} | {same} of {len(runs)} equal to the bit |")
        failed |= worst > LIMIT or same < len(runs)
    sys.exit(failed)


def fixture(family):
    torch.manual_seed(2)
    model = build(family, 2, 8, 2, 2, 2, 6)
    folder = os.path.join(FIXTURES, family)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    pixels = torch.tensor([i * 37 % 101 / 50 - 1 for i in range(216)]).reshape(2, 3, 6, 6)
    last, hidden = theirs(model, family, pixels)
    rounded = [[round(x, 7) for x in t.flatten().tolist()] for t in (last, hidden[-2])]
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(dict(last=rounded[0], second=rounded[1]), f)


def fixtures():
    for family in FAMILIES:
        fixture(family)
    masked_fixture()
    contrastive_fixture()


def pixels_of(images):
    return torch.tensor([i * 37 % 101 / 50 - 1 for i in range(images * 108)]).reshape(images, 3, 6, 6)


def disturb(model):
    for name, parameter in model.named_parameters():
        if "pos_embed" not in name and "position_embeddings" not in name and name != "logit_scale":
            parameter.data += 0.1 * torch.randn_like(parameter)


@torch.no_grad()
def masked_fixture():
    torch.manual_seed(5)
    model = ViTMAEForPreTraining(ViTMAEConfig(
        hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, patch_size=2, image_size=6,
        decoder_hidden_size=4, decoder_intermediate_size=6, decoder_num_hidden_layers=1, decoder_num_attention_heads=1,
        mask_ratio=0.6, norm_pix_loss=True))
    disturb(model)
    place(model.vit.embeddings.position_embeddings, 3)
    place(model.decoder.decoder_pos_embed, 3)
    folder = os.path.join(FIXTURES, "masked")
    model.save_pretrained(folder)
    # Seen patches first, each part in rising order.
    seen = [[1, 4, 7], [0, 2, 5]]
    order = [s + [p for p in range(9) if p not in s] for s in seen]
    noise = torch.tensor([[float(o.index(p)) for p in range(9)] for o in order])
    loss = model(pixel_values=pixels_of(2), noise=noise).loss.item()
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(dict(seen=seen, loss=loss), f)


@torch.no_grad()
def contrastive_fixture():
    torch.manual_seed(6)
    common = dict(num_hidden_layers=1, num_attention_heads=1)
    # Bytes, and 256 for the end; without an end token's number of its own the end would be the largest one.
    text = dict(hidden_size=4, intermediate_size=6, vocab_size=257, max_position_embeddings=7, eos_token_id=256,
                bos_token_id=None, pad_token_id=None)
    vision = dict(hidden_size=4, intermediate_size=6, patch_size=3, image_size=6)
    model = CLIPModel(CLIPConfig(text_config=text | common, vision_config=vision | common, projection_dim=5))
    disturb(model)
    folder = os.path.join(FIXTURES, "contrastive")
    model.save_pretrained(folder)
    texts = ["cat", "a dog", "a tall tree"]
    ids = [list(t.encode()[:6]) + [256] * (7 - len(t.encode()[:6])) for t in texts]
    out = model(input_ids=torch.tensor(ids), pixel_values=pixels_of(3), return_loss=True)
    vectors = [t.flatten().tolist() for t in (out.image_embeds, out.text_embeds)]
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(dict(texts=texts, images=vectors[0], of_texts=vectors[1], loss=out.loss.item()), f)


if __name__ == "__main__":
    fixtures() if "--fixtures" in sys.argv else matrix()
