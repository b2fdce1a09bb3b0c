"""Makes the files beside it, all of made-up numbers: python make.py (numpy, h5py, scipy)."""

import pathlib
import pickle

import h5py
import numpy as np
import scipy.io

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(0)
counts = {"train": 12, "valid": 4, "test": 4}


def save(name, content, protocol):
    (here / name).write_bytes(pickle.dumps(content, protocol=protocol))


# As unaligned_50.pkl: lengths, transcripts, and what published files have: values that are none.
unaligned = {}
for part, count in counts.items():
    text = rng.normal(size=(count, 6, 3)).astype("f4")
    audio, vision = rng.normal(size=(count, 8, 2)), rng.normal(size=(count, 5, 2))
    bert = np.zeros((count, 3, 6), "f4")
    audio_lengths = [int(n) for n in rng.integers(3, 9, count)]
    vision_lengths = [int(n) for n in rng.integers(2, 6, count)]
    for row in range(count):
        bert[row, 1, : 2 + row % 5] = 1
        audio[row, audio_lengths[row] :] = 0
        vision[row, vision_lengths[row] :] = 0
    scores = np.linspace(-3, 3, count).astype("f4")
    ids = [f"v{part}{row // 2}$_${row % 2}" for row in range(count)]
    if part == "train":
        audio[3, 1, 1], audio[4, 0] = -np.inf, np.nan
        audio_lengths[5], audio[5] = 0, 0
        vision_lengths[6] = 9
        scores[7] = 7
        ids[8] = "vtest0$_$0"
    unaligned[part] = {
        "raw_text": np.array([f"words {row}" for row in range(count)], dtype=object),
        "text": text,
        "text_bert": bert,
        "audio": audio,
        "audio_lengths": audio_lengths,
        "vision": vision,
        "vision_lengths": vision_lengths,
        "id": ids,
        "regression_labels": scores,
        "classification_labels": np.sign(scores).astype("i8") + 1,
    }
save("unaligned_50.pkl", unaligned, 4)

# As mosi_data.pkl: padded in front, names in three columns, protocol 2.
padded = {}
for part, count in counts.items():
    arrays = {name: rng.normal(size=(count, 5, width)).astype("f4") for name, width in
              {"text": 3, "audio": 2, "vision": 2}.items()}
    for row in range(count):
        for array in arrays.values():
            array[row, : row % 4] = 0
    columns = [[f"v{part}{row}".encode(), b"0.5", b"1.5"] for row in range(count)]
    padded[part] = {**arrays, "labels": rng.uniform(-3, 3, (count, 1, 1)), "id": np.array(columns, dtype=object)}
save("mosi_data.pkl", padded, 2)


class Evil:
    def __reduce__(self):
        return eval, ("print('called')",)


save("evil.pkl", {"train": Evil()}, 4)

# As the files of the SDK: sequences of videos, cut by the intervals of the labels.
old = {"libver": ("earliest", "v108")}
videos = [f"vid{number}" for number in range(6)]
for name, root, rate, width in [
    ("CMU_MOSI_TimestampedWordVectors", "glove_vectors", 2, 3),
    ("CMU_MOSI_COVAREP", "COVAREP", 10, 2),
]:
    with h5py.File(here / f"{name}.csd", "w", **old) as file:
        for number, video in enumerate(videos):
            steps = 6 * rate
            times = np.arange(steps) / rate
            group = file.create_group(f"{root}/data/{video}")
            # Each value says its video and its step.
            values = 100 * number + np.arange(steps)[:, None] + np.zeros((1, width))
            group["features"] = values.astype("f4")
            group["intervals"] = np.stack([times, times + 1 / rate], axis=1)
with h5py.File(here / "CMU_MOSI_Opinion_Labels.csd", "w", **old) as file:
    for number, video in enumerate(videos):
        group = file.create_group(f"Opinion Segment Labels/data/{video}")
        group["features"] = np.array([[-2 + number / 4], [1 + number / 4]], "f4")
        group["intervals"] = np.array([[0, 2.5], [2.5, 5.5]])

# As nyu_depth_v2_labeled.mat of MATLAB 7.3, which stores the first axis fastest: [n, 3, width, height].
height, width, count = 4, 6, 10
with h5py.File(here / "nyu_depth_v2_labeled.mat", "w", userblock_size=512, **old) as file:
    pixels = np.arange(count * 3 * width * height).reshape(count, 3, width, height) % 251
    packed = {"compression": "gzip", "shuffle": True}
    file.create_dataset("images", data=pixels.astype("u1"), chunks=(1, 3, width, height), **packed)
    depths = np.full((count, width, height), 1.2345, "f4")
    depths[2, 0, 1], depths[3, 0, 0] = 9.9994, np.nan
    file.create_dataset("depths", data=depths, chunks=(4, width, height), **packed)
    labels = (np.arange(count * width * height).reshape(count, width, height) % 8).astype("u2")
    file.create_dataset("labels", data=labels, chunks=(4, 3, 3), **packed)
    names = file.create_group("#refs#")
    for number in range(count):
        text = np.frombuffer(f"room_{number // 2:04}".encode("utf-16-le"), "u2").reshape(-1, 1)
        names[f"s{number}"] = text
    references = [file[f"#refs#/s{number}"].ref for number in range(count)]
    file["scenes"] = np.array([references], dtype=h5py.ref_dtype)
scipy.io.savemat(here / "splits.mat", {
    "trainNdxs": np.arange(1, 9)[:, None].astype("f8"),
    "testNdxs": np.arange(9, 11)[:, None].astype("f8"),
}, do_compression=True)
scipy.io.savemat(here / "classMapping40.mat", {
    "mapClass": np.array([[40, 1, 2, 2, 39, 38, 3]], "f8"),
    "className": np.array([[f"class {number}" for number in range(1, 41)]], dtype=object),
})
