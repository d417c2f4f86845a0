"""`--emit=onnx`: exported models are legal, compute what the model did, in onnxruntime and compiled again, and keep its names and types."""
import os
import subprocess

import ml_dtypes  # noqa: F401, so that numpy knows the small floats
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

FLOAT = TensorProto.FLOAT
RNG = np.random.default_rng(7)


def weight(name, *shape, scale=0.5):
    return numpy_helper.from_array((RNG.standard_normal(shape) * scale).astype("f4"), name)


def array(name, values, dtype):
    return numpy_helper.from_array(np.array(values, dtype), name)


def model(nodes, inputs, outputs, weights=(), opset=21, domains=()):
    """inputs and outputs: {name: (element type, dims)}."""
    infos = [[helper.make_tensor_value_info(name, *of) for name, of in values.items()] for values in (inputs, outputs)]
    graph = helper.make_graph(nodes, "g", *infos, list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)] + [helper.make_opsetid(d, v) for d, v in domains],
                             ir_version=10)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(","), outputs.split(","), name=f"{op.lower()}_{outputs.split(',')[0]}", **attributes)


def conv_net():
    return model(
        [node("Conv", "x,k,b", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
         node("BatchNormalization", "c,s,o,m,v", "n"), node("Relu", "n", "r"),
         node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
         node("GlobalAveragePool", "p", "a"), node("Flatten", "a", "f"), node("Softmax", "f", "y")],
        {"x": (FLOAT, ["N", 3, 9, 9])}, {"y": (FLOAT, ["N", 8])},
        [weight("k", 8, 3, 3, 3), weight("b", 8), weight("s", 8), weight("o", 8), weight("m", 8),
         array("v", np.linspace(0.5, 2, 8), "f4")], opset=13), {"x": (2, 3, 9, 9)}


def products():
    return model(
        [node("MatMul", "x,w", "h"), node("Clip", "h,,most", "c"), node("Gemm", "c,g,d", "y", transB=1, alpha=0.5),
         node("TopK", "y,k", "best,where")],
        {"x": (FLOAT, ["batch", 16])}, {"y": (FLOAT, ["batch", 4]), "where": (TensorProto.INT64, ["batch", 2])},
        [weight("w", 16, 24), weight("g", 4, 24), weight("d", 4), array("most", 1.0, "f4"), array("k", [2], "i8")]), {"x": (3, 16)}


def quantised():
    """Activations per tensor (u8), weights per channel (s8), a bias in 32 bits, weights of 4 bits with one scale per block."""
    packed = helper.make_tensor("q4", TensorProto.INT4, [16, 8], RNG.integers(0, 256, 64).astype("u1").tobytes(), raw=True)
    zeros = helper.make_tensor("z4", TensorProto.INT4, [2, 8], bytes([0x1F] * 8), raw=True)
    return model(
        [node("QuantizeLinear", "x,xs,xz", "xq"), node("DequantizeLinear", "xq,xs,xz", "xd"),
         node("DequantizeLinear", "wq,ws,wz", "wd", axis=0), node("DequantizeLinear", "bq,bs", "bd", axis=0),
         node("Conv", "xd,wd,bd", "c"), node("QuantizeLinear", "c,cs,cz", "cq"), node("DequantizeLinear", "cq,cs,cz", "cd"),
         node("Flatten", "cd", "f"), node("DequantizeLinear", "q4,s4,z4", "w4", axis=0, block_size=8), node("MatMul", "f,w4", "y")],
        {"x": (FLOAT, [1, 4, 2, 2])}, {"y": (FLOAT, [1, 8])},
        [array("xs", 0.02, "f4"), array("xz", 128, "u1"), array("wq", RNG.integers(-127, 128, (4, 4, 1, 1)), "i1"),
         array("ws", [0.01, 0.02, 0.03, 0.04], "f4"), array("wz", [0, 0, 0, 0], "i1"), array("bq", [100, -200, 300, 0], "i4"),
         array("bs", [0.0002, 0.0004, 0.0006, 0.0008], "f4"), array("cs", 0.05, "f4"), array("cz", 3, "i1"), packed,
         array("s4", np.full((2, 8), 0.1), "f4"), zeros]), {"x": (1, 4, 2, 2)}


def blocks():
    """com.microsoft's weights of 4 bits."""
    return model(
        [helper.make_node("MatMulNBits", ["x", "w", "s", "z"], ["y"], name="mm", domain="com.microsoft", K=64, N=8, bits=4, block_size=32)],
        {"x": (FLOAT, ["n", 64])}, {"y": (FLOAT, ["n", 8])},
        [array("w", RNG.integers(0, 256, (8, 2, 16)), "u1"), array("s", RNG.uniform(0.01, 0.1, (8, 2)), "f4"),
         array("z", RNG.integers(0, 256, (8, 1)), "u1")], domains=[("com.microsoft", 1)]), {"x": (3, 64)}


def recurrent():
    """Of three outputs the second is asked for."""
    return model([node("LSTM", "x,w,r", ",h,", hidden_size=4)],
                 {"x": (FLOAT, ["t", 2, 3])}, {"h": (FLOAT, [1, 2, 4])},
                 [weight("w", 1, 16, 3), weight("r", 1, 16, 4)]), {"x": (5, 2, 3)}


def text(source, **shapes):
    return parser.parse_model('<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1]>\n' + source), shapes


MODELS = {
    "conv_net": conv_net, "products": products, "quantised": quantised, "blocks": blocks, "recurrent": recurrent,
    "resolved": lambda: text("""g (float[N,4] x) => (float[N,4] y, float[N,4] z) <bool yes = {1}, int64 three = {3}> {
        y = If (yes) <then_branch = a () => (float[N,4] t) { t = Relu(x) }, else_branch = b () => (float[N,4] e) { e = Neg(x) }>
        z = Loop (three, , x) <body = s (int64 i, bool go, float[N,4] v) => (bool on, float[N,4] w) { on = Identity(go) w = Add(v, v) }>
    }""", x=(2, 4)),
    "decided_by_the_call": lambda: text("""g (float[N,4] x) => (float[N,4] y) <float zero = {0}> {
        sum = ReduceSum <keepdims = 0> (x)
        more = Greater (sum, zero)
        y = If (more) <then_branch = a () => (float[N,4] t) { t = Relu(x) }, else_branch = b () => (float[N,4] e) { e = Neg(x) }>
    }""", x=(2, 4)),
    "counted": lambda: text("""g (float[N,4] x) => (float[M] y, int64[2,M] i) {
        i = NonZero(x)
        t = Transpose(i)
        y = GatherND(x, t)
    }""", x=(3, 4)),
    "unnamed_dims": lambda: text("g (float[a,b] x) => (float[c] y, float[d,e] z) { s = Shape(x) n = Size(x) u = Reshape<allowzero = 0>(x, s) "
                                 "m = Constant<value = int64[1] {-1}>() y = Reshape(x, m) z = Add(u, x) }", x=(2, 5)),
    "outputs_not_asked_for": lambda: text("""g (float[2,N,8] x, float[2,N,8] z) => (float[2,N,8] y, float[2,N,8] sum) <float[8] one = {1, 1, 1, 1, 1, 1, 1, 2}> {
        y, , , sum = com.microsoft.SkipSimplifiedLayerNormalization (x, z, one)
    }""", x=(2, 3, 8), z=(2, 3, 8)),
    "shared_outputs": lambda: text("g (float[4] x) => (float[4] x, float[4] a, float[4] b) { a = Relu(x) b = Identity(a) }", x=(4,)),
}


def feed_of(shapes):
    return {name: RNG.standard_normal(shape).astype("f4") for name, shape in shapes.items()}


def execute(data, feed):
    """onnxruntime's outputs by name, without its own optimisations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return {info.name: value for info, value in zip(session.get_outputs(), session.run(None, feed))}


def expect_equal(got, want, rtol=1e-4, atol=1e-5):
    assert list(got) == list(want)
    for name in want:
        assert got[name].dtype == want[name].dtype and got[name].shape == want[name].shape, name
        if want[name].dtype.kind == "f":
            np.testing.assert_allclose(got[name], want[name], rtol=rtol, atol=atol * max(1, np.abs(want[name]).max(initial=0)), err_msg=name)
        else:
            assert np.array_equal(got[name], want[name]), name


def export(source, **options):
    """The exported ModelProto; what the standard's checker has to say is an error."""
    import laic

    made = onnx.load_from_string(laic.compile(source, emit="onnx", **options).artifact)
    onnx.checker.check_model(made, full_check=True)
    return made


def signature(values):
    return [(v.name, v.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]) for v in values]


