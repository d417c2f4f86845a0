"""An installed tree, moved elsewhere, used by projects that know nothing of this build."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(build, tmp_path_factory):
    """The installed tree, moved after installing: nothing in it may remember where it was made."""
    folder = tmp_path_factory.mktemp("install")
    run("cmake", "--install", build, "--prefix", folder / "first")
    shutil.move(folder / "first", folder / "moved")
    return folder / "moved"


def write_model(path, scale, external=False):
    """y = x @ w with w filled with `scale`; external: w lies in a file beside the model."""
    weight = numpy_helper.from_array(np.full((4, 3), scale, np.float32), "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")], "net",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if external:
        onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    else:
        onnx.save(model, path)


@pytest.fixture
def project(prefix, tmp_path):
    """Configures and builds the consumer project; returns a function that builds again and says whether laic ran."""
    model = tmp_path / "net.onnx"
    write_model(model, 1, external=True)
    run("cmake", "-S", HERE / "model", "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DMODEL={model}")

    def build():
        return "laic net" in run("cmake", "--build", tmp_path / "build", "--verbose") or None
    return model, tmp_path / "build", build


def test_model_is_compiled_linked_and_run(project):
    _, folder, build = project
    build()
    assert run(folder / "app").split() == ["y:"] + ["4"] * 6


def test_rebuild_only_on_change(project):
    model, folder, build = project
    artifact = folder / "net.bin"
    build()
    first = artifact.stat().st_mtime_ns
    build()
    assert artifact.stat().st_mtime_ns == first, "nothing changed, and yet the model was compiled again"
    os.remove(model.parent / "w.bin")
    write_model(model.parent / "other.onnx", 2)
    (model.parent / "w.bin").write_bytes(np.full((4, 3), 2, np.float32).tobytes())
    build()
    assert artifact.stat().st_mtime_ns != first, "external data changed, and yet the model was not compiled again"
    assert run(folder / "app").split() == ["y:"] + ["8"] * 6


def test_out_of_tree_target(prefix, tmp_path):
    run("cmake", "-S", HERE / "target", "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCMAKE_CXX_COMPILER=clang++-22", "-DCMAKE_C_COMPILER=clang-22")
    run("cmake", "--build", tmp_path / "build")
    write_model(tmp_path / "net.onnx", 1)
    run(tmp_path / "build" / "example-laic", tmp_path / "net.onnx", "--target=example", "-o", tmp_path / "net.bin")
    assert "example" in run(prefix / "bin" / "laic-inspect", tmp_path / "net.bin")


FOUR_THREADS = """
import ctypes, sys, threading
library = ctypes.CDLL(sys.argv[1])
library.laic_compile_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
codes = [None] * 4

def compile_one(i):
    codes[i] = library.laic_compile_file(None, sys.argv[2].encode(), (sys.argv[3] + f"/{i}.bin").encode(), None)

threads = [threading.Thread(target=compile_one, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(codes != [0] * 4)
"""


def test_compiler_library_from_four_threads(prefix, tmp_path):
    # A process of its own: this one may hold the build tree's copy of the library.
    write_model(tmp_path / "net.onnx", 1)
    run(sys.executable, "-c", FOUR_THREADS, prefix / "lib" / "liblaic.so", tmp_path / "net.onnx", tmp_path)
    assert len({(tmp_path / f"{i}.bin").read_bytes() for i in range(4)}) == 1
