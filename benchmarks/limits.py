"""What the machine can do at most, measured beside the engines: FMA peak and memory read rate by limits.cpp."""
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("limits.cpp")
# Without g++: numpy's sgemm and sum, which stay below the limits.
FLOOR = """
import json, time, numpy as np
def best(work, tries=9):
    times = []
    for _ in range(tries):
        begun = time.perf_counter(); work(); times.append(time.perf_counter() - begun)
    return min(times)
a, x = np.ones((1536, 1536), 'f4'), np.ones(1 << 27, 'f4')
print(json.dumps({"isa": "numpy", "fma_gflops": round(2 * 1536**3 / best(lambda: a @ a) / 1e9, 1),
                  "read_gbs": round(x.nbytes / best(lambda: x.max()) / 1e9, 1)}))
"""


def environment(threads):
    """The variables by which any library that an engine uses takes this number of threads."""
    count = str(threads)
    return {**os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "MKL_NUM_THREADS": count}


def program(folder):
    """limits.cpp compiled for this CPU, or None."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if not compiler:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    binary, part = folder / "limits", folder / f"limits.{os.getpid()}"
    done = subprocess.run([compiler, "-O3", "-march=native", "-pthread", SOURCE, "-o", part], capture_output=True, text=True)
    return part.replace(binary) if done.returncode == 0 else None


def measure(folder, threads):
    """{"1T": {isa, fma_gflops, read_gbs}, ...}, in total of all threads."""
    binary, found = program(folder), {}
    for count in threads:
        if binary is None and count > 1:
            continue
        command = [binary, str(count)] if binary else [sys.executable, "-c", FLOOR]
        done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, env=environment(count))
        found[f"{count}T"] = json.loads(done.stdout)
    return found


def best(one, other):
    """The higher of two measurements, each a floor of the limit: other programs only slow it."""
    return {threads: {key: value if isinstance(value, str) else max(value, other[threads][key]) for key, value in limits.items()}
            for threads, limits in one.items()}


def machine():
    """What the figures depend on."""
    info = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            info["cpu"] = line.split(":", 1)[1].strip()
            break
    memory = int(Path("/proc/meminfo").read_text().split()[1]) >> 20
    return {**info, "cores": os.cpu_count(), "memory_gib": memory, "kernel": platform.release()}


def describe(limits):
    """One line: what was measured."""
    parts = [f"{threads}: {m['fma_gflops']:g} GFLOP/s of f32 multiply-adds ({m['isa']}), {m['read_gbs']:g} GB/s read" for threads, m in limits.items()]
    note = "; no g++ here, so these are numpy's, below the limits" if any(m["isa"] == "numpy" for m in limits.values()) else ""
    return "; ".join(parts) + note
