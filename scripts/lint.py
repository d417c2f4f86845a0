#!/usr/bin/env python3
"""Rules about the tree that a program can check; each is one test of scripts/check. Run alone: scripts/lint.py.

A rule is a function of the tree that yields one line per violation, registered by @rule with what it demands.
"""
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import diagnostics

CODE = (".cpp", ".h", ".c", ".td", ".py", ".cmake", ".fbs", ".proto", ".sh")
COMMENTED = (".cpp", ".h", ".c", ".td", ".fbs", ".proto")
MAX_LINES = 800
RULES = []


def rule(text):
    def register(function):
        RULES.append((text, function))
        return function

    return register


class Tree:
    """The files that git knows, with their text."""

    def __init__(self, root):
        self.root = Path(root)
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"],
                                capture_output=True, check=True).stdout.decode()
        self.files = sorted(f for f in listed.split("\0") if f and (self.root / f).is_file())

    @lru_cache(maxsize=None)
    def text(self, file):
        return (self.root / file).read_text(errors="replace")

    def source(self, *prefixes, suffixes=CODE):
        for file in self.files:
            if file.endswith(suffixes) and (not prefixes or file.startswith(prefixes)):
                yield file

    def matches(self, pattern, files):
        compiled = re.compile(pattern)
        for file in files:
            for number, line in enumerate(self.text(file).splitlines(), 1):
                if compiled.search(line):
                    yield f"{file}:{number}: {line.strip()[:120]}"


def is_text(tree, file):
    with open(tree.root / file, "rb") as data:
        return b"\0" not in data.read(4096)


@rule("no path of one machine is in the repository")
def machine_paths(tree):
    pattern = r"(?<![\w.$}])/(" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me"]) + r")/\w"
    return tree.matches(pattern, [f for f in tree.files if is_text(tree, f)])


@rule(f"no source file is longer than {MAX_LINES} lines")
def long_files(tree):
    for file in tree.source():
        lines = tree.text(file).count("\n")
        if lines > MAX_LINES:
            yield f"{file}: {lines} lines; split it by idea"


