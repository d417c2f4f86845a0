#!/usr/bin/env python3
"""Upgraded models compute what the originals compute: both are run in onnxruntime, with graph optimisations off.

usage: upgrade_test.py TOOL [--models DIR] [--filter TEXT]
TOOL is onnx-upgrade-dump. Three sources of models: small graphs made here, one per operator and old opset; the models of the onnx
package that carry expected outputs (opset 6 and older among them, which onnxruntime itself cannot run); and, where DIR is given, real
models with seeded inputs (DIR/inputs.py). Prints one line per failure and a summary; exit status 1 when anything differs.
"""
import argparse
import glob
import importlib.util
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

onnxruntime.set_default_logger_severity(4)
NEW_OPSET = 21  # what the upgraded model claims at least: here onnxruntime has kernels for everything
SKIPPED = {
    "simple/test_gradient_of_add": "onnxruntime has no Gradient",
    "simple/test_gradient_of_add_and_mul": "onnxruntime has no Gradient",
    "simple/test_strnorm_model_monday_casesensintive_lower": "onnxruntime wants the locale en_US.UTF-8",
    "simple/test_strnorm_model_monday_casesensintive_upper": "onnxruntime wants the locale en_US.UTF-8",
    "simple/test_strnorm_model_monday_empty_output": "onnxruntime wants the locale en_US.UTF-8",
    "simple/test_strnorm_model_monday_insensintive_upper_twodim": "onnxruntime wants the locale en_US.UTF-8",
}


