"""Attention with subgraphs that change scores and weights, against the onnx package's reference."""
import numpy as np
import pytest
from onnx import parser
from onnx.reference import ReferenceEvaluator

import laic

MODEL = """<ir_version: 10, opset_import: ["": 21, "ai.onnx.preview": 1]>
g (%(type)s[%(shape)s] q, %(type)s[%(key)s] k, %(type)s[%(value)s] v) => (%(type)s[a, b, c, d] y) {
  y = ai.onnx.preview.FlexAttention <%(attributes)s> (q, k, v)
}"""
SCORE = "score_mod = s (float[b, h, n, m] x) => (float[b, h, n, m] z) { bias = Constant<value = float {0.75}>() y = Tanh(x) z = Add(y, bias) }"
PROB = "prob_mod = p (float[b, h, n, m] x) => (float[b, h, n, m] z) { half = Constant<value = float {0.5}>() z = Mul(x, half) }"


@pytest.mark.parametrize("attributes", [SCORE, PROB, f"{SCORE}, {PROB}", f"scale = 0.25, {PROB}", "softmax_precision = 1"])
@pytest.mark.parametrize("heads", [2, 6])
@pytest.mark.parametrize("kind, static", [("float", True), ("float", False), ("float16", False)])
def test_modifiers(attributes, heads, kind, static):
    dims = {"shape": (2, 6, 5, 8), "key": (2, heads, 7, 8), "value": (2, heads, 7, 4)}
    named = {"shape": "B, H, N, E", "key": "B, G, M, E", "value": "B, G, M, F"}
    shapes = {n: ", ".join(map(str, s)) for n, s in dims.items()} if static else named
    model = parser.parse_model(MODEL % {"type": kind, "attributes": attributes, **shapes})
    rng = np.random.default_rng(heads)
    feed = {n: rng.standard_normal(s).astype(kind.replace("float16", "f2").replace("float", "f4")) for n, s in zip("qkv", dims.values())}
    (want,) = ReferenceEvaluator(model).run(None, feed)
    got = laic.compile(model).run(feed)["y"]
    assert got.dtype == want.dtype
    tolerance = 2e-3 if kind == "float16" else 1e-5
    np.testing.assert_allclose(got.astype("f4"), want.astype("f4"), rtol=tolerance, atol=tolerance)
