"""Pictures made ready for encoders: the processors of `transformers` with Pillow, as a fixture.

    pip install numpy pillow torch torchvision transformers
    python dev/parity_images.py > runtime/data/tests/fixtures/image/expected.json

Pictures are made by a formula that the test repeats. Each case has the processor, the picture's size, the side, and the
numbers that the processor gives. The test holds `Preprocess` to them (`runtime/data/src/image/tests.rs`).
"""

import json

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
