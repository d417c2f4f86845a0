"""hls_lint.py by itself: a small design that it accepts, and for every rule a change that it finds."""
import pytest

import hls_lint

STAGE = """// convolution
#pragma once
#include "../laic_hls.h"
#include "../weights/numbers.h"

static void scale(hls::stream<pack<ap_int<8>, 2> > &in0, hls::stream<pack<ap_int<8>, 2> > &out0) {
#pragma HLS ARRAY_RESHAPE variable = numbers dim = 2 complete
  ap_int<8> word[4];
#pragma HLS ARRAY_PARTITION variable = word dim = 1 cyclic factor = 2
words:
  for (int i_words = 0; i_words < 16; ++i_words) {
#pragma HLS PIPELINE II = 1
    const pack<ap_int<8>, 2> w0 = in0.read();
  lanes:
    for (int i_lanes = 0; i_lanes < 2; ++i_lanes) {
#pragma HLS UNROLL
      word[i_lanes] = greater<ap_int<8> >(w0.lane[i_lanes], ap_int<8>(numbers[0][i_lanes]));
    }
    pack<ap_int<8>, 2> w1;
  give:
    for (int lane = 0; lane < 2; ++lane) {
#pragma HLS UNROLL
      w1.lane[lane] = word[lane];
    }
    out0.write(w1);
  }
}
"""
TOP = """// All stages.
#include "top.h"
#include "stages/scale.h"

void top(hls::stream<pack<ap_int<8>, 2> > &x, hls::stream<pack<ap_int<8>, 2> > &y) {
#pragma HLS INTERFACE axis port = x
#pragma HLS INTERFACE axis port = y
#pragma HLS INTERFACE ap_ctrl_chain port = return
#pragma HLS DATAFLOW
  hls::stream<pack<ap_int<8>, 2> > s_middle("middle");
#pragma HLS STREAM variable = s_middle depth = 2
  scale(x, s_middle);
  scale(s_middle, y);
}
"""
HEADER = """#pragma once
template <class T> inline T greater(const T &x, const T &y) {
#pragma HLS INLINE
  return x < y ? y : x;
}
"""
GOOD = {"stages/scale.h": STAGE, "top.cpp": TOP, "laic_hls.h": HEADER,
        "weights/numbers.h": "// Raw numbers.\n#pragma once\n\nstatic const signed char numbers[1][2] = {{1, -2}};\n"}

PARTITION = "#pragma HLS ARRAY_PARTITION variable = word dim = 1 cyclic factor = 2\n"

