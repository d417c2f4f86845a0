"""An AArch64 machine by way of qemu's user mode: the vendored runtime, cross-compiled as its README says, runs artifacts there."""
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx

from locations import ROOT

COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fvisibility=hidden", "-w"]
LIMIT_S = 600


def missing():
    """What is not installed, in words; empty when all is there."""
    absent = [program for program in (COMPILER, EMULATOR) if not shutil.which(program)]
    return f"not installed: {', '.join(absent)}" if absent else ""


def call(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=LIMIT_S, **options)
    assert done.returncode == 0, f"{command[0]} exits {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


class Machine:
    """Builds run_raw in `folder` with the runtime of `build`."""

    def __init__(self, build, folder):
        self.folder = Path(folder)
        vendored = self.folder / "laic"
        call(ROOT / "runtime" / "vendor.sh", build, vendored)
        sources = sorted(vendored.glob("src/**/*.cpp"))
        includes = [f"-I{vendored}/include", f"-I{vendored}/src/core", "-isystem", f"{vendored}/third_party"]
        program = ROOT / "runtime" / "test" / "RunRaw.c"
        objects = [self.folder / (str(source.relative_to(vendored)).replace("/", "_") + ".o") for source in sources]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda source, made: call(COMPILER, *FLAGS, *includes, "-c", source, "-o", made), sources, objects))
        call(COMPILER.replace("g++", "gcc"), "-static", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{vendored}/include", program,
             *objects, "-lpthread", "-lm", "-o", self.folder / "run_raw")

    def run(self, artifact, feed, threads=2, processor="max"):
        """Outputs in the artifact's order. feed: the inputs in the model's order. processor: one that `qemu-aarch64 -cpu help` names."""
        for index, array in enumerate(feed):
            (self.folder / f"i{index}.bin").write_bytes(np.ascontiguousarray(array).tobytes())
        sizes = ["x".join(map(str, np.shape(array))) or "-" for array in feed]
        printed = call(EMULATOR, "-cpu", processor, self.folder / "run_raw", artifact, threads, self.folder, *sizes)
        outputs = []
        for index, line in enumerate(printed.splitlines()):
            kind, dims = line.split()
            data = np.fromfile(self.folder / f"o{index}.bin", onnx.helper.tensor_dtype_to_np_dtype(int(kind)))
            outputs.append(data.reshape([int(d) for d in dims.split("x")] if dims != "-" else []))
        return outputs
