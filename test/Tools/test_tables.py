"""Tables of which a run looks rows up: only what was read is resident."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from locations import BUILD, ROOT
from onnx import TensorProto, helper, numpy_helper, save

sys.path.append(str(ROOT / "test" / "Models"))
from harness import compile_model, program, run  # noqa: E402

ROWS, WIDTH = 1 << 16, 256  # 64 MiB
IDS = [3, 65535, 40000, 3]
RUN = """
import sys, numpy as np, laic
def resident(): return max(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")) / 1024
before = resident()
model = laic.load(sys.argv[1], threads=1)
y = model.run({"ids": np.array(%r)})["y"]
np.save(sys.argv[2], y)
print(resident() - before)
""" % IDS


def save_model(path, tied):
    """Rows of a table, scaled; `tied` multiplies them by the table, too."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((ROWS if not tied else 4096, WIDTH), np.float32)
    nodes = [helper.make_node("Gather", ["table", "ids"], ["rows"]), helper.make_node("Mul", ["rows", "two"], ["y" if not tied else "scaled"])]
    if tied:
        nodes += [helper.make_node("Reshape", ["table", "shape"], ["m"]), helper.make_node("Add", ["m", "bias"], ["sum"]),
                  helper.make_node("ReduceSum", ["sum", "axes"], ["all"], keepdims=0), helper.make_node("Add", ["scaled", "all"], ["y"])]
    constants = {"table": table, "two": np.float32(2), "shape": np.array([-1, WIDTH]), "axes": np.array([0])}
    info = helper.make_tensor_value_info
    inputs = [info("ids", TensorProto.INT64, ["n"]), *([info("bias", TensorProto.FLOAT, [WIDTH])] if tied else [])]
    graph = helper.make_graph(nodes, "table", inputs, [info("y", TensorProto.FLOAT, ["n", WIDTH])],
                              [numpy_helper.from_array(v, n) for n, v in constants.items()])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return table


def look_ups(path):
    return [s["look_up"] for s in json.loads(run(program(BUILD, "laic-inspect"), path, "--json").stdout)["sections"] if s["kind"] == "weights"]


@pytest.mark.parametrize("target", ["cpu", "vulkan,cpu"])
def test_rows_alone_are_resident(tmp_path, target):
    table = save_model(tmp_path / "m.onnx", tied=False)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--target={target}")
    assert True in look_ups(tmp_path / "m.bin")
    assert "(tables, resident where read)" in run(program(BUILD, "laic-inspect"), tmp_path / "m.bin").stdout
    if target != "cpu":
        return
    # As written, and as a cache gives it back.
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "first.bin", f"--cache={tmp_path / 'cache'}")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "cached.bin", f"--cache={tmp_path / 'cache'}")
    for name in ("m.bin", "cached.bin"):
        done = subprocess.run([sys.executable, "-c", RUN, tmp_path / name, tmp_path / "y.npy"], capture_output=True,
                              text=True, check=True, env={**os.environ, "PYTHONPATH": str(BUILD / "python")})
        np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), 2 * table[IDS])
        assert float(done.stdout) < 24, "MiB of 64 are resident"


def test_tables_that_are_read_wholly_are_weights(tmp_path):
    save_model(tmp_path / "m.onnx", tied=True)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert look_ups(tmp_path / "m.bin") == [False]


def test_damaged_tables_are_refused(tmp_path):
    save_model(tmp_path / "m.onnx", tied=False)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    sections = json.loads(run(program(BUILD, "laic-inspect"), tmp_path / "m.bin", "--json").stdout)["sections"]
    index, table = next((i, s) for i, s in enumerate(sections) if s["look_up"])
    for at in (0, 5 << 20, table["length"] - 1):
        with open(tmp_path / "m.bin", "r+b") as file:
            file.seek(table["offset"] + at)
            byte = file.read(1)
            file.seek(table["offset"] + at)
            file.write(bytes([byte[0] ^ 1]))
        done = run(program(BUILD, "laic-inspect"), tmp_path / "m.bin", "--verify")
        assert done.returncode != 0 and f"the hash of section {index} differs" in done.stderr
        with open(tmp_path / "m.bin", "r+b") as file:
            file.seek(table["offset"] + at)
            file.write(byte)
    assert run(program(BUILD, "laic-inspect"), tmp_path / "m.bin", "--verify").returncode == 0