def session(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def upgrade(tool, path, out):
    imports = onnx.load(path, load_external_data=False).opset_import
    opset = max([NEW_OPSET] + [i.version for i in imports if i.domain in ("", "ai.onnx")])
    done = subprocess.run([tool, path, f"--opset={opset}", "-o", out], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


def differ(got, want):
    """-> None, or what is different."""
    if len(got) != len(want):
        return f"{len(got)} outputs, not {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        g, w = np.asarray(g), np.asarray(w)
        if g.shape != w.shape or g.dtype != w.dtype:
            return f"output {i} is {g.dtype}{g.shape}, not {w.dtype}{w.shape}"
        if g.dtype.kind in "fc":
            scale = np.max(np.abs(w[np.isfinite(w)]), initial=0)
            if not np.allclose(g, w, rtol=2e-3 if g.dtype == np.float16 else 1e-5, atol=1e-6 * scale, equal_nan=True):
                return f"output {i} differs by {np.nanmax(np.abs(g.astype('f8') - w.astype('f8')))}"
        elif not np.array_equal(g, w):
            return f"output {i} differs"
    return None


# --- small graphs -----------------------------------------------------------------------------------------------------------

def rng():
    return np.random.default_rng(7)


def real(*shape):
    return rng().standard_normal(shape).astype("f4")


def small_graphs():
    """Yields (name, opset, op, inputs {name: array}, attributes, number of outputs[, domain])."""
    x = real(2, 3, 4, 5)
    for opset in (7, 9, 11, 12):
        for op in ("Softmax", "LogSoftmax", "Hardmax"):
            for axis in (None, 0, 1, 2, 3) + ((-2, -1) if opset >= 11 else ()):
                yield f"{op}-axis{axis}", opset, op, {"x": x}, {} if axis is None else {"axis": axis}, 1
    for opset in (7, 10):
        yield "Clip", opset, "Clip", {"x": x}, {"min": -0.5, "max": 0.25}, 1
        yield "Clip-min", opset, "Clip", {"x": x}, {"min": -0.5}, 1
        yield "Clip-max", opset, "Clip", {"x": x}, {"max": 0.5}, 1
        yield "Clip-none", opset, "Clip", {"x": x}, {}, 1
        yield "Pad", opset, "Pad", {"x": x}, {"pads": [0, 0, 1, 2, 0, 0, 2, 1], "value": 1.5}, 1
        yield "Pad-zero", opset, "Pad", {"x": x}, {"pads": [0, 1, 1, 2, 0, 0, 2, 1]}, 1
        yield "Pad-negative", opset, "Pad", {"x": x}, {"pads": [0, 0, -1, 0, 0, 0, 0, -1]}, 1
        for mode in ("reflect", "edge"):
            yield f"Pad-{mode}", opset, "Pad", {"x": x}, {"pads": [0, 0, 1, 2, 0, 0, 2, 1], "mode": mode}, 1
    for opset in (7, 9):
        yield "Slice", opset, "Slice", {"x": x}, {"starts": [1, -3], "ends": [3, 1000], "axes": [1, 3]}, 1
        yield "Slice-noaxes", opset, "Slice", {"x": x}, {"starts": [0, 1], "ends": [1, 3]}, 1
        yield "TopK", opset, "TopK", {"x": x}, {"k": 2, "axis": 2}, 2
        yield "TopK-default", opset, "TopK", {"x": x}, {"k": 3}, 2
    for opset in (7, 10, 11, 12):
        yield "Dropout", opset, "Dropout", {"x": x}, {"ratio": 0.4} if opset < 12 else {}, 1
    for opset in (7, 11, 12):
        yield "Squeeze", opset, "Squeeze", {"x": real(1, 3, 1, 5)}, {"axes": [0, 2]}, 1
        yield "Squeeze-all", opset, "Squeeze", {"x": real(1, 3, 1, 5)}, {}, 1
        yield "Unsqueeze", opset, "Unsqueeze", {"x": x}, {"axes": [0, 3]}, 1
        yield "Split", opset, "Split", {"x": x}, {"axis": 3, "split": [1, 4]}, 2
        yield "Split-equal", opset, "Split", {"x": x}, {"axis": 2}, 2
        yield "Split-default", opset, "Split", {"x": x}, {}, 2
    for opset in (7, 11, 12, 13, 17):
        for op in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
            if op == "Sum" and opset >= 13:
                continue
            yield f"Reduce{op}", opset, "Reduce" + op, {"x": np.abs(x)}, {"axes": [1, 3], "keepdims": 0}, 1
            yield f"Reduce{op}-all", opset, "Reduce" + op, {"x": np.abs(x)}, {}, 1
    for mode in ("nearest", "linear"):
        yield f"Upsample-{mode}", 7, "Upsample", {"x": x}, {"mode": mode, "scales": [1.0, 1.0, 2.0, 3.0]}, 1
        for name, scales in (("up", [1, 1, 2, 3]), ("fraction", [1, 1, 1.3, 1.6])):
            scale = np.array(scales, "f4")
            yield f"Upsample-{mode}-{name}", 9, "Upsample", {"x": x, "scales": scale}, {"mode": mode}, 1
            yield f"Resize-{mode}-{name}", 10, "Resize", {"x": x, "scales": scale}, {"mode": mode}, 1
        for how in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
            feeds = {"x": x, "roi": np.zeros(0, "f4"), "scales": np.array([1, 1, 1.7, 0.6], "f4")}
            yield f"Resize-{mode}-{how}", 11, "Resize", feeds, {"mode": mode, "coordinate_transformation_mode": how}, 1
            feeds = {"x": x, "roi": np.zeros(0, "f4"), "scales": np.zeros(0, "f4"), "sizes": np.array([2, 3, 9, 4])}
            yield f"Resize-{mode}-{how}-sizes", 11, "Resize", feeds, {"mode": mode, "coordinate_transformation_mode": how}, 1
    for nearest in ("round_prefer_floor", "floor"):
        feeds = {"x": x, "roi": np.zeros(0, "f4"), "scales": np.array([1, 1, 1.7, 2.6], "f4")}
        yield f"Resize-tf_nn-{nearest}", 11, "Resize", feeds, {
            "mode": "nearest", "nearest_mode": nearest, "coordinate_transformation_mode": "tf_half_pixel_for_nn"}, 1
    bn = {"x": x, "s": real(3), "b": real(3) + 1, "m": real(3) - 1, "v": np.abs(real(3)) + 0.1}
    for opset in (7, 9, 13, 14):
        yield "BatchNormalization", opset, "BatchNormalization", bn, {"epsilon": 1e-3}, 1
    per_element = {"x": x} | {k: np.abs(real(3, 4, 5)) + i for i, k in enumerate("sbmv")}
    yield "BatchNormalization-spatial0", 7, "BatchNormalization", per_element, {"spatial": 0}, 1
    rois = {"x": x, "rois": np.array([[0, 0, 3, 3], [0.5, 1, 2, 2.5]], "f4"), "batch": np.array([0, 1])}
    yield "RoiAlign", 10, "RoiAlign", rois, {"output_height": 2, "output_width": 2, "sampling_ratio": 2}, 1
    grid = {"x": x, "grid": (rng().random((2, 3, 3, 2)) * 2 - 1).astype("f4")}
    for mode in ("bilinear", "nearest", "bicubic"):
        yield f"GridSample-{mode}", 16, "GridSample", grid, {"mode": mode}, 1
    yield "GridSample", 16, "GridSample", grid, {}, 1
    yield "DFT", 17, "DFT", {"x": real(1, 8, 4, 1)}, {"axis": 2}, 1
    yield "DFT-default", 17, "DFT", {"x": real(1, 8, 4, 1)}, {}, 1
    yield "Scatter", 9, "Scatter", {"x": x, "i": np.array([[[[1, 0]]]]), "u": real(1, 1, 1, 2)}, {"axis": 1}, 1
    yield "GroupNormalization", 18, "GroupNormalization", {"x": real(2, 6, 3, 3), "s": real(3), "b": real(3)}, {"num_groups": 3}, 1
    for opset in (7, 8, 10, 11):
        pool = {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1]}
        yield "MaxPool", opset, "MaxPool", {"x": x}, pool, 1
        yield "AveragePool", opset, "AveragePool", {"x": x}, pool | {"count_include_pad": 1}, 1
        yield "LpPool", opset, "LpPool", {"x": x}, pool, 1
    lstm = {"x": real(5, 2, 3), "w": real(1, 16, 3), "r": real(1, 16, 4), "b": real(1, 32)}
    yield "LSTM", 7, "LSTM", lstm, {"hidden_size": 4}, 3
    gru = {"x": real(5, 2, 3), "w": real(1, 12, 3), "r": real(1, 12, 4)}
    yield "GRU", 7, "GRU", gru, {"hidden_size": 4, "linear_before_reset": 1}, 2
    yield "LabelEncoder", 1, "LabelEncoder", {"x": np.array([2, 0, 9])}, {"classes_strings": ["a", "b", "c"]}, 1, "ai.onnx.ml"


def in_first_opset(feeds):
    """Constants (all inputs but the first) as initialisers or as inputs: yields (initialised names, suffix)."""
    yield set(list(feeds)[1:]), ""
    if len(feeds) > 1:
        yield set(), "-dynamic"


def build_small(op, opset, feeds, attributes, outputs, domain, initialised, rankless):
    names = ["" if a.size == 0 and op == "Resize" and k == "sizes" else k for k, a in feeds.items()]
    node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], domain=domain, **attributes)
    nodes = [node]
    inputs = [k for k in feeds if k not in initialised]
    if rankless:  # hides the rank of the first input behind a Reshape to a shape that is fed
        nodes.insert(0, helper.make_node("Reshape", ["raw", "shape"], [names[0]]))
    graph = helper.make_graph(nodes, "g", [], [helper.make_value_info(f"y{i}", onnx.TypeProto()) for i in range(outputs)],
                              [numpy_helper.from_array(feeds[k], k) for k in initialised])
    for k in inputs:
        array = feeds[k]
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        if rankless and k == names[0]:
            graph.input.append(helper.make_tensor_value_info("raw", kind, list(array.shape)))
            graph.input.append(helper.make_tensor_value_info("shape", TensorProto.INT64, [None]))
        else:
            graph.input.append(helper.make_tensor_value_info(k, kind, list(array.shape)))
    imports = [helper.make_opsetid("", opset if not domain else 9)] + ([helper.make_opsetid(domain, opset)] if domain else [])
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def run_small(tool, folder, choose):
    for case in small_graphs():
        name, opset, op, feeds, attributes, outputs = case[:6]
        domain = case[6] if len(case) > 6 else ""
        for initialised, suffix in in_first_opset(feeds):
            for rankless in (False, True) if not domain and feeds and list(feeds.values())[0].ndim else (False,):
                label = f"{name}@{opset}{suffix}{'-rankless' if rankless else ''}"
                if choose not in label:
                    continue
                old, new = os.path.join(folder, "old.onnx"), os.path.join(folder, "new.onnx")
                onnx.save(build_small(op, opset, feeds, attributes, outputs, domain, initialised, rankless), old)
                first = list(feeds)[0]
                fed = {k: v for k, v in feeds.items() if k not in initialised}
                if rankless:
                    fed["raw"] = fed.pop(first)
                    fed["shape"] = np.array(fed["raw"].shape)
                yield label, old, new, fed


