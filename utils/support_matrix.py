#!/usr/bin/env python3
"""Writes docs/SupportMatrix.md: laic-tblgen's page from the operator records and what the targets of a build answer.

usage: support_matrix.py BIN MLIR_INCLUDE [--check]     BIN holds laic-tblgen and laic-opt; --check compares, exit 1 when stale
"""
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "SupportMatrix.md"


def generate(programs, mlir_include):
    with tempfile.TemporaryDirectory() as folder:
        limits = Path(folder) / "limits.txt"
        limits.write_bytes(subprocess.run([programs / "laic-opt", "--list-target-limits"], check=True, capture_output=True).stdout)
        command = [programs / "laic-tblgen", "--gen-support-matrix", f"--target-limits={limits}", "-I", ROOT / "include",
                   "-I", mlir_include, ROOT / "include" / "laic" / "Dialect" / "Laic" / "LaicOps.td"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--check"]):
        sys.exit(__doc__)
    page = generate(Path(sys.argv[1]), sys.argv[2])
    if len(sys.argv) == 3:
        PAGE.write_text(page)
        return
    difference = list(difflib.unified_diff(PAGE.read_text().splitlines(), page.splitlines(), "committed", "generated", lineterm=""))
    print("\n".join(difference))
    sys.exit(1 if difference else 0)


if __name__ == "__main__":
    main()
