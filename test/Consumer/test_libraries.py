"""What the built libraries show and need: the C interfaces alone; in a release build no LLVM library beside them."""
import subprocess

import pytest


def output(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout


def is_static(build):
    return "LAIC_STATIC_LLVM:BOOL=ON" in (build / "CMakeCache.txt").read_text()


@pytest.mark.parametrize("name", ["liblaic.so", "liblaic_runtime.so"])
def test_exports_the_c_interface_alone(build, name):
    names = [line.split()[-1] for line in output("nm", "-D", "--defined-only", build / "lib" / name).splitlines()]
    assert names and [n for n in names if not n.startswith("laic_")] == []


@pytest.mark.parametrize("program", ["bin/laic", "lib/liblaic.so", "bin/laic-opt", "bin/laic-lsp-server", "bin/laic-reduce"])
def test_release_carries_llvm(build, program):
    if not is_static(build):
        pytest.skip("a development build links the distribution's LLVM; LAIC_BUILD=build/release tests a release build")
    needed = {line.split()[0].split(".so")[0] for line in output("ldd", build / program).splitlines() if ".so" in line}
    unwanted = needed - {"liblaic", "libstdc++", "libm", "libgcc_s", "libc", "libprotobuf", "libz", "libzstd", "linux-vdso", "/lib64/ld-linux-x86-64"}
    assert unwanted == set(), f"{program} needs more than a bare system and Protobuf"
