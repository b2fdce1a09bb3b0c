"""Makes the files beside it, all of made-up numbers: python make.py (numpy, h5py, scipy)."""

import pathlib
import pickle

import h5py
import numpy as np
import scipy.io

here = pathlib.Path(__file__).parent

values = {
    "f4": np.arange(6, dtype="<f4").reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "i2": np.array([1, -2], ">i2"),
    "wide": np.array(["ab", "é"]),
    "bytes": np.array([b"x", b"yz"]),
    "objects": np.array(["one", "two"], dtype=object),
    "scalar": np.float32(1.5),
    "list": [1, 2, 3],
    "mixed": [np.float32(0.5), 2.0],
    "empty": np.zeros((0, 4)),
    "large": (np.arange(70000) % 251).astype("u1"),
    "complex": np.array([1 + 2j]),
}
for protocol in 2, 4, 5:
    small = {key: value for key, value in values.items() if key != "large" or protocol == 4}
    (here / f"protocol{protocol}.pkl").write_bytes(pickle.dumps(small, protocol=protocol))

# As files of MATLAB 7.3: a user block before the file, groups with symbol tables.
with h5py.File(here / "old.h5", "w", userblock_size=512, libver=("earliest", "v108")) as file:
    group = file.create_group("SEQ/data")
    for number in range(10):
        group[f"vid{number:02}/features"] = np.full((2, 2), number, "f4")
    packed = np.arange(7 * 5 * 3, dtype="u2").reshape(7, 5, 3)
    file.create_dataset("packed", data=packed, chunks=(2, 3, 2), compression="gzip", shuffle=True)
    file.create_dataset("plain", data=np.arange(10.0), chunks=(4,))
    file["big"] = np.arange(3, dtype=">f4")
    file["texts"] = np.array([b"abc", b"de"])
    file["reference"] = np.array([file["big"].ref], dtype=h5py.ref_dtype)
    file["flags"] = np.array([True, False])
    file.create_dataset("unwritten", shape=(10,), chunks=(4,), dtype="f4")
with h5py.File(here / "links.h5", "w", libver="v108") as file:
    file["a"] = np.arange(3, dtype="i4")
with h5py.File(here / "dense.h5", "w", libver="v108") as file:
    for number in range(9):
        file[str(number)] = number

variables = {
    "trainNdxs": np.array([[1], [3], [5]], "u2"),
    "matrix": np.arange(6.0).reshape(2, 3),
    "className": np.array([["wall", "größe"]], dtype=object),
    "complex": np.array([1j]),
    "record": {"a": 1},
}
scipy.io.savemat(here / "plain.mat", variables)
scipy.io.savemat(here / "packed.mat", variables, do_compression=True)
