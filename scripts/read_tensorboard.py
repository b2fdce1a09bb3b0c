"""Reads a run's event files with TensorBoard's own package and lists what they hold.

    python3 scripts/read_tensorboard.py RUN/tensorboard
"""

import io
import sys

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
for tag in sorted(tags["scalars"]):
    values = events.Scalars(tag)
    print(f"scalar {tag}: {len(values)} values, step {values[-1].step} is {values[-1].value:.4f}")
for tag in sorted(tags["images"]):
    pictures = events.Images(tag)
    last = Image.open(io.BytesIO(pictures[-1].encoded_image_string))
    last.load()
    if (last.width, last.height) != (pictures[-1].width, pictures[-1].height):
        sys.exit(f"{tag}: the picture is {last.size}, the event says otherwise")
    print(f"image {tag}: {len(pictures)} pictures, the last of step {pictures[-1].step}, {last.width} x {last.height}")
if not tags["scalars"] or not tags["images"]:
    sys.exit("no scalars or no images: not what a run writes")