@rule("no unowned notes to self")
def notes(tree):
    return tree.matches(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b(?!\(#\d+\))", tree.source())


@rule("input is never checked by assert, abort or exit in the readers and the runtime")
def deadly_checks(tree):
    files = list(tree.source("lib/Import/", "lib/Artifact/", "runtime/src/", suffixes=(".cpp", ".c", ".h")))
    return tree.matches(r"\b(llvm_unreachable|report_fatal_error|abort|_?exit|std::terminate)\s*\(", files)


@rule("every source file is named in the CMake file of its folder or of one above")
def source_lists(tree):
    for file in tree.source("lib/", "runtime/", "tools/", "test/", "unittests/", suffixes=(".cpp", ".c")):
        if "/Inputs/" in file:
            continue
        name = Path(file).name
        if not any(name in tree.text(f"{p}/CMakeLists.txt") for p in Path(file).parents
                   if f"{p}/CMakeLists.txt" in tree.files):
            yield f"{file}: in no CMakeLists.txt"


@rule("every source file opens with a sentence of purpose")
def headers(tree):
    for file in tree.source("lib/", "include/", "runtime/", "tools/", "test/", suffixes=COMMENTED):
        first = tree.text(file).lstrip()[:3]
        if not first.startswith(("//", "/*")):
            yield f"{file}: begins without a comment"
    for file in tree.source(suffixes=(".py",)):
        text = re.sub(r"^#!.*\n", "", tree.text(file))
        if text.strip() and not text.lstrip().startswith(('"""', "#", 'r"""')):
            yield f"{file}: begins without a docstring"


@rule("headers are guarded by their own name")
def guards(tree):
    for file in tree.source("include/", "lib/", "runtime/", suffixes=(".h",)):
        if not re.search(r"^#(ifndef LAIC_|pragma once)", tree.text(file), re.M):
            yield f"{file}: no include guard LAIC_..."


@rule("layers point down only")
def layers(tree):
    """tools -> Pipelines -> Targets -> Conversion, Transforms, Quantize -> Dialect -> Support; the runtime sees none of them."""
    rank = {"Support": 0, "Dialect": 1, "Conversion": 2, "Transforms": 2, "Quantize": 2, "Targets": 3, "Pipelines": 4}
    for file in tree.source("lib/", "include/laic/", "runtime/", suffixes=(".h", ".cpp", ".c")):
        layer = Path(file).parts[1] if file.startswith("lib/") else Path(file).parts[2]
        for used in re.findall(r'#include "laic/(\w+)/', tree.text(file)):
            if file.startswith("runtime/") and used in rank:
                yield f"{file}: the runtime includes laic/{used}"
            elif layer in rank and used in rank and rank[used] > rank[layer]:
                yield f"{file}: {layer} includes laic/{used}"
        if file.startswith("runtime/") and re.search(r'#include [<"](llvm|mlir)/', tree.text(file)):
            yield f"{file}: the runtime includes LLVM"


@rule("a target's name stays in the target's folders")
def target_names(tree):
    targets = {Path(f).parts[2] for f in tree.source("lib/Targets/") if len(Path(f).parts) > 3}
    for target in sorted(targets):
        pattern = rf'#include "laic/Targets/{target}/'
        users = [f for f in tree.source("lib/", "include/", "tools/") if f"Targets/{target}/" not in f]
        yield from tree.matches(pattern, users)
        if target in ("CPU", "Null"):  # also words of their own
            continue
        own = (f"Targets/{target}/", f"drivers/{target.lower()}/", "tools/laic-ptx-run/")
        users = [f for f in tree.source("lib/", "include/", "runtime/", "tools/", "cmake/") if not any(part in f for part in own)]
        yield from tree.matches(rf"(?i)\b{target}\b", users)


@rule("shell scripts stop at the first error")
def shell(tree):
    for file in tree.files:
        if is_text(tree, file) and tree.text(file).startswith("#!/usr/bin/env bash") and "set -euo pipefail" not in tree.text(file):
            yield f"{file}: no `set -euo pipefail`"


@rule("CMake has no global include directories, no globbed sources and no downloads")
def cmake(tree):
    files = [f for f in tree.files if f.endswith((".cmake", "CMakeLists.txt"))]
    yield from tree.matches(r"^\s*(include_directories|link_directories|FetchContent|ExternalProject)", files)
    yield from tree.matches(r"file\(GLOB\w* \w+ (?!CONFIGURE_DEPENDS).*\.(cpp|c|h|td)\b", files)


@rule("links between pages lead somewhere")
def links(tree):
    for file in (f for f in tree.files if f.endswith(".md")):
        for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", tree.text(file)):
            if not (tree.root / file).parent.joinpath(target).exists():
                yield f"{file}: {target} does not exist"


def test_text(tree, *suffixes):
    """All test files in one string."""
    files = tree.source("test/", "runtime/test/", "examples/", suffixes=suffixes or (".mlir", ".test", ".onnxtxt", ".cpp", ".c", ".py", ".txt"))
    return "\n".join(tree.text(f) for f in files)


def records(tree, pattern):
    """(file, groups of the pattern) for every TableGen record that matches."""
    for file in tree.source("include/", "lib/", suffixes=(".td",)):
        for match in re.finditer(pattern, tree.text(file)):
            yield file, match.groups()


@rule("C and C++ are formatted by clang-format 22")
def formatted(tree):
    tool = shutil.which("clang-format-22")
    if not tool:
        yield "clang-format-22 is not installed; scripts/setup installs it"
        return
    sources = [f for f in tree.files if f.endswith((".cpp", ".h", ".c"))]
    done = subprocess.run([tool, "--dry-run", *sources], cwd=tree.root, capture_output=True, text=True)
    for file in sorted({line.split(":")[0] for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line}):
        yield f"{file}: is not formatted; run clang-format-22 -i on it"


@rule("no two Python tests share a file name")
def test_names(tree):
    """pytest imports each by its name alone, and refuses the second."""
    first = {}
    for file in tree.source("test/", suffixes=(".py",)):
        name = file.rsplit("/", 1)[-1]
        if name.startswith("test_") and first.setdefault(name, file) != file:
            yield f"{file}: named like {first[name]}"


@rule("every pass has a test")
def tested_passes(tree):
    tests = test_text(tree, ".mlir", ".test", ".cpp")
    for file, (record, name) in records(tree, r'def (\w+) *:\s*Pass<\s*"([\w-]+)"'):
        if not re.search(rf"-{re.escape(name)}\b|[\"(,]{re.escape(name)}[\"(),{{]|\bcreate{record}\(", tests):
            yield f"{file}: no test runs {name}"


@rule("every diagnostic has a test")
def tested_diagnostics(tree):
    return diagnostics.unlisted(tree)


@rule("every operator record has a test")
def tested_operators(tree):
    """By running: a case of the onnx package's suite that passes, or a node of that operator in a test of ours."""
    tests = test_text(tree)
    for file, (mnemonic, onnx) in records(tree, r':\s*Laic_\w+Op<\s*"(\w+)",\s*"(\w+)",'):
        if not re.search(rf" {onnx}$|\blaic\.{mnemonic}\b|\b{onnx}\s*(<[^>]*>\s*)?\(|[\"']{onnx}[\"']", tests, re.M):
            yield f"{file}: no test has a {onnx} ({mnemonic})"


def check(root):
    """Yields (what the rule demands, list of violations) for every rule."""
    tree = Tree(root)
    for text, function in RULES:
        yield text, list(function(tree) or ())


def main():
    failed = 0
    for text, problems in check(Path(__file__).resolve().parent.parent):
        print(f"{'FAIL' if problems else 'ok  '} {text}")
        for problem in problems:
            print(f"       {problem}")
        failed += bool(problems)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