def structured():
    """Models with functions, subgraphs and all carriers of constants: yields (label, model, feeds[, expected outputs])."""
    x = real(2, 3)
    fed = {"x": x}

    def model(nodes, opset=13, functions=(), initialised=(), sparse=(), outputs=("y",), imports=()):
        graph = helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
            [helper.make_value_info(o, onnx.TypeProto()) for o in outputs], list(initialised), sparse_initializer=list(sparse))
        domains = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in imports)]
        return helper.make_model(graph, opset_imports=domains, functions=list(functions), ir_version=8)

    node = helper.make_node
    float_info = helper.make_tensor_value_info
    # A function that calls another one, with an attribute passed down, a default, and a body at an older opset.
    leaky = node("LeakyRelu", ["t"], ["r"])
    leaky.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    inner = helper.make_function("local", "Inner", ["a", "b"], ["r"], [node("Sub", ["a", "b"], ["t"]), leaky],
                                 [helper.make_opsetid("", 9)], ["slope"])
    call = node("Inner", ["p", "square"], ["t"], domain="local")
    call.attribute.add(name="slope", ref_attr_name="amount", type=onnx.AttributeProto.FLOAT)
    outer = helper.make_function(
        "local", "Outer", ["p"], ["q", "p2"],
        [node("Clip", ["t"], ["q"], min=-0.25), call, node("Mul", ["p", "p"], ["square"]), node("Identity", ["p"], ["p2"])],
        [helper.make_opsetid("", 9), helper.make_opsetid("local", 1)], [],
        [helper.make_attribute("amount", 0.25)])
    calls = [node("Outer", ["x"], ["u", "v"], domain="local"), node("Outer", ["u"], ["w"], domain="local", amount=0.5),
             node("Add", ["w", "v"], ["y"])]

    def run_outer(value, slope):  # onnxruntime ignores the opsets of functions, so numpy is the oracle
        t = value - value * value
        return np.maximum(np.where(t < 0, np.float32(slope) * t, t), np.float32(-0.25))

    yield "functions", model(calls, functions=[inner, outer], imports=["local"]), fed, [run_outer(run_outer(x, 0.25), 0.5) + x]
    # A subgraph in a function that takes values from around it, and whose names the caller uses for something else.
    then = helper.make_graph([node("Add", ["a", "a"], ["u"])], "then", [], [float_info("u", 1, None)])
    other = helper.make_graph([node("Sub", ["a", "one"], ["u"])], "else", [], [float_info("u", 1, None)],
                              [numpy_helper.from_array(np.float32(1), "one")])
    choice = helper.make_function("local", "Choice", ["a", "c"], ["r"],
                                  [node("If", ["c"], ["r"], then_branch=then, else_branch=other)], [helper.make_opsetid("", 13)])
    nodes = [node("Relu", ["x"], ["u"]), node("ReduceSum", ["u"], ["s"], keepdims=0), node("Cast", ["s"], ["c"], to=9),
             node("Choice", ["u", "c"], ["y"], domain="local")]
    yield "function-subgraph", model(nodes, functions=[choice], imports=["local"]), fed
    # Loop and If at an old opset with old nodes inside.
    body = helper.make_graph(
        [node("Squeeze", ["v"], ["v1"], axes=[0]), node("Clip", ["v1"], ["v2"], max=0.5), node("Unsqueeze", ["v2"], ["v3"], axes=[0]),
         node("Add", ["v3", "outside"], ["vout"]), node("Identity", ["c"], ["cout"])],
        "body", [float_info("i", TensorProto.INT64, []), float_info("c", TensorProto.BOOL, []), float_info("v", 1, [1, 2, 3])],
        [float_info("cout", TensorProto.BOOL, []), float_info("vout", 1, [1, 2, 3])])
    nodes = [node("Loop", ["n", "", "x3"], ["y"], body=body), node("Unsqueeze", ["x"], ["x3"], axes=[0]),
             node("Neg", ["x"], ["outside"])]
    yield "loop-unsorted", model(nodes, 10, initialised=[numpy_helper.from_array(np.int64(3), "n")]), fed
    # Scan over the second dim of a batch.
    step = helper.make_graph([node("Add", ["s", "e"], ["s2"]), node("Identity", ["s2"], ["o"])], "step",
                             [float_info("s", 1, []), float_info("e", 1, [])], [float_info("s2", 1, []), float_info("o", 1, [])])
    nodes = [node("ReduceSum", ["x"], ["start"], axes=[1], keepdims=0),
             node("Scan", ["", "start", "x"], ["end", "y"], num_scan_inputs=1, body=step)]
    yield "scan-batch", model(nodes, 8, outputs=("end", "y")), fed
    # Constants in all spellings.
    dense = numpy_helper.from_array(np.arange(6, dtype="f4").reshape(2, 3), "d")
    values, indices = numpy_helper.from_array(np.array([3, 5], "f4"), "v"), numpy_helper.from_array(np.array([1, 4]), "i")
    sparse = helper.make_sparse_tensor(values, indices, [2, 3])
    pairs = helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([[0, 2], [1, 1]]), "i"), [2, 3])
    nodes = [node("Constant", [], ["c0"], value=dense), node("Constant", [], ["c1"], sparse_value=sparse),
             node("Constant", [], ["c2"], value_float=2.5), node("Constant", [], ["c3"], value_floats=[1.0, 2.0, 3.0]),
             node("Constant", [], ["c4i"], value_int=7), node("Cast", ["c4i"], ["c4"], to=1),
             node("Constant", [], ["c5i"], value_ints=[7, 8, 9]), node("Cast", ["c5i"], ["c5"], to=1),
             node("Sum", ["x", "c0", "c1", "c2", "c3", "c4", "c5"], ["y0"]), node("Constant", [], ["pairs"], sparse_value=pairs),
             node("Mul", ["y0", "pairs"], ["y"])]
    yield "constants", model(nodes, 13), fed
    sparse.values.name = "sp"
    yield "sparse-initializer", model([node("Add", ["x", "sp"], ["y"])], 13, sparse=[sparse]), fed
    # Elements in typed lists, large ones too.
    lists = []
    for kind in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16):
        array = (rng().integers(0, 2, 600) if kind == 9 else rng().integers(0, 100, 600)).astype("f4")
        tensor = helper.make_tensor(f"t{kind}", kind, [2, 300], array.astype(helper.tensor_dtype_to_np_dtype(kind)))
        lists.append(tensor)
    nodes = [node("Cast", [t.name], ["f" + t.name], to=1) for t in lists]
    nodes += [node("Sum", ["f" + t.name for t in lists], ["sum"]), node("ReduceSum", ["sum"], ["total"], keepdims=0),
              node("Add", ["x", "total"], ["y"])]
    yield "typed-lists", model(nodes, 13, initialised=lists), fed