# (file, old text, new text, what the violation says)
CHANGES = {
    "unknown pragma": ("stages/scale.h", "HLS UNROLL", "HLS UNROL", "pragma: unknown"),
    "lower-case pragma": ("stages/scale.h", "HLS UNROLL", "hls UNROLL", "pragma: unknown"),
    "foreign pragma": ("top.cpp", "#pragma HLS DATAFLOW\n", "#pragma HLS DATAFLOW\n#pragma omp parallel\n", "pragma: unknown"),
    "unknown key": ("top.cpp", "depth = 2", "depht = 2", "pragma: keys"),
    "cyclic without a factor": ("stages/scale.h", "cyclic factor = 2", "cyclic", "pragma: keys"),
    "interface of another kind": ("top.cpp", "axis port = x", "m_axi port = x", "pragma: keys"),
    "initiation interval of a name": ("stages/scale.h", "II = 1", "II = n", "pragma: keys"),
    "array of another name": ("stages/scale.h", "variable = word ", "variable = wordy ", "scope: 'wordy'"),
    "array declared later": ("stages/scale.h", f"  ap_int<8> word[4];\n{PARTITION}", f"{PARTITION}  ap_int<8> word[4];\n", "scope: 'word'"),
    "weights that are not there": ("weights/numbers.h", "numbers[", "other[", "scope: 'numbers'"),
    "a dim too many": ("stages/scale.h", "dim = 1 cyclic", "dim = 2 cyclic", "scope: 'word' has no dim 2"),
    "stream of another name": ("top.cpp", "variable = s_middle", "variable = middle", "scope: 'middle'"),
    "port of another name": ("top.cpp", "axis port = y", "axis port = z", "scope: 'z'"),
    "pipeline behind a statement": ("stages/scale.h", "#pragma HLS PIPELINE", "    ;\n#pragma HLS PIPELINE", "not the first of a loop"),
    "inline behind a statement": ("laic_hls.h", "#pragma HLS INLINE\n", "  ;\n#pragma HLS INLINE\n", "not the first of a function"),
    "new": ("stages/scale.h", "ap_int<8> word[4]", "ap_int<8> *word = new ap_int<8>[4]", "banned: allocation"),
    "malloc": ("stages/scale.h", "w1;", "w1; malloc(4);", "banned: allocation"),
    "goto": ("stages/scale.h", "out0.write(w1);", "out0.write(w1); goto words;", "banned: goto"),
    "virtual": ("laic_hls.h", "#pragma once\n", "#pragma once\nstruct base { virtual int f(); };\n", "banned: virtual"),
    "the standard library": ("laic_hls.h", "return x", "return std::max(x, y), x", "banned: the standard library"),
    "an exception": ("laic_hls.h", "return x", "if (x < y) throw 1; return x", "banned: exceptions"),
    "a function pointer": ("laic_hls.h", "return x", "int (*f)(int) = 0; return x", "banned: a function pointer"),
    "a cast of a pointer": ("laic_hls.h", "return x", "return *(const T *)&x, x", "banned: a cast of pointers"),
    "a named cast of a pointer": ("laic_hls.h", "return x", "return *static_cast<const T *>(&x), x", "banned: a cast of pointers"),
    "a reinterpretation": ("laic_hls.h", "return x", "return reinterpret_cast<const T &>(x), x", "banned: a cast of pointers"),
    "__SYNTHESIS__": ("laic_hls.h", "#pragma once\n", "#pragma once\n#define __SYNTHESIS__\n", "banned: __SYNTHESIS__"),
    "while": ("stages/scale.h", "out0.write(w1);", "while (false) out0.write(w1);", "banned: another loop than for"),
    "break": ("stages/scale.h", "out0.write(w1);", "out0.write(w1); break;", "banned: another exit"),
    "recursion": ("laic_hls.h", "return x < y ? y : x;", "return x < y ? greater<T>(y, x) : x;", "banned: recursion: greater"),
    "a loop without a label": ("stages/scale.h", "  lanes:\n", "", "loop: 'i_lanes' has no label"),
    "two loops with one label": ("stages/scale.h", "  give:\n", "  lanes:\n", "loop: label 'lanes' is not unique"),
    "a trip count that varies": ("stages/scale.h", "i_words < 16", "i_words < n", "loop: no constant trip count"),
    "a step of two": ("stages/scale.h", "++i_words", "i_words += 2", "loop: no constant trip count"),
    "an index that is changed": ("stages/scale.h", "out0.write(w1);", "out0.write(w1); i_words = 3;", "loop: 'i_words' is changed"),
    "a loop inside of a pipelined one": ("stages/scale.h", "#pragma HLS UNROLL\n      w1", "      w1", "loop: 'lane' inside of a"),
    "too many instances": ("stages/scale.h", "lane < 2;", "lane < 1025;", "loop: 'lane' makes 1025 instances"),
    "a statement in the dataflow": ("top.cpp", "  scale(x, s_middle);", "  int n = 0;\n  scale(x, s_middle);", "dataflow: neither"),
    "a condition in the dataflow": ("top.cpp", "  scale(x, s_middle);", "  if (true) scale(x, s_middle);", "dataflow: neither"),
    "no dataflow": ("top.cpp", "#pragma HLS DATAFLOW\n", "", "dataflow: 0 dataflow regions"),
    "a stage that is not there": ("top.cpp", "  scale(x, s_middle);", "  skale(x, s_middle);", "dataflow: 'skale' is not defined"),
    "two producers": ("top.cpp", "  scale(s_middle, y);", "  scale(s_middle, y);\n  scale(x, s_middle);", "stream: 's_middle'"),
    "no consumer": ("top.cpp", "  scale(s_middle, y);", "  scale(x, y);", "stream: 's_middle'"),
    "a stage that reads what it writes": ("stages/scale.h", "out0.write(w1);", "out0.write(w1); out0.read();", "stream: 's_middle'"),
    "a port that is read twice": ("top.cpp", "  scale(x, s_middle);", "  scale(x, s_middle);\n  scale(x, y);", "stream: 'x'"),
    "a megabyte": ("top.cpp", "// All stages.", "// All stages." + " " * 1_000_000, "src: size"),
}


def test_accepts_a_design():
    assert not list(hls_lint.lint(GOOD))


def test_weights_do_not_count():
    assert not list(hls_lint.lint({**GOOD, "weights/more.h": "// " + "7" * 2_000_000}))


@pytest.mark.parametrize("what", CHANGES)
def test_finds(what):
    path, old, new, says = CHANGES[what]
    assert old in GOOD[path]
    found = list(hls_lint.lint({**GOOD, path: GOOD[path].replace(old, new)}))
    assert any(says in line for line in found), found


def test_comments_and_strings_are_free():
    text = TOP.replace("// All stages.", "// goto new std:: while").replace('("middle")', '("a while new goto")')
    assert not list(hls_lint.lint({**GOOD, "top.cpp": text}))
