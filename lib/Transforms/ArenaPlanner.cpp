// Places values in one arena.
#include "ArenaPlanner.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace laic;

namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kHint = 64;
constexpr int64_t kHuge = INT64_MAX / 4; // stands for what overflows
/// A slot's size is the maximum of at most so many expressions.
constexpr size_t kMaxSlotSizes = 6;

int64_t evaluateSymbol(const SizeSymbol &s, const SizeSymbols &symbols, int64_t hint, int depth);

int64_t evaluate(AffineExpr e, const SizeSymbols &symbols, int64_t hint, int depth) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return c.getValue();
  if (auto s = dyn_cast<AffineSymbolExpr>(e))
    return evaluateSymbol(symbols[s.getPosition()], symbols, hint, depth);
  auto binary = cast<AffineBinaryOpExpr>(e);
  int64_t a = evaluate(binary.getLHS(), symbols, hint, depth), b = evaluate(binary.getRHS(), symbols, hint, depth);
  int64_t result = 0;
  switch (e.getKind()) {
  case AffineExprKind::Add:
    return llvm::AddOverflow(a, b, result) ? kHuge : result;
  case AffineExprKind::Mul:
    return llvm::MulOverflow(a, b, result) ? kHuge : result;
  case AffineExprKind::FloorDiv:
    return b > 0 ? llvm::divideFloorSigned(a, b) : 0;
  case AffineExprKind::CeilDiv:
    return b > 0 ? llvm::divideCeilSigned(a, b) : 0;
  case AffineExprKind::Mod:
    return b > 0 ? llvm::mod(a, b) : 0;
  default:
    return 0;
  }
}

/// Truncating division and floor modulo as the size program computes them; by zero: 0.
int64_t evaluateSymbol(const SizeSymbol &s, const SizeSymbols &symbols, int64_t hint, int depth) {
  if (s.args.empty() || depth > 32)
    return hint;
  llvm::SmallVector<int64_t, 3> v;
  for (AffineExpr arg : s.args)
    v.push_back(evaluate(arg, symbols, hint, depth + 1));
  if (s.kind == "min")
    return std::min(v[0], v[1]);
  if (s.kind == "max")
    return std::max(v[0], v[1]);
  if (s.kind == "select")
    return v[0] ? v[1] : v[2];
  if (s.kind == "equal")
    return v[0] == v[1];
  if (s.kind == "less")
    return v[0] < v[1];
  if (s.kind == "div")
    return v[1] ? v[0] / v[1] : 0;
  if (s.kind == "mod")
    return v[1] > 0 ? llvm::mod(v[0], v[1]) : 0;
  return hint;
}

/// 12 * s0 * s1 + 8 * s0  ->  4 and 3 * s0 * s1 + 2 * s0.
std::pair<int64_t, AffineExpr> splitContent(AffineExpr e) {
  llvm::SmallVector<std::pair<AffineExpr, int64_t>> terms;
  std::function<void(AffineExpr)> collect = [&](AffineExpr part) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(part);
    if (binary && part.getKind() == AffineExprKind::Add) {
      collect(binary.getLHS());
      return collect(binary.getRHS());
    }
    AffineExpr one = getAffineConstantExpr(1, e.getContext());
    if (auto c = dyn_cast<AffineConstantExpr>(part))
      terms.emplace_back(one, c.getValue());
    else if (auto c = binary && part.getKind() == AffineExprKind::Mul ? dyn_cast<AffineConstantExpr>(binary.getRHS())
                                                                      : AffineConstantExpr())
      terms.emplace_back(binary.getLHS(), c.getValue());
    else
      terms.emplace_back(part, 1);
  };
  collect(e);
  int64_t content = 0;
  for (auto &[atom, factor] : terms)
    content = std::gcd(content, factor);
  if (content == 0)
    return {0, getAffineConstantExpr(1, e.getContext())};
  AffineExpr primitive = getAffineConstantExpr(0, e.getContext());
  for (auto &[atom, factor] : terms)
    primitive = primitive + atom * (factor / content);
  return {content, canonicalSize(primitive)};
}

