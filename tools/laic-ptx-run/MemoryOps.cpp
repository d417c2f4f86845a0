// Loads, stores and prefetches in every state space.
#include "Lanes.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

struct Wide {
  uint64_t low, high;
};

void addressesOf(Warp &warp, const Instruction &i, const Operand &base, uint64_t (&out)[kWarpSize]) {
  if (base.width == 4) {
    const uint32_t *in = warp.lanes<uint32_t>(base);
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      out[lane] = static_cast<uint32_t>(in[lane] + static_cast<uint32_t>(i.offset));
    return;
  }
  const uint64_t *in = warp.lanes<uint64_t>(base);
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = in[lane] + static_cast<uint64_t>(i.offset);
}

void count(Warp &warp, const Instruction &i, const uint64_t (&addresses)[kWarpSize], uint32_t mask, uint32_t bytes) {
  if (!warp.block.config.countTraffic)
    return;
  Space space = i.space;
  const uint64_t first = addresses[__builtin_ctz(mask)];
  if (space == Space::Generic) // by the first lane: compilers do not mix spaces in one access
    space = first - kSharedWindow < kWindowBytes ? Space::Shared : first < kSharedWindow ? Space::Global : Space::Local;
  if (space == Space::Shared)
    warp.block.countShared(addresses, mask, bytes);
  else if (space == Space::Global)
    warp.block.countGlobal(addresses, mask, bytes);
}

// T is what memory holds; registers may be wider.
template <typename T> void load(Warp &warp, const Instruction &i, uint32_t mask) {
  uint64_t addresses[kWarpSize];
  addressesOf(warp, i, i.operands.back(), addresses);
  const uint32_t bytes = static_cast<uint32_t>(sizeof(T)) * i.vector;
  const AccessKind kind = i.strong ? AccessKind::StrongRead : AccessKind::Read;
  T values[8][kWarpSize];
  forLanes(mask, [&](unsigned lane) {
    const uint8_t *from = warp.locate(i, i.space, addresses[lane], bytes, lane, kind);
    for (unsigned element = 0; element < i.vector; ++element)
      memcpy(&values[element][lane], from + element * sizeof(T), sizeof(T));
  });
  for (unsigned element = 0; element < i.vector; ++element) {
    const Operand &target = i.operands[element];
    if (target.kind == Operand::Sink)
      continue;
    if (target.width == sizeof(T))
      storeLanes(warp, target, values[element], mask);
    else if constexpr (std::is_integral_v<T>)
      storeWide(warp, target, values[element], mask);
  }
  count(warp, i, addresses, mask, bytes);
}

template <typename T> void store(Warp &warp, const Instruction &i, uint32_t mask) {
  uint64_t addresses[kWarpSize];
  addressesOf(warp, i, i.operands[0], addresses);
  const uint32_t bytes = static_cast<uint32_t>(sizeof(T)) * i.vector;
  const AccessKind kind = i.strong ? AccessKind::StrongWrite : AccessKind::Write;
  forLanes(mask, [&](unsigned lane) {
    uint8_t *to = warp.locate(i, i.space, addresses[lane], bytes, lane, kind);
    for (unsigned element = 0; element < i.vector; ++element) {
      const Operand &source = i.operands[1 + element];
      memcpy(to + element * sizeof(T), warp.lanes<uint8_t>(source) + lane * source.width, sizeof(T)); // the low bytes
    }
  });
  count(warp, i, addresses, mask, bytes);
}

Handler handlerOf(Type type, bool loads) {
  switch (type) {
  case Type::S8:
    return loads ? load<int8_t> : store<uint8_t>;
  case Type::S16:
    return loads ? load<int16_t> : store<uint16_t>;
  case Type::S32:
    return loads ? load<int32_t> : store<uint32_t>;
  default:
    break;
  }
  switch (sizeOf(type)) {
  case 1:
    return loads ? load<uint8_t> : store<uint8_t>;
  case 2:
    return loads ? load<uint16_t> : store<uint16_t>;
  case 4:
    return loads ? load<uint32_t> : store<uint32_t>;
  case 8:
    return loads ? load<uint64_t> : store<uint64_t>;
  default:
    return loads ? load<Wide> : store<Wide>;
  }
}

void prefetch(Warp &, const Instruction &, uint32_t) {} // a hint: it neither faults nor changes anything

// Caching is not modelled: what the hints say has no effect on values.
void takeCacheHints(Decoding &d) {
  d.takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  for (int taken = 0; taken >= 0;)
    taken = d.takeOneOf({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate",
                         "L2::evict_normal", "L2::evict_first", "L2::evict_last", "L2::64B", "L2::128B", "L2::256B"});
}

Space takeSpace(Decoding &d) {
  constexpr Space kSpaces[] = {Space::Global, Space::Shared, Space::Shared, Space::Local,
                               Space::Const,  Space::Param,  Space::Param};
  const int space = d.takeOneOf({"global", "shared", "shared::cta", "local", "const", "param", "param::entry"});
  return space < 0 ? Space::Generic : kSpaces[space];
}

void decodeAccess(Decoding &d, bool loads) {
  d.out.strong = d.takeOneOf({"volatile", "relaxed", "acquire", "release"}) >= 0;
  d.take("weak");
  d.takeOneOf({"cta", "gpu", "sys", "cluster"});
  const Space space = takeSpace(d);
  d.take("nc");
  takeCacheHints(d);
  const int vector = d.takeOneOf({"v2", "v4", "v8"});
  const Type type = d.takeType();
  if (type == Type::Pred || (isFloat(type) && type != Type::F16 && type != Type::BF16 && type != Type::F32 && type != Type::F64))
    d.refuse(std::string("no memory holds .") + nameOf(type));
  if (!loads && (space == Space::Const || space == Space::Param))
    d.refuse(std::string("nothing can be stored in .") + nameOf(space));
  d.out.type = type;
  d.out.vector = static_cast<uint8_t>(vector < 0 ? 1 : 2 << vector);
  d.expectCount(2);
  const std::vector<OperandSyntax> elements = d.elements(loads ? 0 : 1);
  if (elements.size() != d.out.vector)
    d.refuse("expects " + std::to_string(d.out.vector) + " elements, got " + std::to_string(elements.size()));
  if (sizeOf(type) * d.out.vector > 32)
    d.refuse("accesses of more than 32 bytes do not exist");
  if (!loads)
    d.address(0, space);
  for (const OperandSyntax &element : elements)
    loads ? d.wideDestination(element, type) : d.wideSource(element, type);
  if (loads)
    d.address(1, space);
  d.out.execute = handlerOf(type, loads);
}

} // namespace

bool laic::ptx::decodeMemory(Decoding &d) {
  if (d.is("ld") || d.is("ldu")) {
    decodeAccess(d, true);
  } else if (d.is("st")) {
    decodeAccess(d, false);
  } else if (d.is("prefetch") || d.is("prefetchu") || d.is("discard") || d.is("applypriority")) {
    const Space space = takeSpace(d);
    d.takeOneOf({"L1", "L2", "L2::evict_last", "L2::evict_normal", "L2::128B"});
    d.expectCount(1, 2);
    d.address(0, space);
    if (d.is("discard")) // it may change what memory holds
      d.unsupported();
    d.out.execute = prefetch;
  } else {
    return false;
  }
  return true;
}
