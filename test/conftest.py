"""Shared by the Python tests: where the build is, and its package `laic` on the path.

LAIC_BUILD names the build tree to test (default: build/dev). Tests that need what is not there skip with the reason.
"""
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("LAIC_BUILD", ROOT / "build" / "dev")).resolve()
sys.path.insert(0, str(BUILD / "python"))


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