# --- models with expected outputs ---------------------------------------------------------------------------------------------

def packaged():
    """Models in the onnx package: yields (label, path, [inputs], [expected outputs])."""
    root = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
    for kind in ("pytorch-converted", "pytorch-operator", "simple"):
        for path in sorted(glob.glob(os.path.join(root, kind, "*", "model.onnx"))):
            data = os.path.join(os.path.dirname(path), "test_data_set_0")
            arrays = []
            for side in ("input", "output"):
                files = sorted(glob.glob(os.path.join(data, side + "_*.pb")), key=lambda f: int(f[:-3].rsplit("_", 1)[1]))
                arrays.append([])
                for file in files:
                    tensor = TensorProto()
                    with open(file, "rb") as f:
                        tensor.ParseFromString(f.read())
                    arrays[-1].append(numpy_helper.to_array(tensor))
            yield f"{kind}/{os.path.basename(os.path.dirname(path))}", path, *arrays


def real_models(folder):
    spec = importlib.util.spec_from_file_location("inputs", os.path.join(folder, "inputs.py"))
    inputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inputs)
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.onnx"))):
        yield os.path.relpath(path, folder), path, inputs


# --- the test -----------------------------------------------------------------------------------------------------------------

class Score:
    passed = failed = skipped = 0

    def fail(self, label, why):
        self.failed += 1
        print(f"FAIL {label}: {why}".replace("\n", " ")[:600])

    def skip(self, label, why):
        self.skipped += 1
        print(f"skip {label}: {why}".replace("\n", " ")[:300])

    def check(self, label, tool, path, new, feeds, want):
        problem = upgrade(tool, path, new)
        if problem is None:
            try:
                model = session(new)
                names = [i.name for i in model.get_inputs()]
                if isinstance(feeds, list):
                    feeds = dict(zip(names, feeds))
                problem = differ(model.run(None, {k: v for k, v in feeds.items() if k in names}), want)
            except Exception as error:  # every failure of the peer is one of ours here
                problem = "upgraded model: " + str(error)
        if problem:
            self.fail(label, problem)
        else:
            self.passed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--models")
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    score = Score()
    with tempfile.TemporaryDirectory() as folder:
        new = os.path.join(folder, "new.onnx")
        for label, old, new_path, feeds in run_small(options.tool, folder, options.filter):
            try:
                want = session(old).run(None, feeds)
            except Exception as error:
                score.skip(label, "onnxruntime does not run the original: " + str(error))
                continue
            score.check(label, options.tool, old, new_path, feeds, want)
        old = os.path.join(folder, "old.onnx")
        for label, model, feeds, *want in structured():
            if options.filter in label:
                onnx.save(model, old)
                score.check(label, options.tool, old, new, feeds, want[0] if want else session(old).run(None, feeds))
        for label, path, feeds, want in packaged():
            if label in SKIPPED and options.filter in label:
                score.skip(label, SKIPPED[label])
            elif options.filter in label:
                score.check(label, options.tool, path, new, feeds, want)
        for label, path, inputs in real_models(options.models) if options.models else ():
            if options.filter not in label:
                continue
            feeds = inputs.make(label, 0)
            try:
                want = session(path).run(None, feeds)
            except Exception as error:
                score.skip(label, "onnxruntime does not run the original: " + str(error))
                continue
            score.check(label, options.tool, path, new, feeds, want)
    print(f"{score.passed} passed, {score.failed} failed, {score.skipped} skipped")
    sys.exit(1 if score.failed or not score.passed else 0)


if __name__ == "__main__":
    main()
