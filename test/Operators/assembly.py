"""Reads the assembly that LAIC_DUMP_KERNELS=1 prints."""
import re


def innermost_loops(assembly):
    """Instructions of each loop that has no loop inside."""
    lines = [line.split("#")[0].strip() for line in assembly.splitlines()]
    labels = {line[:-1]: i for i, line in enumerate(lines) if line.endswith(":")}
    jumps = ((labels.get(found[1], len(lines)), i) for i, line in enumerate(lines) if (found := re.match(r"j\w+\s+(\.L\w+)$", line)))
    loops = [(start, end) for start, end in jumps if start <= end]
    return [lines[a:b + 1] for a, b in loops if not any((a, b) != (c, d) and a <= c and d <= b for c, d in loops)]


def spills(loop):
    """Its stores to the stack."""
    return [line for line in loop if re.search(r"^v?mov\w+\s+%\w+, -?\d*\(%r[sb]p\)", line)]
