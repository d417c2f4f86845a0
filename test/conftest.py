"""Shared by the Python tests: the package `laic` of the build tree on the path, and what many tests start from."""
import os
import sys

import pytest

from locations import BUILD, ROOT

sys.path[:0] = [str(BUILD / "python"), str(ROOT / "test" / "Targets")]


@pytest.fixture(scope="session")
def build():
    """The build tree under test."""
    return BUILD


@pytest.fixture(scope="session")
def digits():
    """Path of the demo's trained model."""
    return ROOT / "examples" / "digits" / "digits.onnx"


@pytest.fixture(scope="session")
def shared():
    """The folder with development models and the zoo."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not present")
    return folder


def pytest_configure(config):
    config.addinivalue_line("markers", "everything: long; runs in scripts/check --all alone, which sets LAIC_CHECK_ALL=1")


def pytest_collection_modifyitems(items):
    """Long tests are left out unless asked for. Until the compiler is built its tests have nothing to run."""
    if os.environ.get("LAIC_CHECK_ALL") != "1":
        items[:] = [item for item in items if not item.get_closest_marker("everything")]
    built = {"test/Python": BUILD / "lib" / "liblaic.so", "test/Tools": BUILD / "bin" / "laic", "test/Conformance": BUILD / "lib" / "liblaic.so",
             "test/Export": BUILD / "lib" / "liblaic.so", "test/Operators": BUILD / "bin" / "laic-run", "test/Consumer": BUILD / "lib" / "liblaic.so", "test/Targets": BUILD / "bin" / "laic-run", "test/Quantize": BUILD / "bin" / "laic-run", "test/Models/test_models.py": BUILD / "bin" / "laic-run"}
    for item in items:
        for prefix, needed in built.items():
            if str(item.path.relative_to(ROOT)).startswith(prefix) and not needed.exists():
                item.add_marker(pytest.mark.skip(reason=f"{needed.name} is not built yet"))
