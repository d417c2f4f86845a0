"""What the model tests share: running the programs, the oracle (onnxruntime, graph optimisations off), and when an output is right."""
import hashlib
import subprocess
import time
from dataclasses import dataclass

import numpy as np

LIMIT_S = 900
# Tolerances by element type: relative, and absolute as a fraction of the output's largest magnitude.
RTOL = {"float32": 1e-3, "float64": 1e-3, "float16": 1e-2}
ATOL = {"float32": 1e-4, "float64": 1e-4, "float16": 1e-2}
# The oracle's own noise: its Sigmoid and Softmax are exact to an ulp of 1, not of the result, so tiny outputs carry that much.
FLOOR = 2.0**-23
QUANTA_SHARE = 0.999


class Wrong(AssertionError):
    """An output differs from what was expected."""


def program(build, name):
    path = build / "bin" / name
    assert path.exists(), f"{path} was not built"
    return path


def run(*command, limit=LIMIT_S):
    """Runs a program; a signal or a time-out fails the test whatever it was about."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit)
    assert done.returncode >= 0, f"{command[0]} died of signal {-done.returncode}:\n{done.stderr[-4000:]}"
    return done


def compile_model(build, model, output, *options):
    """Compiles with the command line tool; returns the seconds it took."""
    begun = time.monotonic()
    done = run(program(build, "laic"), model, "-o", output, *options)
    assert done.returncode == 0, f"laic exits {done.returncode}:\n{done.stderr[-4000:]}"
    return time.monotonic() - begun


def execute(build, artifact, feed, folder, threads=2):
    """Runs an artifact with laic-run; returns {output: array}."""
    inputs, outputs = folder / "in.npz", folder / f"out{threads}.npz"
    np.savez(inputs, **feed)
    done = run(program(build, "laic-run"), artifact, "--inputs", inputs, "--outputs", outputs, f"--threads={threads}")
    assert done.returncode == 0, f"laic-run exits {done.returncode}:\n{done.stderr[-4000:]}"
    with np.load(outputs) as data:
        return {name: data[name] for name in data.files}


def oracle(model_path, feed, cache):
    """onnxruntime's outputs with graph optimisations off, kept in the build tree."""
    import onnxruntime

    digest = hashlib.sha256(onnxruntime.__version__.encode() + model_path.read_bytes())
    for name in sorted(feed):
        digest.update(name.encode() + str(feed[name].shape).encode() + feed[name].tobytes())
    stored = cache / f"{digest.hexdigest()[:32]}.npz"
    if stored.exists():
        with np.load(stored) as data:
            return {name: data[name] for name in data.files}
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
    results = session.run(None, feed)
    want = {info.name: result for info, result in zip(session.get_outputs(), results)}
    cache.mkdir(parents=True, exist_ok=True)
    part = stored.with_suffix(f".{id(want)}.npz")
    np.savez(part, **want)
    part.replace(stored)
    return want


def precise_integers(model_path, feed):
    """onnxruntime's outputs with its fused integer kernels, in the mode in which their sums do not saturate."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
    return {info.name: result for info, result in zip(session.get_outputs(), session.run(None, feed))}


def is_quantised(model_path):
    """Does the model round values to integers between its operators?"""
    import onnx

    return any(node.op_type == "QuantizeLinear" for node in onnx.load(model_path, load_external_data=False).graph.node)


def quanta(model_path):
    """{output: scale} of the outputs that a DequantizeLinear makes: the size of one quantum there."""
    import onnx

    graph = onnx.load(model_path).graph
    makers = {name: node for node in graph.node for name in node.output}
    values = {t.name: t for t in graph.initializer}
    result = {}
    for output in graph.output:
        node = makers.get(output.name)
        if node is not None and node.op_type == "DequantizeLinear" and node.input[1] in values:
            result[output.name] = float(onnx.numpy_helper.to_array(values[node.input[1]]).max())
    return result


@dataclass
class Difference:
    """How far one output is from the oracle. used: the worst element's error as a share of what is allowed."""

    name: str
    used: float

    def __str__(self):
        return f"{self.name} {self.used:.2g}"


def compare(name, got, want, quantum=None):
    """Raises Wrong when an output is not right; returns the Difference otherwise."""
    if got.shape != want.shape or got.dtype != want.dtype:
        raise Wrong(f"'{name}': expects {want.dtype}{list(want.shape)}, got {got.dtype}{list(got.shape)}")
    if want.size == 0:
        return Difference(name, 0.0)
    if want.dtype.kind not in "f":
        wrong = np.flatnonzero(got.ravel() != want.ravel())
        if wrong.size:
            at = wrong[0]
            raise Wrong(f"'{name}': {wrong.size} of {want.size} differ, first [{at}]: expects {want.ravel()[at]}, got {got.ravel()[at]}")
        return Difference(name, 0.0)
    finite = np.isfinite(want)
    if not np.array_equal(np.isnan(got), np.isnan(want)) or not np.array_equal(got[~finite & ~np.isnan(want)], want[~finite & ~np.isnan(want)]):
        raise Wrong(f"'{name}': NaN or inf do not agree")
    g, w = got.astype(np.float64), np.where(finite, want.astype(np.float64), 0)
    error = np.abs(np.where(finite, g, 0) - w)
    if quantum is not None:
        share = np.mean(error <= quantum * 1.001)
        if share < QUANTA_SHARE:
            raise Wrong(f"'{name}': {100 * (1 - share):.2f} % of {want.size} outputs are more than one quantum ({quantum:g}) off, worst {error.max():g}")
        return Difference(name, float(error.max() / quantum))
    key = want.dtype.name
    allowed = RTOL[key] * np.abs(w) + max(ATOL[key] * np.abs(w).max(), FLOOR)
    used = error / allowed
    if used.max() > 1:
        at = np.unravel_index(used.argmax(), used.shape)
        raise Wrong(f"'{name}'{list(map(int, at))}: expects {want[at]:.8g}, got {got[at]:.8g}, {used.max():.3g} times what is "
                    f"allowed; {np.mean(used > 1) * 100:.3g} % of {want.size} are wrong")
    return Difference(name, float(used.max()))


def compare_all(got, want, quantum_of=()):
    """All outputs; every wrong one is named."""
    if sorted(got) != sorted(want):
        raise Wrong(f"outputs are {sorted(got)}, expected {sorted(want)}")
    differences, wrong = [], []
    for name in want:
        try:
            differences.append(compare(name, got[name], want[name], dict(quantum_of).get(name)))
        except Wrong as error:
            wrong.append(str(error))
    if wrong:
        raise Wrong("\n".join(wrong))
    return differences
