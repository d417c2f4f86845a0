"""The lit suite: file-based tests of dialects, passes, importer, targets and tools.

Substitutions: the programs of the build by name (laic, laic-opt, laic-run, laic-inspect, ...), FileCheck, not, split-file,
%python (with onnx and onnxruntime), %onnx-text (text form of ONNX to a model file), %npz (write, compare and show npz files),
%source (the repository), %bin (the programs), %mlir-include.
Features: one per program that was built; x86-64-v3 and x86-64-v4; asan, tsan; shared (../shared is present).
"""
import os
import platform
import sys

import lit.formats

config.name = "laic"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.laic_build_dir, "test")
config.maxIndividualTestTime = 300

PROGRAMS = ["laic", "laic-opt", "laic-run", "laic-inspect", "laic-reduce", "laic-lsp-server", "laic-tblgen", "laic-ptx-run"]
LLVM_TOOLS = ["FileCheck", "not", "split-file", "count"]


def llvm_tool(name):
    """LLVM's own name first; Debian's /usr/bin name carries the version."""
    for path in (os.path.join(config.llvm_tools_dir, name), f"/usr/bin/{name}-22"):
        if os.path.exists(path):
            return path
    lit_config.fatal(f"{name} is missing: install llvm-22-tools")


def utility(*path):
    return f'"{sys.executable}" "{os.path.join(config.laic_source_dir, *path)}"'


def cpu_features():
    """x86-64 levels that this machine runs."""
    if platform.machine() != "x86_64" or not os.path.exists("/proc/cpuinfo"):
        return []
    with open("/proc/cpuinfo") as file:
        flags = next((set(line.split()) for line in file if line.startswith("flags")), set())
    levels = {"x86-64-v3": {"avx2", "fma", "bmi2", "f16c"}, "x86-64-v4": {"avx512f", "avx512bw", "avx512vl", "avx512dq"}}
    return [level for level, needed in levels.items() if needed <= flags]


# Longest names first: lit replaces textually, and `laic` begins all others.
for program in sorted(PROGRAMS, key=len, reverse=True):
    path = os.path.join(config.laic_bin_dir, program)
    if os.path.exists(path):
        config.available_features.add(program)
    config.substitutions.append((rf"(?<![\w./%-]){program}(?![\w./-])", path))
for tool in LLVM_TOOLS:
    config.substitutions.append((rf"(?<![\w./%-]){tool}(?![\w./-])", llvm_tool(tool)))
config.substitutions += [
    ("%python", f'"{sys.executable}"'),
    ("%onnx-text", utility("utils", "onnx_text.py")),
    ("%npz", utility("utils", "npz.py")),
    ("%source", config.laic_source_dir),
    ("%mlir-include", config.mlir_include_dir),
    ("%bin", config.laic_bin_dir),
    ("%shared", os.path.join(config.laic_source_dir, os.pardir, "shared")),
]
config.available_features.update(cpu_features())
if "address" in config.laic_sanitize:
    config.available_features.add("asan")
if "thread" in config.laic_sanitize:
    config.available_features.add("tsan")
if os.path.isdir(os.path.join(config.laic_source_dir, os.pardir, "shared")):
    config.available_features.add("shared")
# Tests must not depend on what the caller happens to have set.
for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "HOME"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]
