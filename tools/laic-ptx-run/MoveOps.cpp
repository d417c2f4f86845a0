// Moves: mov with packing and unpacking of vectors, selp, slct, cvta, isspacep.
#include "Lanes.h"

using namespace laic::ptx;

namespace {

struct Wide {
  uint64_t low, high;
};

template <typename T> void move(Warp &warp, const Instruction &i, uint32_t mask) {
  const T *in = warp.lanes<T>(i.operands[1]);
  T out[kWarpSize];
  memcpy(out, in, sizeof out);
  storeLanes(warp, i.operands[0], out, mask);
}

void movePredicate(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.setPredicate(i.operands[0], warp.predicate(i.operands[1]), mask);
}

// mov.b64 d, {a, b}: the first element is the least significant.
void pack(Warp &warp, const Instruction &i, uint32_t mask) {
  uint8_t *out = warp.lanes<uint8_t>(i.operands[0]);
  const uint32_t width = i.operands[0].width;
  forLanes(mask, [&](unsigned lane) {
    uint8_t value[16];
    uint32_t at = 0;
    for (size_t part = 1; part < i.operands.size(); at += i.operands[part++].width)
      memcpy(value + at, warp.lanes<uint8_t>(i.operands[part]) + lane * i.operands[part].width, i.operands[part].width);
    memcpy(out + lane * width, value, width);
  });
}

void unpack(Warp &warp, const Instruction &i, uint32_t mask) {
  const Operand &source = i.operands.back();
  const uint8_t *in = warp.lanes<uint8_t>(source);
  forLanes(mask, [&](unsigned lane) {
    uint8_t value[16]; // a destination may be the source
    memcpy(value, in + lane * source.width, source.width);
    uint32_t at = 0;
    for (size_t part = 0; part + 1 < i.operands.size(); at += i.operands[part++].width)
      if (i.operands[part].kind != Operand::Sink)
        memcpy(warp.lanes<uint8_t>(i.operands[part]) + lane * i.operands[part].width, value + at, i.operands[part].width);
  });
}

template <typename T> void select(Warp &warp, const Instruction &i, uint32_t mask) {
  const T *a = warp.lanes<T>(i.operands[1]), *b = warp.lanes<T>(i.operands[2]);
  const uint32_t chosen = warp.predicate(i.operands[3]);
  T out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = chosen >> lane & 1 ? a[lane] : b[lane];
  storeLanes(warp, i.operands[0], out, mask);
}

struct SelectBySign {
  template <typename T, typename C> static T apply(T a, T b, C c) { return c >= 0 ? a : b; }
};

template <typename T> Handler bySign(Type type) {
  return type == Type::S32   ? ternary<SelectBySign, T, T, T, int32_t>
         : type == Type::F32 ? ternary<SelectBySign, T, T, T, float>
                             : Handler(nullptr);
}

uint64_t windowOf(Space space) {
  return space == Space::Shared ? kSharedWindow : space == Space::Local ? kLocalWindow : space == Space::Param ? kParamWindow : 0;
}

void toGeneric(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint64_t *in = warp.lanes<uint64_t>(i.operands[1]);
  const uint64_t window = windowOf(i.space);
  uint64_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = in[lane] + window;
  storeLanes(warp, i.operands[0], out, mask);
}

void fromGeneric(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint64_t *in = warp.lanes<uint64_t>(i.operands[1]);
  const uint64_t window = windowOf(i.space);
  uint64_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = in[lane] - window;
  storeLanes(warp, i.operands[0], out, mask);
}

void isSpace(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint64_t *in = warp.lanes<uint64_t>(i.operands[1]);
  const uint64_t window = windowOf(i.space);
  uint32_t out = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const bool inside = window ? in[lane] - window < kWindowBytes : in[lane] < kSharedWindow;
    out |= uint32_t(inside) << lane;
  }
  warp.setPredicate(i.operands[0], out, mask);
}