/// Offsets for static sizes; returns the end of the highest. First-come in `order`, each into the tightest
/// gap.
int64_t bestFit(llvm::ArrayRef<ArenaValue> values, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<unsigned> order,
                llvm::SmallVectorImpl<int64_t> &offsets) {
  offsets.assign(sizes.size(), 0);
  llvm::SmallVector<unsigned> placed;
  int64_t peak = 0;
  llvm::SmallVector<std::pair<int64_t, int64_t>> busy;
  for (unsigned v : order) {
    busy.clear();
    for (unsigned other : placed)
      if (values[other].first <= values[v].last && values[v].first <= values[other].last)
        busy.emplace_back(offsets[other], offsets[other] + sizes[other]);
    llvm::sort(busy);
    int64_t cursor = 0, best = -1, bestGap = INT64_MAX;
    for (auto [begin, end] : busy) {
      int64_t gap = begin - cursor;
      if (gap >= sizes[v] && gap < bestGap) {
        best = cursor;
        bestGap = gap;
      }
      cursor = std::max(cursor, end);
    }
    offsets[v] = best >= 0 ? best : cursor;
    peak = std::max(peak, offsets[v] + sizes[v]);
    placed.push_back(v);
  }
  return peak;
}

/// The most bytes that are live at one step: no plan can be smaller.
int64_t lowerBound(llvm::ArrayRef<ArenaValue> values, llvm::ArrayRef<int64_t> sizes) {
  llvm::SmallVector<std::pair<unsigned, int64_t>> events;
  for (auto [value, size] : llvm::zip(values, sizes)) {
    events.emplace_back(value.first, size);
    events.emplace_back(value.last + 1, -size);
  }
  llvm::sort(events);
  int64_t live = 0, most = 0;
  for (auto [step, change] : events)
    most = std::max(most, live += change);
  return most;
}

/// The best of several orders; stops at the lower bound.
int64_t placeStatic(llvm::ArrayRef<ArenaValue> values, llvm::ArrayRef<int64_t> sizes, llvm::SmallVectorImpl<int64_t> &offsets) {
  llvm::SmallVector<unsigned> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  auto span = [&](unsigned v) { return int64_t(values[v].last - values[v].first + 1); };
  using Less = std::function<bool(unsigned, unsigned)>;
  const Less orders[] = {
      [&](unsigned a, unsigned b) { return sizes[a] > sizes[b]; },
      [&](unsigned a, unsigned b) { return values[a].first < values[b].first; },
      [&](unsigned a, unsigned b) { return sizes[a] * span(a) > sizes[b] * span(b); },
      [&](unsigned a, unsigned b) { return span(a) > span(b); },
  };
  int64_t bound = lowerBound(values, sizes), peak = INT64_MAX;
  for (const Less &less : orders) {
    llvm::SmallVector<int64_t> candidate;
    llvm::sort(order, [&](unsigned a, unsigned b) { return less(a, b) || (!less(b, a) && a < b); });
    int64_t end = bestFit(values, sizes, order, candidate);
    if (end < peak) {
      peak = end;
      offsets = candidate;
    }
    if (peak == bound)
      break;
  }
  return peak;
}

/// Values by the expression that their sizes are multiples of.
struct Region {
  AffineExpr unit; // bytes of one unit, a multiple of 64 together with every offset
  llvm::SmallVector<unsigned> members;
  llvm::SmallVector<int64_t> sizes; // units
};

/// Either multiples of 64 primitive sizes, or whole units of a primitive size rounded up to 64 bytes.
void chooseUnit(Region &region, AffineExpr primitive) {
  int64_t exact = 0, rounded = 0, common = 0;
  for (int64_t size : region.sizes) {
    exact += size;
    rounded += llvm::alignTo(size, kAlignment);
    common = std::gcd(common, size);
  }
  if (isa<AffineConstantExpr>(primitive) || rounded <= exact + exact / 8 || common == 0) {
    region.unit = primitive;
    for (int64_t &size : region.sizes)
      size = llvm::alignTo(size, kAlignment);
    return;
  }
  region.unit = (primitive * common).ceilDiv(kAlignment) * kAlignment;
  for (int64_t &size : region.sizes)
    size /= common;
}

