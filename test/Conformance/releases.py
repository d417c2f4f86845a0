"""Node tests of older releases of the onnx package: what models of old opsets look like. Fetched from PyPI, never at build or test time."""
import hashlib
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Newest patch release of each line that has its node tests on disk, with a Python that it was built for.
RELEASES = {"1.2.3": "36", "1.3.0": "36", "1.4.1": "36", "1.5.0": "36", "1.6.0": "36", "1.7.0": "36", "1.8.1": "36", "1.9.0": "36",
            "1.10.2": "36", "1.11.0": "37", "1.12.0": "37", "1.13.1": "38", "1.14.1": "38", "1.15.0": "38", "1.16.2": "38", "1.17.0": "38",
            "1.18.0": "39", "1.19.1": "310", "1.20.1": "310", "1.21.0": "310", "1.22.0": "312"}
NODES = "onnx/backend/test/data/node/"
PLATFORMS = [f"{p}_x86_64" for p in ("manylinux1", "manylinux2010", "manylinux2014", "manylinux_2_12", "manylinux_2_17", "manylinux_2_27",
                                     "manylinux_2_28")]


@dataclass
class ReleaseCase:
    """Looks like the suite's TestCase."""

    name: str  # release/test
    model_dir: str
    model = None
    data_sets = None
    url = None
    rtol: float = 1e-3
    atol: float = 1e-7


def fetch(folder, release):
    """Puts the release's node tests below folder/release."""
    target = folder / release
    if (target / "done").exists():
        return
    wheels = folder / "wheels"
    python = RELEASES[release]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", wheels,
               "--python-version", python, *(f"--platform={p}" for p in PLATFORMS), f"onnx=={release}"]
    subprocess.run(command, check=True)
    wheel = next(wheels.glob(f"onnx-{release}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(NODES) and not name.endswith("/"):
                path = target / name.removeprefix(NODES)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))
    wheel.unlink()
    (target / "done").touch()


@lru_cache(maxsize=1)
def release_cases(folder):
    """{release/test: case} of all distinct models below the folder; of equal ones the oldest release's."""
    cases, seen = {}, set()
    for release in sorted((p for p in Path(folder).iterdir() if re.match(r"\d", p.name)), key=lambda p: [int(n) for n in p.name.split(".")]):
        for model in sorted(release.glob("*/model.onnx")):
            digest = hashlib.sha256(model.read_bytes()).digest()
            if digest not in seen:
                seen.add(digest)
                name = f"{release.name}/{model.parent.name}"
                cases[name] = ReleaseCase(name, str(model.parent))
    return cases


def opset_of(case):
    """The model's version of the default domain; 0 where it imports others alone."""
    import onnx

    model = onnx.load(f"{case.model_dir}/model.onnx")
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0 if model.opset_import else 1)