@pytest.mark.parametrize("name", MODELS)
def test_exported_models_compute_the_same(name):
    import laic

    source, shapes = MODELS[name]()
    made = export(source)
    assert signature(made.graph.input) == signature(source.graph.input)
    assert [v.name for v in made.graph.output] == [v.name for v in source.graph.output]
    feed = feed_of(shapes)
    want = execute(source.SerializeToString(), feed)
    expect_equal(execute(made.SerializeToString(), feed), want)
    again = laic.compile(made, cpu="x86-64-v3", threads=1).run(feed) if os.uname().machine == "x86_64" else laic.compile(made).run(feed)
    expect_equal({key: np.asarray(again[key]) for key in want}, want)
    assert made.SerializeToString() == export(source).SerializeToString(), "exporting is not deterministic"


def test_quantised_operators_keep_their_attributes():
    source, _ = quantised()
    made = export(source)

    def nodes(of, op):
        return {n.name: {a.name: helper.get_attribute_value(a) for a in n.attribute} for n in of.graph.node if n.op_type == op}

    assert nodes(made, "DequantizeLinear")["dequantizelinear_w4"] == {"axis": 0, "block_size": 8}
    for op in ("QuantizeLinear", "DequantizeLinear"):
        assert nodes(made, op) == nodes(source, op)
    kept = {t.name: t for t in made.graph.initializer}
    for tensor in source.graph.initializer:
        assert kept[tensor.name].data_type == tensor.data_type and kept[tensor.name].dims == tensor.dims
        assert np.array_equal(numpy_helper.to_array(kept[tensor.name]), numpy_helper.to_array(tensor)), tensor.name
    (mm,) = export(blocks()[0]).graph.node
    assert (mm.domain, mm.op_type, list(mm.input)) == ("com.microsoft", "MatMulNBits", ["x", "w", "s", "z"])
    assert {a.name: a.i for a in mm.attribute} == {"K": 64, "N": 8, "block_size": 32, "bits": 4}


