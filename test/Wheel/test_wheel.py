"""The wheel as a user gets it: built by pip, installed into an environment of its own, used without this tree.

Building it takes minutes (static LLVM), so this runs in `scripts/check --all` only.
"""
import subprocess
import sys
import venv

import pytest

from locations import ROOT

USE = """
import sys
import numpy as np
import laic
model = laic.compile(sys.argv[1])
with np.load(sys.argv[2]) as data:
    images, labels = data["images"], data["labels"]
probabilities = model.run({"image": (images[:, None] / 16).astype("f4")})["probabilities"]
assert np.mean(probabilities.argmax(1) == labels) > 0.97
import onnx, laic.backend
prepared = laic.backend.prepare(onnx.load(sys.argv[1]))
assert prepared.run([(images[:3, None] / 16).astype("f4")])[0].shape[0] == 3
print(laic.__file__)
"""


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The Python of an environment that holds the wheel, numpy and onnx."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-deps", "-w", folder, ROOT)
    (wheel,) = folder.glob("laic-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--disable-pip-version-check", wheel, "onnx==" + onnx_version())
    return python


def onnx_version():
    import onnx

    return onnx.__version__


def test_compiles_and_runs(installed, digits, tmp_path):
    where = run(installed, "-c", USE, digits, digits.with_name("digits.npz"), cwd=tmp_path)
    assert "site-packages" in where, where


def test_needs_no_llvm_and_exports_the_interface_alone(installed):
    folder = next((installed.parent.parent / "lib").glob("python*/site-packages/laic/lib"))
    for library in folder.glob("*.so*"):
        needed = run("ldd", library)
        assert not any(word in needed for word in ("LLVM", "MLIR", "not found")), needed
        exported = [line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()]
        assert exported and all(name.startswith("laic_") for name in exported), exported
