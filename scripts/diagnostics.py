"""Finds the messages that the sources can show to users, as literal fragments that a test can look for.

A message is an argument of a call, a returned value or one side of `?:`; of the literals in it the longest that reads like words is
the fragment. Left out are literals that nobody is shown, by the function that takes them (asserts, reasons of rewrites that decline),
and the texts of --help. What stays is looked for by a test, word for word, or stands in LIST.
"""
import ast
import re

LIST = "test/Diagnostics.txt"
BINARY = (".onnx", ".npz", ".bin")
ROOTS = ("lib/", "tools/", "runtime/src/", "python/laic/", "include/laic/")
NOT_FOR_USERS = ("tools/laic-tblgen/",  # runs while laic is built
                 "lib/Targets/HLS/PrintCpp.cpp", "lib/Targets/HLS/Report.cpp", "lib/Quantize/Report.cpp")  # what they print is C++ and figures
SUFFIXES = (".cpp", ".c", ".h", ".py")
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|[A-Za-z_]\w*|[0-9][\w.\']*|\s+|.', re.S)
CONVERSION = re.compile(r"%[-+0# ]*[\d.*]*(?:hh|h|ll|l|z)?[a-zA-Z]|\n")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
# Functions whose literals are no diagnostics.
SILENT = {"assert", "static_assert", "notifyMatchFailure", "add_option", "add_flag", "footer", "text", "option", "type_name",
          "App", "app", "getDescription"}


def unescape(text):
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m.group(1), m.group(1)), text, flags=re.S)


def fragment(literals):
    """The longest part of a message that reads like words, or None."""
    parts = [part.strip(" '\"") for literal in literals for part in CONVERSION.split(literal)]
    words = [part for part in parts if " " in part and len(re.findall(r"[A-Za-z]", part)) >= 9]
    return max(words, key=len, default=None)


def cpp_messages(text):
    """(line, literals) of each message in C or C++; preprocessor lines are blanked first."""
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M)
    line, calls, name, start, literals, joined = 1, [], "", 0, [], False
    for match in TOKEN.finditer(text):
        token, here = match.group(0), line
        line += token.count("\n")
        if token.isspace() or token.startswith(("//", "/*")):
            continue
        if token[0] == '"':
            if not SILENT.intersection(calls):
                start = start if literals else here
                literals[-1:] = [literals[-1] + unescape(token[1:-1])] if joined else literals[-1:] + [unescape(token[1:-1])]
                joined = True
            continue
        joined = False
        if token in "(":
            calls.append(name)
        elif token == ")" and calls:
            calls.pop()
        if token in (",", ";", "{", "}", "?", ":", "return"):
            if literals:
                yield start, literals
            literals = []
        name = token if re.match(r"[A-Za-z_]", token) else ""


def py_messages(text):
    """(line, literals) of each exception that Python code raises."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Raise) and node.exc:
            for string in ast.walk(node.exc):
                if isinstance(string, ast.Constant) and isinstance(string.value, str):
                    yield string.lineno, [string.value]


def messages(tree):
    """(file, line, fragment) of everything that a user can be told."""
    for file in tree.source(*ROOTS, suffixes=SUFFIXES):
        if file.startswith(NOT_FOR_USERS):
            continue
        for line, literals in (py_messages if file.endswith(".py") else cpp_messages)(tree.text(file)):
            text = fragment(literals)
            if text:
                yield file, line, text


def tests_text(tree):
    """All tests, with literals joined that stand on several lines, and quotes as the program prints them."""
    tests = "\n".join(tree.text(f) for f in tree.files if f.startswith(("test/", "runtime/test/")) and f != LIST and not f.endswith(BINARY))
    return re.sub(r'"\s*\n\s*[frR]?"', "", tests).replace('\\"', '"').replace("\\'", "'")


# ---- the committed list ----
# Messages whose text stands in no test, one per line, `file: fragment`: first those that a run with source coverage has shown to be
# reached all the same, then, below NOT_REACHED, those that no test can provoke, with the reason behind ` | `.
NOT_REACHED = "# not reached"


def read_list(text):
    """({file: fragment} that tests reach, {(file, fragment): reason} of the others) of the committed list."""
    reached, others, current = set(), {}, None
    for line in text.splitlines():
        if line.startswith(NOT_REACHED):
            current = others
        elif line and not line.startswith("#"):
            file, _, rest = line.partition(": ")
            if current is None:
                reached.add((file, rest))
            else:
                fragment_text, _, reason = rest.partition(" | ")
                others[file, fragment_text] = reason
    return reached, others


def write_list(reached, others):
    lines = ["# Messages that users can meet and whose text stands in no test, though tests reach them: `scripts/diagnostics_coverage.py --update`",
             "# writes this list from a run of the tests with source coverage; scripts/lint.py holds the sources to it."]
    lines += [f"{file}: {text}" for file, text in sorted(reached)]
    lines += ["", NOT_REACHED + ": what no test can provoke, and why"]
    lines += [f"{file}: {text} | {reason}" for (file, text), reason in sorted(others.items())]
    return "\n".join(lines) + "\n"


def unlisted(tree):
    """What a lint rule says: messages that neither tests nor the list hold, entries without a message or a reason."""
    reached, others = read_list(tree.text(LIST))
    tests = tests_text(tree)
    present = {}
    for file, line, text in messages(tree):
        present.setdefault((file, text), line)
    for (file, text), line in sorted(present.items()):
        if text not in tests and (file, text) not in reached and (file, text) not in others:
            yield f"{file}:{line}: no test looks for '{text}'"
    for file, text in sorted((reached | others.keys()) - present.keys()):
        yield f"{LIST}: {file} has no message '{text}' any more"
    for (file, text), reason in sorted(others.items()):
        if not reason:
            yield f"{LIST}: no reason is given why '{text}' ({file}) is not reached"
