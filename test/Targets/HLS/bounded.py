"""Runs the printed stages of a design with streams of given depths (bounded/hls_stream.h), to see whether the design deadlocks."""
import json
import math
import re
import subprocess
from pathlib import Path

HEADERS = Path(__file__).resolve().parent / "bounded"
FRAMES = 2
DEADLOCK = 3  # exit code

PROGRAM = """// Stages of one design as coroutines: program NAME=DEPTH ...
#include "{src}/laic_hls.h"
{includes}
#include <cstdlib>
#include <cstring>
int main(int argc, char **argv) {{
  for (int i = 1; i < argc; ++i) {{
    const char *sign = std::strchr(argv[i], '=');
    bounded::depths[std::string(argv[i], static_cast<std::size_t>(sign - argv[i]))] = static_cast<std::size_t>(std::atoi(sign + 1));
  }}
{streams}
  return bounded::run({{
{tasks}
  }}) ? 0 : {deadlock};
}}
"""


class Bounded:
    """The program of one project; depths are the printed ones."""

    def __init__(self, project, folder):
        text = (project / "src" / "top.cpp").read_text()
        self.depths = {name: int(depth) for name, depth in re.findall(r"#pragma HLS STREAM variable = (\w+) depth = (\d+)", text)}
        self.ports = self.port_types(text)
        self.program = folder / "bounded"
        (folder / "bounded.cpp").write_text(self.text(project, text))
        flags = ["-std=c++17", "-O1", "-w", f"-I{HEADERS}", f"-I{project}/sim"]
        done = subprocess.run(["g++", *flags, folder / "bounded.cpp", "-o", self.program], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]

    @staticmethod
    def port_types(text):
        signature = re.search(r"^void top\((.*)\) \{$", text, re.M).group(1)
        return {name: word for word, name in re.findall(r"hls::stream<(pack<.*?, \d+>) > &(\w+)", signature)}

    def text(self, project, text):
        report = json.loads((project / "report.json").read_text())
        types = {**dict((name, word) for word, name in re.findall(r"hls::stream<(pack<.*, \d+>) > (s_\w+)\(", text)), **self.ports}
        streams = [f'  hls::stream<{word}> {name}("{name}");' for name, word in types.items()]
        tasks = []
        for port, (name, word) in zip(report["ports"], self.ports.items()):
            words = FRAMES * math.prod(port["tensor"]["shape"]) // port["lanes"]
            step = f"{name}.write({word}())" if port["direction"] == "input" else f"{name}.read()"
            tasks.append(f"      [&] {{ for (int i = 0; i < {words}; ++i) {step}; }},")
        for call in re.findall(r"^  (\w+\([\w, ]*\));$", text, re.M):
            tasks.append(f"      [&] {{ for (int i = 0; i < {FRAMES}; ++i) {call}; }},")
        includes = [f'#include "{project}/src/{name}"' for name in re.findall(r'#include "(stages/.*)"', text)]
        return PROGRAM.format(src=project / "src", includes="\n".join(includes), streams="\n".join(streams), tasks="\n".join(tasks),
                              deadlock=DEADLOCK)

    def finishes(self, **other):
        """Whether the design comes to its end, with these depths in place of the printed ones."""
        depths = {**dict.fromkeys(self.ports, 2), **self.depths, **other}
        done = subprocess.run([self.program, *(f"{name}={depth}" for name, depth in depths.items())], timeout=60)
        assert done.returncode in (0, DEADLOCK), done.returncode
        return done.returncode == 0
