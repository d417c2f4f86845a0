"""Tables of what compare.py found: for a terminal, and for docs/Performance.md between its markers."""
import json
import math
import re

# Engines whose arithmetic is less accurate than f32: shown, but no peer for the ratio.
LESS_ACCURATE = ("openvino-bf16",)
OURS = ("laic", "laic-dynamic")
RATIO = ("ratio", "of minima")
BEGIN, END = "<!-- results: begin, by benchmarks/compare.py --render -->", "<!-- results: end -->"


def best_peer(engines, threads, figure="median_ms"):
    """(label, ms) of the fastest peer that computes in f32, or None."""
    found = [(e[threads][figure], label) for label, e in engines.items()
             if label not in OURS + LESS_ACCURATE and threads in e and "failed" not in e]
    return min(found)[::-1] if found else None


def ratios(engines):
    """{threads: {peer, ratio, of_minima}}: the best peer's time over ours, above 1 where we are faster; the same of the fastest runs, which
    other programs disturb least."""
    found = {}
    for threads, ours in engines.get("laic", {}).items():
        peer = best_peer(engines, threads) if isinstance(ours, dict) else None
        if peer:
            found[threads] = {"peer": peer[0], "ratio": peer[1] / ours["median_ms"],
                              "of_minima": best_peer(engines, threads, "min_ms")[1] / ours["min_ms"]}
    return found


def geomean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def number(ms):
    """Three significant digits."""
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}" if ms >= 1 else f"{ms:.3f}"


def grid(head, rows, markdown):
    """A table, nothing without rows; the first column is text, the others are figures."""
    if not rows:
        return ""
    if markdown:
        lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
                     for row in [head, *rows])


def verdict(ratio_of):
    """Geomean, how many are won, and the worst of {name: ratio}."""
    worst = min(ratio_of, key=ratio_of.get)
    won = sum(r >= 1 for r in ratio_of.values())
    return f"geomean {geomean(ratio_of.values()):.2f}, faster at {won} of {len(ratio_of)}, worst {ratio_of[worst]:.2f} ({worst})"


def ratio_cells(ratio):
    return [f"{ratio['ratio']:.2f}", f"{ratio['of_minima']:.2f}"] if ratio else ["–", "–"]


def latency(found, threads, markdown):
    """Median ms of every engine, and the ratio."""
    models = {n: m for n, m in found["models"].items() if "error" not in m}
    labels = list(dict.fromkeys(label for m in models.values() for label in m["engines"]))
    rows, ratio_of = [], {}
    for name, model in models.items():
        cells = []
        for label in labels:
            engine = model["engines"].get(label, {})
            cells.append(number(engine[threads]["median_ms"]) if threads in engine else "–")
        ours = model["engines"].get("laic", {}).get(threads)
        ratio = model["ratio"].get(threads)
        if ratio:
            ratio_of[name] = ratio["ratio"]
        rows.append([name, *cells, f"{100 * ours['spread']:.0f} %" if ours else "–", *ratio_cells(ratio)])
    lines = [grid([f"ms, {threads}", *labels, "our spread", *RATIO], rows, markdown)]
    if ratio_of:
        lines.append(f"{threads}: {verdict(ratio_of)}")
    return "\n\n".join(lines) if markdown else "\n".join(lines)


def costs(found, markdown):
    """What else a model costs: compiling, size, loading, memory."""
    rows = []
    threads = f"{found['threads'][0]}T"
    for name, model in found["models"].items():
        if "error" in model or "laic" not in model["compile"]:
            continue
        ours = model["compile"]["laic"]
        start = [number(e[threads]["load_ms"] + e[threads]["first_ms"]) for e in peers_first(model, threads)]
        memory = [f"{e[threads]['peak_rss_mib']:.0f}" for e in peers_first(model, threads)]
        rows.append([name, f"{ours['seconds']:.1f}", f"{ours['peak_anonymous_mib']:.0f}", f"{ours['artifact_bytes'] / 1e6:.1f}",
                     f"{ours['artifact_over_weights']:.2f}", " / ".join(start), " / ".join(memory)])
    head = ["model", "compile s", "compile MiB", "artifact MB", "of weights", "load + first run ms: laic / best peer", "peak RSS MiB: laic / best peer"]
    return grid(head, rows, markdown)


def peers_first(model, threads):
    """Our figures and those of the peer that is fastest."""
    ratio = model["ratio"].get(threads)
    return [model["engines"][label] for label in ("laic", *([ratio["peer"]] if ratio else []))]


