"""Pictures made ready for encoders: the processors of `transformers` with Pillow, as a fixture.

    pip install numpy pillow torch torchvision transformers
    python dev/parity_images.py > runtime/data/tests/fixtures/image/expected.json
    python dev/parity_images.py --order        # which pass of a resize comes first, against the rule that is assumed

Pictures are made by a formula that the test repeats. Each case has the processor, the picture's size, the side, and the
numbers that the processor gives. The test holds `Preprocess` to them (`runtime/data/src/image/tests.rs`).
"""

import json
import math
import random
import sys

import numpy
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
SIZES = [(8, 8), (40, 25), (23, 61), (7, 90), (5, 4), (64, 64), (131, 57)]


def picture(width, height):
    y, x, c = numpy.meshgrid(numpy.arange(height), numpy.arange(width), numpy.arange(3), indexing="ij")
    return Image.fromarray(((x * 7 + y * 13 + c * 29 + x * y * (c + 1)) % 256).astype(numpy.uint8), "RGB")


def processor(name, side):
    if name == "clip":
        return CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    if name == "dinov2":
        return BitImageProcessorPil(
            size={"shortest_edge": side * 256 // 224}, crop_size={"height": side, "width": side}, resample=3, **IMAGENET
        )
    more = IMAGENET if name == "mae" else {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    return ViTImageProcessorPil(size={"height": side, "width": side}, resample=2, **more)


def cubic(x):
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * -0.5 if x < 2 else 0.0


def along_rows(levels, to):
    """One pass of a bicubic resize in 22-bit fixed point, along the second axis."""
    count = levels.shape[1]
    scale = count / to
    wide = max(scale, 1.0)
    out = numpy.zeros((levels.shape[0], to, 3), numpy.int64)
    for target in range(to):
        centre = (target + 0.5) * scale
        first, end = max(0, int(centre - 2 * wide + 0.5)), min(count, int(centre + 2 * wide + 0.5))
        weights = [cubic((x - centre + 0.5) / wide) for x in range(first, end)]
        whole = [w / sum(weights) * (1 << 22) for w in weights]
        whole = numpy.array([int(w + math.copysign(0.5, w)) for w in whole])
        sums = (levels[:, first:end] * whole[None, :, None]).sum(1)
        out[:, target] = numpy.clip((sums + (1 << 21)) >> 22, 0, 255)
    return out


def along_columns(levels, to):
    return along_rows(levels.transpose(1, 0, 2), to).transpose(1, 0, 2)


def order():
    chance, shown, fit = random.Random(1), 0, 0
    for _ in range(900):
        width, height, to_width, to_height = (chance.randint(5, 70) for _ in range(4))
        source = picture(width, height)
        theirs = numpy.asarray(source.resize((to_width, to_height), Image.Resampling.BICUBIC)).astype(int)
        levels = numpy.asarray(source).astype(numpy.int64)
        rows_first = along_columns(along_rows(levels, to_width), to_height)
        columns_first = along_rows(along_columns(levels, to_height), to_width)
        if (rows_first == columns_first).all():
            continue
        rule = height > to_height and height + 2 * to_width > to_height + 2 * width
        shown += 1
        fit += (theirs == (columns_first if rule else rows_first)).all()
    print(f"{fit} of {shown} resizes in which the order shows are as the rule says")


if "--order" in sys.argv:
    order()
    sys.exit()

cases = []
for name in ["clip", "dinov2", "mae", "vit"]:
    for width, height in SIZES:
        for side in [8]:
            numbers = processor(name, side)(picture(width, height), return_tensors="np")["pixel_values"][0]
            assert numbers.shape == (3, side, side)
            cases.append(
                {
                    "processor": name,
                    "width": width,
                    "height": height,
                    "side": side,
                    "numbers": [round(float(x), 6) for x in numbers.ravel()],
                }
            )
print(json.dumps(cases))