ArenaPlan planRegions(llvm::ArrayRef<ArenaValue> values, const SizeSymbols &symbols) {
  llvm::MapVector<AffineExpr, Region> regions;
  for (auto [i, value] : llvm::enumerate(values)) {
    auto [content, primitive] = splitContent(value.bytes);
    regions[primitive].members.push_back(i);
    regions[primitive].sizes.push_back(content);
  }
  ArenaPlan plan;
  plan.offsets.resize(values.size());
  plan.ranges.resize(values.size());
  plan.size = symbols.constant(0);
  unsigned index = 0;
  for (auto &[primitive, region] : regions) {
    chooseUnit(region, primitive);
    llvm::SmallVector<ArenaValue> members;
    for (unsigned v : region.members)
      members.push_back(values[v]);
    llvm::SmallVector<int64_t> offsets;
    int64_t peak = placeStatic(members, region.sizes, offsets);
    for (auto [k, v] : llvm::enumerate(region.members)) {
      plan.offsets[v] = canonicalSize(plan.size + region.unit * offsets[k]);
      plan.ranges[v] = {index, offsets[k], offsets[k] + region.sizes[k]};
    }
    plan.size = canonicalSize(plan.size + region.unit * peak);
    ++index;
  }
  plan.hintBytes = evaluateSize(plan.size, symbols, kHint);
  return plan;
}

struct Slot {
  llvm::SmallVector<AffineExpr, 2> sizes; // none known to be at most another
  llvm::SmallVector<unsigned> members;
  int64_t hint = 0;
};

bool isFree(const Slot &slot, llvm::ArrayRef<ArenaValue> values, const ArenaValue &value) {
  return llvm::none_of(slot.members, [&](unsigned m) { return values[m].first <= value.last && value.first <= values[m].last; });
}

ArenaPlan planSlots(llvm::ArrayRef<ArenaValue> values, SizeSymbols &symbols) {
  llvm::SmallVector<int64_t> hints;
  for (const ArenaValue &value : values)
    hints.push_back(evaluateSize(value.bytes, symbols, kHint));
  llvm::SmallVector<unsigned> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](unsigned a, unsigned b) { return std::make_pair(-hints[a], a) < std::make_pair(-hints[b], b); });

  std::vector<Slot> slots;
  llvm::SmallVector<unsigned> slotOf(values.size());
  auto covers = [&](const Slot &slot, AffineExpr bytes) {
    return llvm::any_of(slot.sizes, [&](AffineExpr size) { return symbols.knownAtLeast(canonicalSize(size - bytes), 0); });
  };
  for (unsigned v : order) {
    int best = -1;
    bool bestCovers = false;
    for (auto [i, slot] : llvm::enumerate(slots)) {
      if (!isFree(slot, values, values[v]))
        continue;
      bool fits = covers(slot, values[v].bytes);
      if (!fits && (slot.sizes.size() >= kMaxSlotSizes || bestCovers))
        continue;
      if (best < 0 || (fits && !bestCovers) || slot.hint <= slots[best].hint) {
        best = i;
        bestCovers = fits;
      }
    }
    if (best < 0) {
      best = slots.size();
      slots.emplace_back();
    }
    Slot &slot = slots[best];
    if (!covers(slot, values[v].bytes)) {
      llvm::erase_if(slot.sizes, [&](AffineExpr s) { return symbols.knownAtLeast(canonicalSize(values[v].bytes - s), 0); });
      slot.sizes.push_back(values[v].bytes);
    }
    slot.hint = std::max(slot.hint, hints[v]);
    slot.members.push_back(v);
    slotOf[v] = best;
  }

  ArenaPlan plan;
  plan.offsets.resize(values.size());
  plan.ranges.resize(values.size());
  plan.size = symbols.constant(0);
  for (auto [i, slot] : llvm::enumerate(slots)) {
    for (unsigned v : slot.members) {
      plan.offsets[v] = plan.size;
      plan.ranges[v] = {unsigned(i), 0, 1};
    }
    AffineExpr size = slot.sizes.front();
    for (AffineExpr other : llvm::drop_begin(slot.sizes))
      size = symbols.max(size, other);
    plan.size = canonicalSize(plan.size + canonicalSize(size).ceilDiv(kAlignment) * kAlignment);
  }
  plan.hintBytes = evaluateSize(plan.size, symbols, kHint);
  return plan;
}

} // namespace

int64_t laic::evaluateSize(AffineExpr expr, const SizeSymbols &symbols, int64_t hint) { return evaluate(expr, symbols, hint, 0); }

ArenaPlan laic::planArena(llvm::ArrayRef<ArenaValue> values, SizeSymbols &symbols) {
  ArenaPlan regions = planRegions(values, symbols);
  bool symbolic = llvm::any_of(values, [](const ArenaValue &v) { return !isa<AffineConstantExpr>(v.bytes); });
  if (!symbolic)
    return regions;
  SizeSymbols before = symbols;
  ArenaPlan slots = planSlots(values, symbols);
  if (slots.hintBytes < regions.hintBytes)
    return slots;
  symbols = std::move(before); // without the maxima that nobody needs
  return regions;
}