def remarks(found):
    """Everything that is no figure: failures with their reasons, outputs that differ, what is correct."""
    reasons = {}
    for name, model in found["models"].items():
        if "error" in model:
            reasons.setdefault(f"FAILED: {' '.join(model['error'].split())[:400]}", []).append(name)
            continue
        for label, engine in model["engines"].items():
            if "failed" in engine:
                reasons.setdefault(f"{label} does not run: {engine['failed']}", []).append(name)
            if "wrong" in engine:
                reasons.setdefault(f"{label}'s outputs are outside the tolerance of our tests: {engine['wrong']}", []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def model_report(found, markdown):
    parts = [latency(found, f"{threads}T", markdown) for threads in found["threads"]] + [costs(found, markdown)]
    return parts + ["\n".join(("- " if markdown else "") + line for line in remarks(found))]


def kernel_report(found, markdown):
    """By kind of operator: microseconds, share of the limit, ratio."""
    parts, overall = [], {}
    for threads in (f"{t}T" for t in found["threads"]):
        peak = found["limits"].get(threads, {}).get("fma_gflops")
        for kind in dict.fromkeys(k["kind"] for k in found["kernels"].values()):
            rows, ratio_of = [], {}
            labels = found["engines"]
            for name, kernel in found["kernels"].items():
                if kernel["kind"] != kind:
                    continue
                engines, ratio = kernel["engines"], kernel["ratio"].get(threads)
                cells = [number(engines[e][threads]["median_ms"] * 1e3) if threads in engines.get(e, {}) else "–" for e in labels]
                ours = engines.get("laic", {}).get(threads)
                speed = kernel["flops"] / ours["median_ms"] / 1e6 if ours and kernel.get("flops") else None
                share = f"{speed:.0f} ({100 * speed / peak:.0f} %)" if speed and peak else "–"
                if ratio:
                    ratio_of[name] = ratio["ratio"]
                rows.append([name, *cells, share, *ratio_cells(ratio)])
            title = [f"{kind}, µs, {threads}", *labels, "our GFLOP/s (of peak)", *RATIO]
            parts.append(grid(title, rows, markdown) + (("\n\n" if markdown else "\n") + f"{kind}: {verdict(ratio_of)}" if ratio_of else ""))
            overall |= {f"{n} {threads}": r for n, r in ratio_of.items()}
    if overall:
        parts.append(f"All: {verdict(overall)}")
    said = [f"{name}: {label}: {e.get('failed') or e['wrong']}" for name, k in found["kernels"].items() for label, e in k["engines"].items()
            if "failed" in e or "wrong" in e]
    return parts + ["\n".join(("- " if markdown else "") + line for line in said)]


def parts_of(found, markdown):
    import limits

    described = f"Limits measured in this run: {limits.describe(found['limits'])}."
    body = kernel_report(found, markdown) if found["kind"] == "kernels" else model_report(found, markdown)
    return [described] + [part for part in body if part]


def text(found):
    return "\n\n".join(parts_of(found, False))


def wrong(found):
    """Is a result of ours wrong or missing?"""
    if found["kind"] == "kernels":
        return any("failed" in e or "wrong" in e for k in found["kernels"].values() for label, e in k["engines"].items() if label in OURS)
    return any("error" in m for m in found["models"].values())


def section(path, found):
    m, versions = found["machine"], ", ".join(f"{n} {v}" for n, v in found["versions"].items())
    head = (f"{m.get('cpu', 'unknown CPU')}, {m['cores']} cores, {m['memory_gib']} GiB, Linux {m['kernel']}; {found['date']}, laic at "
            f"{found['revision']}; {versions}; {found['rounds']} rounds of {found['seconds_per_process']:g} s. "
            f"[{path.name}](../benchmarks/results/{path.name}) is made by")
    return "\n\n".join([f"### {path.stem}", head, f"    {found['command']}", *parts_of(found, True)])


def render(root):
    """Puts every results file of compare.py into docs/Performance.md, between its markers."""
    sections = []
    for path in sorted((root / "benchmarks" / "results").glob("*.json")):
        found = json.loads(path.read_text())
        if found.get("format") == 1:
            sections.append(section(path, found))
    put(root / "docs" / "Performance.md", BEGIN, "\n\n".join(sections) or "No results yet.")


def put(page, begin, body):
    """Replaces what stands between the lines `begin` and END of a page."""
    old = page.read_text()
    new, count = re.subn(re.escape(begin) + ".*?" + re.escape(END), lambda _: f"{begin}\n\n{body}\n\n{END}", old, flags=re.S)
    if count != 1:
        raise SystemExit(f"error: {page.name} needs the lines {begin!r} and {END!r} once each")
    page.write_text(new)