void decodeVectorMove(Decoding &d, Type type) {
  const bool packs = d.syntax(1).kind == OperandSyntax::Vector;
  const std::vector<OperandSyntax> parts = d.elements(packs ? 1 : 0);
  if (sizeOf(type) % parts.size() || parts.size() < 2)
    d.refuse("cannot split ." + std::string(nameOf(type)) + " into " + std::to_string(parts.size()) + " parts");
  const unsigned width = sizeOf(type) / static_cast<unsigned>(parts.size());
  const Type part = width == 1 ? Type::B8 : width == 2 ? Type::B16 : width == 4 ? Type::B32 : Type::B64;
  if (packs)
    d.destination(0, type);
  for (const OperandSyntax &operand : parts)
    packs ? d.anySource(operand, part) : d.anyDestination(operand, part);
  if (!packs)
    d.source(1, type);
  d.out.execute = packs ? pack : unpack;
}

void decodeMov(Decoding &d) {
  const Type type = d.takeType();
  d.expectCount(2);
  if (d.syntax(0).kind == OperandSyntax::Vector || d.syntax(1).kind == OperandSyntax::Vector)
    return decodeVectorMove(d, type);
  d.destination(0, type);
  d.source(1, type);
  switch (sizeOf(type)) {
  case 2:
    d.out.execute = move<uint16_t>;
    break;
  case 4:
    d.out.execute = type == Type::Pred ? movePredicate : move<uint32_t>;
    break;
  case 8:
    d.out.execute = move<uint64_t>;
    break;
  case 16:
    d.out.execute = move<Wide>;
    break;
  default:
    d.unsupported();
  }
}

void decodeSelect(Decoding &d) {
  const Type type = d.takeType();
  d.expectCount(4);
  d.out.execute = sizeOf(type) == 2   ? select<uint16_t>
                  : sizeOf(type) == 4 ? select<uint32_t>
                  : sizeOf(type) == 8 ? select<uint64_t>
                                      : nullptr;
  if (!d.out.execute || type == Type::Pred)
    d.unsupported();
  d.destination(0, type);
  d.source(1, type);
  d.source(2, type);
  d.predicateSource(3);
}

void decodeSelectBySign(Decoding &d) {
  d.out.flush = d.take("ftz"); // a subnormal's sign decides with or without it: -0 counts as not negative
  const Type type = d.takeType(), sign = d.takeType();
  d.out.execute = sizeOf(type) == 4 ? bySign<uint32_t>(sign) : sizeOf(type) == 8 ? bySign<uint64_t>(sign) : nullptr;
  if (!d.out.execute || d.out.flush)
    d.unsupported();
  d.expectCount(4);
  d.destination(0, type);
  d.source(1, type);
  d.source(2, type);
  d.source(3, sign);
}

Space takeWindow(Decoding &d) {
  constexpr Space kSpaces[] = {Space::Global, Space::Shared, Space::Shared, Space::Local,
                               Space::Const,  Space::Param,  Space::Param};
  const int space = d.takeOneOf({"global", "shared", "shared::cta", "local", "const", "param", "param::entry"});
  if (space < 0)
    d.unsupported();
  return kSpaces[space];
}

void decodeAddressConversion(Decoding &d) {
  const bool fromGenericSpace = d.take("to");
  d.out.space = takeWindow(d);
  if (d.takeType() != Type::U64)
    d.unsupported();
  d.expectCount(2);
  d.destination(0, Type::U64);
  d.source(1, Type::U64);
  d.out.execute = windowOf(d.out.space) == 0 ? move<uint64_t> : fromGenericSpace ? fromGeneric : toGeneric;
}

void decodeIsSpace(Decoding &d) {
  d.out.space = takeWindow(d);
  if (d.out.space == Space::Const)
    d.unsupported();
  d.expectCount(2);
  d.predicateDestination(d.syntax(0));
  d.source(1, Type::U64);
  d.out.execute = isSpace;
}

} // namespace

bool laic::ptx::decodeMove(Decoding &d) {
  if (d.is("mov"))
    decodeMov(d);
  else if (d.is("selp"))
    decodeSelect(d);
  else if (d.is("slct"))
    decodeSelectBySign(d);
  else if (d.is("cvta"))
    decodeAddressConversion(d);
  else if (d.is("isspacep"))
    decodeIsSpace(d);
  else
    return false;
  return true;
}
