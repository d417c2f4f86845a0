#!/usr/bin/env python3
"""Writes, shows and computes npz files for tests.

usage: npz.py make OUT.npz NAME=EXPR...      EXPR is numpy: "np.arange(6, dtype='f4').reshape(2, 3)"; rng is default_rng(0)
       npz.py show IN.npz                    name, dtype, shape and up to 64 values per array
       npz.py reference MODEL.onnx IN.npz OUT.npz    onnxruntime's outputs with graph optimisations off; of maps in
                                             ascending order of their keys
       npz.py equal A.npz B.npz              bit for bit
"""
import sys

import numpy as np


def make(output, *arrays):
    names = {"np": np, "rng": np.random.default_rng(0)}
    np.savez(output, **{name: np.asarray(eval(text, names)) for name, _, text in (a.partition("=") for a in arrays)})


def show(path):
    with np.load(path) as data:
        for name in sorted(data.files):
            array = data[name]
            values = " ".join(f"{v:.6g}" if array.dtype.kind == "f" else str(v) for v in array.ravel()[:64])
            print(f"{name} {array.dtype.str[1:]} {list(array.shape)}: {values}")


def reference(model, inputs, output):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with np.load(inputs) as data:
        feeds = {name: data[name] for name in data.files}
        for info in session.get_inputs():
            if info.type.startswith("map("):
                keys, values = feeds.pop(f"{info.name}/keys"), feeds.pop(f"{info.name}/values")
                feeds[info.name] = dict(zip(keys.tolist(), values.tolist()))
    arrays = {}
    for info, result in zip(session.get_outputs(), session.run(None, feeds)):
        if info.type.startswith("seq(map(") and result:
            arrays[f"{info.name}/keys"] = np.array(list(result[0]))
            arrays[f"{info.name}/values"] = np.array([list(row.values()) for row in result], np.float32)
        else:
            arrays[info.name] = result
    np.savez(output, **arrays)


def equal(first, second):
    with np.load(first) as a, np.load(second) as b:
        if sorted(a.files) != sorted(b.files):
            sys.exit(f"error: names differ: {sorted(a.files)} and {sorted(b.files)}")
        for name in a.files:
            if a[name].dtype != b[name].dtype or a[name].shape != b[name].shape or a[name].tobytes() != b[name].tobytes():
                sys.exit(f"error: '{name}' differs")


def main():
    commands = {"make": make, "show": show, "reference": reference, "equal": equal}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(2)
    commands[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