@pytest.mark.parametrize("element", ["FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32",
                                     "UINT64", "BOOL", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0",
                                     "FLOAT4E2M1", "INT4", "UINT4", "INT2", "UINT2"])
@pytest.mark.parametrize("count", [7, 2053])
def test_constants_of_every_type_come_back(element, count):
    code = getattr(TensorProto, element)
    bits = {"4": 4, "2": 2}.get(element[-1:] if element in ("INT4", "UINT4", "INT2", "UINT2") else "", 4 if "4E2M1" in element else 0)
    size = -(-count * bits // 8) if bits else count * helper.tensor_dtype_to_np_dtype(code).itemsize
    raw = RNG.integers(0, 2 if element == "BOOL" else 100, size).astype("u1")
    if bits and count * bits % 8:
        raw[-1] &= (1 << count * bits % 8) - 1
    tensor = helper.make_tensor("w", code, [count], raw.tobytes(), raw=True)
    made = export(model([node("Identity", "w", "y")], {"x": (FLOAT, [1])}, {"y": (code, [count])}, [tensor], opset=25))
    (kept,) = made.graph.initializer
    assert (kept.data_type, list(kept.dims), kept.raw_data) == (code, [count], raw.tobytes())


@pytest.mark.parametrize("opset, ir, source", [
    ({"": 21}, 10, "(float[N] x) => (float[N] y) { y = Sin(x) }"),
    ({"": 22}, 10, "(bfloat16[N] x) => (bfloat16[N] y) { y = Sin(x) }"),
    ({"": 22}, 10, "(float[1,1,5,5] x) => (float[1,1,3,3] y) { y = MaxPool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(x) }"),
    ({"": 21}, 10, "(float[1,1,4,4] x) => (float[1,1,2,2] y) { y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(x) }"),
    ({"": 23}, 11, "(float[N] x) => (float4e2m1[N] y) { y = Cast<to = 23>(x) }"),
    ({"": 28}, 14, '(float[1,4,8,8] x) => (float[1,16,4,4] y) { y = SpaceToDepth<blocksize = 2, mode = "CRD">(x) }'),
    ({"": 21}, 10, '(float[1,4,8,8] x) => (float[1,16,4,4] y) { y = SpaceToDepth<blocksize = 2, mode = "DCR">(x) }'),
    ({"": 28}, 14, "(float[N] x, float[N] z) => (float[N] y) { y = Mod(x, z) }"),
    ({"": 21}, 10, "(float[N] x, float[N] z) => (float[N] y) { y = Mod<fmod = 1>(x, z) }"),
    ({"": 24}, 12, "(float[N] x) => (float[N] y) { y = Swish(x) }"),
    ({"": 24}, 12, "(float[2,2,N,8] x) => (float[2,2,N,8] y) { y = Attention(x, x, x) }"),
    ({"": 25}, 13, "(float[2,2,N,8] x) => (float[2,2,N,8] y) { y = Attention<left_window_size = 2>(x, x, x) }"),
    ({"": 21, "ai.onnx.ml": 4}, 10, "(double[N] x) => (int64[N] y) { y = ai.onnx.ml.LabelEncoder<keys_tensor = double[2] {1, 2}, "
     "values_tensor = int64[2] {7, 8}, default_tensor = int64[1] {-1}>(x) }"),
])
def test_opset_is_the_lowest_that_knows_the_node(opset, ir, source):
    made = export(parser.parse_model('<ir_version: 14, opset_import: ["": 28, "ai.onnx.ml": 5]>\ng ' + source))
    assert ({o.domain: o.version for o in made.opset_import}, made.ir_version) == (opset, ir)


def test_bound_dims_are_numbers():
    source, _ = products()
    assert signature(export(source, dims={"batch": 5}).graph.output) == [("y", FLOAT, [5, 4]), ("where", TensorProto.INT64, [5, 2])]


# ---- the command ----

@pytest.fixture
def laic_tool(build):
    def run(*arguments):
        return subprocess.run([build / "bin" / "laic", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    return run


@pytest.mark.parametrize("options, text", [
    (["--to=fuse"], "--emit=onnx writes the model as the quantize phase leaves it, got --to=fuse\n  note: leave --to out; --emit=mlir shows the module after any phase"),
    (["--from=dispatch"], "--emit=onnx writes the model as the quantize phase leaves it, got --from=dispatch\n  note: start from the model, or from the dump of an earlier phase"),
])
def test_phases_that_are_too_late_are_wrong_usage(laic_tool, digits, tmp_path, options, text):
    done = laic_tool(digits, "--emit=onnx", "-o", tmp_path / "out.onnx", *options)
    assert done.returncode == 2 and text in done.stderr and not list(tmp_path.iterdir())


def test_the_file_holds_what_memory_does(laic_tool, digits, tmp_path):
    done = laic_tool(digits, "--emit=onnx", "--to=quantize", "--target=cpu,null", "-o", tmp_path / "out.onnx")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.onnx").read_bytes() == export(str(digits)).SerializeToString()
    assert onnx.load(tmp_path / "out.onnx").producer_name == "laic"


def test_a_model_may_be_written_over_itself(laic_tool, digits, tmp_path):
    path = tmp_path / "digits.onnx"
    path.write_bytes(digits.read_bytes())
    assert laic_tool(path, "--emit=onnx", "-o", path).returncode == 0
    onnx.checker.check_model(path, full_check=True)


def test_output_that_cannot_be_written(laic_tool, digits, tmp_path):
    done = laic_tool(digits, "--emit=onnx", "-o", tmp_path / "none" / "out.onnx")
    assert done.returncode == 1 and "out.onnx': No such file or directory" in done.stderr


# ---- models of the shared folder ----

SHARED = ["audio/basic_pitch.onnx", "audio/kws_int8_qdq.onnx", "audio/kws_int8_qoperator.onnx", "llm/decoder_tiny_gqa_f16_opset21.onnx",
          "llm/decoder_tiny_opset24_static_kv.onnx", "llm/gpt2_tiny_kv_f16_msft.onnx", "tabular/xgboost_classifier_ml.onnx",
          "text/byte_bilstm.onnx", "text/tashkeel_transformer_f32.onnx", "vision/ocr_ppocrv3_det_dyn.onnx", "vision/yolox_nano_416.onnx"]


@pytest.mark.parametrize("file", SHARED)
def test_shared_models(shared, file):
    path = shared / "models" / file
    if not path.exists():
        pytest.skip(f"{file} is not present")
    import sys
    sys.path.append(str(shared / "models"))
    from inputs import make

    source, made = onnx.load(path), export(str(path))
    assert {o.domain: o.version for o in made.opset_import}[""] <= max(21, source.opset_import[0].version)
    feed = make(file)
    expect_equal(execute(made.SerializeToString(), feed), execute(str(path), feed))

