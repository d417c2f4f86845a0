"""Products with weights whose number of rows only the call knows: a single row has code of its own."""
import sys

import numpy as np
import pytest
from locations import BUILD, ROOT
from onnx import TensorProto, helper, numpy_helper, save

sys.path.append(str(ROOT / "test" / "Models"))
from harness import compile_model, execute  # noqa: E402


@pytest.mark.parametrize("level", ["x86-64-v1", "x86-64-v3"])
@pytest.mark.parametrize("depth,columns", [(64, 7), (64, 32), (64, 33), (300, 100), (768, 1000), (1, 65)])
def test_rows(tmp_path, level, depth, columns):
    rng = np.random.default_rng(columns)
    w, bias = rng.standard_normal((depth, columns)).astype(np.float32), rng.standard_normal(columns).astype(np.float32)
    info = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])], "rows",
                              [info("x", TensorProto.FLOAT, ["n", depth])], [info("y", TensorProto.FLOAT, ["n", columns])],
                              [numpy_helper.from_array(w, "w"), numpy_helper.from_array(bias, "b")])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--cpu={level}")
    for rows in (0, 1, 2, 5, 130):
        x = rng.standard_normal((rows, depth)).astype(np.float32)
        got = [execute(BUILD, tmp_path / "m.bin", {"x": x}, tmp_path, threads)["y"] for threads in (1, 2, 3)]
        np.testing.assert_allclose(got[0], x.astype(np.float64) @ w + bias, rtol=1e-4, atol=1e-4)
        assert got[0].tobytes() == got[1].tobytes() == got[2].tobytes()
