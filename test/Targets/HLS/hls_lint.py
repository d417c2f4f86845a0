"""Checks the printed C++ of a design against what HLS tools take: pragmas, loops, the dataflow region, streams, and what is banned.

lint({path below src: text}) yields "path: rule: what" lines. Rules work on text without comments and strings; they know the subset
of C++ that laic prints, and anything else is a violation.
"""
import re
from dataclasses import dataclass

LIMIT = 1_000_000  # characters of source without weights
INSTANCES = 1024  # of an unrolled body

WORD = r"[A-Za-z_]\w*"
NUMBER = r"\d+"
PRAGMAS = {
    "PIPELINE": rf"II = {NUMBER}",
    "UNROLL": r"",
    "ARRAY_PARTITION": rf"variable = {WORD} dim = {NUMBER} (complete|cyclic factor = {NUMBER})",
    "ARRAY_RESHAPE": rf"variable = {WORD} dim = {NUMBER} (complete|cyclic factor = {NUMBER})",
    "STREAM": rf"variable = {WORD} depth = {NUMBER}",
    "DATAFLOW": r"",
    "INTERFACE": rf"(axis port = {WORD}|ap_ctrl_chain port = return)",
    "INLINE": r"",
}
BANNED = {
    "allocation": r"\b(new|delete|malloc|calloc|realloc|free|alloca)\b", "goto": r"\bgoto\b", "virtual": r"\bvirtual\b",
    "exceptions": r"\b(throw|try|catch|typeid|dynamic_cast)\b", "the standard library": r"\bstd::",
    "a function pointer": r"\(\s*\*\s*\w*\s*\)\s*\(|\bstd::function\b",
    "a cast of pointers": r"\breinterpret_cast\b|\bconst_cast\b|\(\s*(const\s+)?[\w:]+(<[^()]*>)?(\s+\w+)?\s*\*+\s*\)|_cast<[^()]*\*\s*>",
    "__SYNTHESIS__ defined": r"#\s*(define|undef)\s+__SYNTHESIS__", "another loop than for": r"\b(while|do)\b",
    "another exit of a loop": r"\b(break|continue)\b", "thread-local or volatile data": r"\b(thread_local|volatile|asm)\b",
}
FOR = re.compile(rf"for \(int ({WORD}) = 0; \1 < ({NUMBER}); \+\+\1\) \{{")
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "defined"}


@dataclass
class Function:
    path: str
    name: str
    parameters: str
    body: str  # between the braces
    top: bool


