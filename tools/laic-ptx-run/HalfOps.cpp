// f16, bf16 and their pairs: add, sub, mul, fma, neg, abs, min, max, ex2, tanh. Computed in f32 and rounded once; fma in double.
#include "Lanes.h"
#include "Numbers.h"

using namespace laic::ptx;

namespace {

struct Half {
  static constexpr float kLeastNormal = 0x1p-14f;
  static float up(uint16_t bits) { return halfToFloat(bits); }
  static uint16_t down(float value) { return floatToHalf(value); }
};
struct Bfloat {
  static constexpr float kLeastNormal = 0x1p-126f;
  static float up(uint16_t bits) { return bfloatToFloat(bits); }
  static uint16_t down(float value) { return floatToBfloat(value); }
};

// f32 has more than twice the digits of either format, so rounding its result again gives the right one.
struct Add {
  static float apply(const Instruction &, float a, float b, float) { return a + b; }
};
struct Sub {
  static float apply(const Instruction &, float a, float b, float) { return a - b; }
};
struct Mul {
  static float apply(const Instruction &, float a, float b, float) { return a * b; }
};
struct Fma { // the product is exact in double
  static float apply(const Instruction &, float a, float b, float c) { return toFloatOdd(addOdd(static_cast<double>(a) * b, c)); }
};
struct Neg {
  static float apply(const Instruction &, float a, float, float) { return -a; }
};
struct Abs {
  static float apply(const Instruction &, float a, float, float) { return std::fabs(a); }
};
struct Min {
  static float apply(const Instruction &i, float a, float b, float) { return minimum(a, b, i.nan); }
};
struct Max {
  static float apply(const Instruction &i, float a, float b, float) { return maximum(a, b, i.nan); }
};
struct Ex2 {
  static float apply(const Instruction &, float a, float, float) { return std::exp2(a); }
};
struct Tanh {
  static float apply(const Instruction &, float a, float, float) { return std::tanh(a); }
};

template <typename Format> float flush(float value) {
  return std::fabs(value) < Format::kLeastNormal ? std::copysign(0.0f, value) : value;
}

// Pairs are 64 values in a row.
template <typename Format, typename Op, unsigned Sources, typename Word>
void compute(Warp &warp, const Instruction &i, uint32_t mask) {
  constexpr unsigned kValues = kWarpSize * sizeof(Word) / 2;
  float in[3][kValues] = {};
  for (unsigned source = 0; source < Sources; ++source) {
    const uint16_t *bits = warp.lanes<uint16_t>(i.operands[1 + source]);
    for (unsigned at = 0; at < kValues; ++at)
      in[source][at] = Format::up(bits[at]);
  }
  if (i.flush)
    for (auto &values : in)
      for (float &value : values)
        value = flush<Format>(value);
  float result[kValues];
  for (unsigned at = 0; at < kValues; ++at)
    result[at] = Op::apply(i, in[0][at], in[1][at], in[2][at]);
  for (unsigned at = 0; (i.saturate || i.relu) && at < kValues; ++at)
    result[at] = i.saturate ? saturated(result[at]) : maximum(result[at], 0.0f, true);
  uint16_t out[kValues];
  for (unsigned at = 0; at < kValues; ++at)
    out[at] = Format::down(result[at]);
  for (unsigned at = 0; i.flush && at < kValues; ++at)
    out[at] = Format::down(flush<Format>(Format::up(out[at])));
  Word words[kWarpSize];
  memcpy(words, out, sizeof words);
  storeLanes(warp, i.operands[0], words, mask);
}

template <typename Op, unsigned Sources> Handler handlerOf(Type type) {
  switch (type) {
  case Type::F16:
    return compute<Half, Op, Sources, uint16_t>;
  case Type::F16x2:
    return compute<Half, Op, Sources, uint32_t>;
  case Type::BF16:
    return compute<Bfloat, Op, Sources, uint16_t>;
  case Type::BF16x2:
    return compute<Bfloat, Op, Sources, uint32_t>;
  default:
    return nullptr;
  }
}

struct Row {
  const char *name;
  unsigned sources;
  Handler (*handler)(Type);
};

constexpr Row kFamily[] = {{"add", 2, handlerOf<Add, 2>},  {"sub", 2, handlerOf<Sub, 2>}, {"mul", 2, handlerOf<Mul, 2>},
                           {"fma", 3, handlerOf<Fma, 3>},  {"neg", 1, handlerOf<Neg, 1>}, {"abs", 1, handlerOf<Abs, 1>},
                           {"min", 2, handlerOf<Min, 2>},  {"max", 2, handlerOf<Max, 2>}, {"ex2", 1, handlerOf<Ex2, 1>},
                           {"tanh", 1, handlerOf<Tanh, 1>}};

} // namespace

bool laic::ptx::decodeHalf(Decoding &d) {
  const std::optional<Type> type = d.lastType();
  if (!type || !handlerOf<Add, 2>(*type))
    return false;
  for (const Row &row : kFamily) {
    if (!d.is(row.name))
      continue;
    d.take("rn");
    d.take("approx");
    d.out.flush = d.take("ftz");
    d.out.saturate = d.take("sat");
    d.out.relu = d.take("relu");
    d.out.nan = d.take("NaN");
    d.out.type = d.takeType();
    d.expectCount(1 + row.sources);
    d.destination(0, d.out.type);
    for (size_t i = 1; i < d.count(); ++i)
      d.source(i, d.out.type);
    d.out.execute = row.handler(d.out.type);
    return true;
  }
  return false;
}
