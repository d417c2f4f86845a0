"""The full-size architectures of ../shared/zoo: filled with seeded weights, compiled once, run at several sizes, compared with onnxruntime.

One model is on disk at a time. `check` takes the small ones, LAIC_CHECK_ALL all of them.
"""
import gc
import importlib.util
import os
import shutil

import numpy as np
import onnx
import pytest

from harness import Wrong, compare_all, compile_model, execute, is_quantised, oracle, precise_integers, quanta
from locations import BUILD, ROOT

ZOO = ROOT.parent / "shared" / "zoo"
# What `check` runs: models of every kind that are small in weights and in work.
SAMPLE = ("mobilenet_v2", "mobilenet_v2_int8", "mobilenet_v3_small", "efficientnet_b0_f16", "gru_enhancer", "lraspp_mobilenet_v3_large",
          "sd15_unet_tiny", "ssdlite320")
# Sizes at which a whole network is quick enough, where those of the collection are meant for benchmarks.
SMALL = {"sd15_unet": {"batch": 1, "height": 16, "width": 16}, "sd15_unet_f16": {"batch": 1, "height": 16, "width": 16},
         "sd15_vae_decoder": {"batch": 1, "height": 16, "width": 16}, "edsr_x2": {"batch": 1, "height": 48, "width": 64}}

if ZOO.is_dir():
    spec = importlib.util.spec_from_file_location("materialise", ZOO / "materialise.py")
    materialise = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(materialise)
    NAMES = sorted(p.name.removesuffix(".skel.onnx") for p in ZOO.glob("*.skel.onnx"))
else:
    NAMES = []
needs_zoo = pytest.mark.skipif(not NAMES, reason="../shared/zoo is not present")


def chosen():
    return [n for n in NAMES if os.environ.get("LAIC_CHECK_ALL") or n in SAMPLE] or ["../shared/zoo"]


def sizes(name, dims):
    """The benchmark's dims (or small ones) and two others where dims are dynamic."""
    first = SMALL.get(name, dims)
    if not dims:
        return [{}]
    other = {d: n + 1 if d == "batch" else n + 8 if d in ("height", "width") else max(n // 2, 1) for d, n in first.items()}
    third = {d: n if d == "batch" else n + 16 if d in ("height", "width") else n + 3 for d, n in first.items()}
    if "past" in dims:
        third["past"] = 0  # a prefill
    return [first, other] + ([third] if third != first else [])


def boxes_overlap(a, b):
    """Intersection over union of boxes [n, 4] in pairs."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    inner = np.prod(np.clip(high - low, 0, None), axis=1)
    area = lambda box: np.prod(box[:, 2:] - box[:, :2], axis=1)  # noqa: E731
    return inner / np.maximum(area(a) + area(b) - inner, 1e-9)


def compare_detections(got, want):
    """Detections in order of their scores, which agree; the boxes of equal labels overlap."""
    boxes = next(n for n, a in want.items() if a.ndim == 2 and a.shape[1] == 4)
    labels = next(n for n, a in want.items() if a.dtype == np.int64)
    scores = next(n for n in want if n not in (boxes, labels))
    count = want[scores].size
    if abs(got[scores].size - count) > max(1, count // 100):
        raise Wrong(f"{got[scores].size} detections, expected {count}")
    left, used = list(range(got[scores].size)), 0
    for i in np.argsort(-want[scores]):
        near = [j for j in left if abs(got[scores][j] - want[scores][i]) <= 1e-3 and got[labels][j] == want[labels][i]]
        match = next((j for j in near if boxes_overlap(got[boxes][j:j + 1], want[boxes][i:i + 1])[0] >= 0.99), None)
        if match is not None:
            left.remove(match)
            used += 1
    if used < 0.99 * count:
        raise Wrong(f"{used} of {count} detections have a partner of equal label and score with an overlap of 0.99")


def most_accurate(model):
    """The model for the oracle: MatMulNBits' accuracy_level lets it and laic round the other operand to 8 bits, each in its own order."""
    graph = onnx.load(model, load_external_data=False)
    relaxed = [a for node in graph.graph.node for a in node.attribute if node.op_type == "MatMulNBits" and a.name == "accuracy_level"]
    if not relaxed:
        return model
    for attribute in relaxed:
        attribute.i = 1  # f32
    exact = model.with_name("exact.onnx")
    onnx.save(graph, exact)
    return exact


def is_detector(want):
    return len(want) == 3 and any(a.ndim == 2 and a.shape[1] == 4 for a in want.values()) and any(a.dtype == np.int64 for a in want.values())


def compare_outputs(model, feed, got, want, quantum_of):
    """Within tolerance or one quantum; what was found, in words.

    Random weights carry one step of rounding in one layer of a quantised network to all outputs of the last. Where that happened, the
    bound is how far onnxruntime with its fused integer kernels is from itself without; sums of integers are exact in both.
    """
    try:
        return ", ".join(map(str, compare_all(got, want, quantum_of)[:3]))
    except Wrong:
        if not is_quantised(model):
            raise
    peer = precise_integers(model, feed)
    found = []
    for name, right in want.items():
        ours, theirs = (float(np.sqrt(np.mean((a[name].astype(np.float64) - right) ** 2))) for a in (got, peer))
        found.append(f"{name} {ours:.2g} (root of mean square), {theirs:.2g} between modes of onnxruntime")
        if ours > 1.25 * theirs:
            raise Wrong(found[-1])
    return ", ".join(found)


@needs_zoo
@pytest.mark.parametrize("name", chosen())
def test_right(name):
    folder = BUILD / "models" / f"zoo-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        check_model(name, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_model(name, folder):
    skeleton = onnx.load(ZOO / f"{name}.skel.onnx", load_external_data=False)
    info = materialise.sidecar(skeleton)
    materialise.materialise(skeleton, folder / "model.onnx")
    del skeleton
    gc.collect()
    quantum_of, judge = quanta(folder / "model.onnx"), most_accurate(folder / "model.onnx")
    options = ["--math=strict"] if judge != folder / "model.onnx" else []
    seconds = compile_model(BUILD, folder / "model.onnx", folder / "model.bin", *options)
    lines = []
    for seed, dims in enumerate(sizes(name, info["dims"])):
        feed = materialise.make_inputs(info, dims, seed)
        want = oracle(judge, feed, folder / "oracle")
        got = execute(BUILD, folder / "model.bin", feed, folder)
        if is_detector(want):
            compare_detections(got, want)
            lines.append(f"{dims}: detections agree")
        else:
            lines.append(f"{dims}: " + compare_outputs(folder / "model.onnx", feed, got, want, quantum_of))
    (BUILD / "models" / f"zoo.{name}.txt").write_text(f"{name:32s} compiled in {seconds:5.1f} s; error as share of allowed: {'; '.join(lines)}\n")