def plain(text):
    """Without comments and the insides of strings; as many lines."""
    keep = lambda m: "\n" * m.group().count("\n")  # noqa: E731
    text = re.sub(r"/\*.*?\*/", keep, text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def block_end(text, start):
    """Behind the brace that closes the one at `start`."""
    level = 0
    for at in range(start, len(text)):
        level += {"{": 1, "}": -1}.get(text[at], 0)
        if level == 0:
            return at + 1
    return len(text)


def functions(path, text):
    """Functions with a body."""
    at, found = 0, []
    pattern = re.compile(rf"^[ \w:<>,&*]*?\b({WORD})\(([^;{{}}()]*)\) \{{", re.M)
    while match := pattern.search(text, at):
        at = match.end()
        if match.group(1) in KEYWORDS:
            continue
        end = block_end(text, match.end() - 1)
        body = text[match.end():end - 1]
        found.append(Function(path, match.group(1), match.group(2), body, "HLS DATAFLOW" in body))
        at = end
    return found


def parameters(function):
    """[(type, name)]"""
    return re.findall(rf"((?:const )?[\w:]+(?:<[^&]*>)?) &?({WORD})(?:, |$)", function.parameters)


def arrays(text):
    """{name: number of dims} of declared arrays."""
    pattern = rf"(?:^|[;{{}}\n])\s*(?:static )?(?:const )?[\w:]+(?: \w+)?(?:<[^;=()]*>)? ({WORD})((?:\[{NUMBER}\])+)(?: = |;)"
    return {name: dims.count("[") for name, dims in re.findall(pattern, text)}


# ---- rules: each yields what is wrong in one function or file ----

def bans(text):
    for what, pattern in BANNED.items():
        for match in re.finditer(pattern, text):
            yield f"banned: {what}: {match.group().strip()}"


def pragmas(text):
    for line in re.findall(r"^.*#\s*pragma.*$", text, re.M):
        words = line.split()
        if words[1:2] == ["once"] or words[1:3] == ["GCC", "diagnostic"]:
            continue
        match = re.fullmatch(r"#pragma HLS (\w+) ?(.*)", line)
        if not match or match.group(1) not in PRAGMAS:
            yield f"pragma: unknown: {line.strip()}"
        elif not re.fullmatch(PRAGMAS[match.group(1)], match.group(2)):
            yield f"pragma: keys: {line.strip()}"


def scope(function, roms):
    """variable= and port= name something that is declared before, with as many dims."""
    names = {name for _, name in parameters(function)}
    for match in re.finditer(r"#pragma HLS (\w+) (.*)", function.body):
        kind, rest = match.groups()
        before = function.body[:match.start()]
        dims = {**roms, **arrays(before)} if kind == "ARRAY_RESHAPE" else arrays(before)
        for key, name in re.findall(rf"(variable|port) = ({WORD})", rest):
            if key == "port" and name in names | {"return"}:
                continue
            if kind == "STREAM" and re.search(rf"hls::stream<.*> {name}\(", before):
                continue
            dim = re.search(rf"dim = ({NUMBER})", rest)
            if key == "port" or not dim or name not in dims:
                yield f"scope: '{name}' of {kind} is not declared before it"
            elif not 1 <= int(dim.group(1)) <= dims[name]:
                yield f"scope: '{name}' has no dim {dim.group(1)}"


def loops(function, roms):
    """Labels, trip counts, and what pipelined and unrolled loops hold."""
    labels = re.findall(rf"^\s*({WORD}):\s*$", function.body, re.M)
    for label in {name for name in labels if labels.count(name) > 1}:
        yield f"loop: label '{label}' is not unique"
    yield from nest(function.body, [], False)


def nest(text, unrolled, pipelined):
    at = 0
    while match := re.compile(r"\bfor\b").search(text, at):
        header = FOR.match(text, match.start())
        if not header:
            yield f"loop: no constant trip count: {text[match.start():].splitlines()[0]}"
            at = match.end()
            continue
        variable, trip = header.group(1), int(header.group(2))
        if not re.search(rf"(^|\n)\s*{WORD}:\s*$", text[:match.start()]):
            yield f"loop: '{variable}' has no label"
        end = block_end(text, header.end() - 1)
        body = text[header.end():end - 1]
        if re.search(rf"\b{variable}\s*([-+*/%&|^]|<<|>>)?=[^=]|(\+\+|--){variable}\b|\b{variable}(\+\+|--)", body):
            yield f"loop: '{variable}' is changed inside"
        own = re.match(r"\s*#pragma HLS (PIPELINE|UNROLL)", body)
        kind = own.group(1) if own else None
        if pipelined and kind != "UNROLL":
            yield f"loop: '{variable}' inside of a pipelined one is not unrolled"
        factors = unrolled + [trip] if kind == "UNROLL" else unrolled
        count = 1
        for factor in factors:
            count *= factor
        if count > INSTANCES:
            yield f"loop: '{variable}' makes {count} instances"
        yield from nest(body, factors, pipelined or kind == "PIPELINE")
        at = end


def placed(function, roms):
    """PIPELINE and UNROLL open a loop's body, INLINE, INTERFACE and DATAFLOW a function's."""
    for match in re.finditer(r"#pragma HLS (\w+)", function.body):
        before = function.body[:match.start()].rstrip()
        if match.group(1) in ("PIPELINE", "UNROLL") and not re.search(r"for \([^\n]*\) \{$", before):
            yield f"pragma: {match.group(1)} is not the first of a loop"
        if match.group(1) == "INLINE" and before:
            yield "pragma: INLINE is not the first of a function"


def dataflow(function, roms):
    """Only declarations of streams, pragmas and calls."""
    if not function.top:
        return
    for line in filter(None, (line.strip() for line in function.body.splitlines())):
        call = re.fullmatch(rf"{WORD}\(({WORD}(, {WORD})*)?\);", line)
        stream = re.fullmatch(rf'hls::stream<[\w<>:, ]+> {WORD}\(""\);', line)
        if not call and not stream and not line.startswith("#pragma HLS "):
            yield f"dataflow: neither a declaration nor a call: {line}"


PER_FUNCTION = (scope, loops, placed, dataflow)


# ---- rules about all functions ----

def direction(function, name):
    reads = bool(re.search(rf"\b{name}\.read\(", function.body))
    writes = bool(re.search(rf"\b{name}\.write\(", function.body))
    return {(True, False): "reads", (False, True): "writes"}.get((reads, writes))


def streams(found):
    """One producer and one consumer of every stream; ports are used once and in one direction."""
    by_name = {f.name: f for f in found}
    tops = [f for f in found if f.top]
    if len(tops) != 1:
        yield f"dataflow: {len(tops)} dataflow regions"
    for top in tops:
        inner = re.findall(rf"hls::stream<.*> ({WORD})\(", top.body)
        uses = {name: [] for name in inner + [name for _, name in parameters(top)]}
        for name, arguments in re.findall(rf"^\s*({WORD})\(([\w, ]*)\);", top.body, re.M):
            stage = by_name.get(name)
            if stage is None:
                yield f"dataflow: '{name}' is not defined"
                continue
            for (_, parameter), stream in zip(parameters(stage), arguments.split(", ")):
                uses.setdefault(stream, []).append(direction(stage, parameter))
        for name, way in uses.items():
            wanted = [["reads", "writes"]] if name in inner else [["reads"], ["writes"]]
            if sorted(map(str, way)) not in wanted:
                yield f"stream: '{name}' is used by {way}"


def recursion(found):
    calls = {f.name: {other.name for other in found if re.search(rf"\b{other.name}\s*(<[^;()]*>)?\(", f.body)} for f in found}

    def reaches(name, goal, seen):
        return any(n == goal or n not in seen and reaches(n, goal, seen | {n}) for n in calls.get(name, ()))

    for name in calls:
        if reaches(name, name, {name}):
            yield f"banned: recursion: {name}"


def size(files):
    total = sum(len(text) for path, text in files.items() if not path.startswith("weights/"))
    if total >= LIMIT:
        yield f"src: size: {total} characters without weights"


def lint(files):
    texts = {path: plain(text) for path, text in files.items()}
    found = [f for path, text in texts.items() if not path.startswith("weights/") for f in functions(path, text)]
    roms = {}
    for path, text in texts.items():
        if path.startswith("weights/"):
            roms.update(arrays(re.sub(r"= \{.*?\};", "= ;", text, flags=re.S)))
    for path, text in texts.items():
        rules = [bans(text)] if path.startswith("weights/") else [bans(text), pragmas(text)]
        yield from (f"{path}: {problem}" for problems in rules for problem in problems)
    for function in found:
        for rule in PER_FUNCTION:
            yield from (f"{function.path}: {problem}" for problem in rule(function, roms))
    yield from (f"src: {problem}" for rule in (streams, recursion) for problem in rule(found))
    yield from size(files)


def sources(folder):
    """{path below src: text} of a project."""
    return {str(file.relative_to(folder / "src")): file.read_text() for file in sorted((folder / "src").rglob("*")) if file.is_file()}
