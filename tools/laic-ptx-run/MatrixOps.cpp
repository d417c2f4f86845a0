// Tensor-core instructions: mma.sync, ldmatrix, stmatrix.
//
// A fragment register holds e = 32 / bits values of one row (of A, C) or one column (of B). Lane 4g + t holds of A the rows g and
// g + 8 and of each half of k the values e*t ... e*t + e - 1; of B the same values of column g; of C columns 2t and 2t + 1
// (PTX ISA, "Matrix Fragments for mma").
#include "Lanes.h"
#include "Numbers.h"

#include <algorithm>

using namespace laic::ptx;

// Inlined into its callers, so that it is compiled for the instruction set of each.
#define LAIC_INLINE __attribute__((always_inline)) inline

namespace {

constexpr unsigned kRows = 16, kColumns = 8, kMaxDepth = 32;

template <typename T> struct Tile {
  T a[kRows][kMaxDepth];
  T b[kMaxDepth][kColumns];
  T c[kRows][kColumns];
};

// The elements of a fragment register, lane by lane. The choice of the type is outside of the loops, so that they vectorise.
LAIC_INLINE void decodeRegister(Type type, const uint32_t *words, float *out) {
  const auto *halves = reinterpret_cast<const uint16_t *>(words);
  const auto *bytes = reinterpret_cast<const uint8_t *>(words);
  switch (type) {
  case Type::F16:
    for (unsigned at = 0; at < 2 * kWarpSize; ++at)
      out[at] = halfToFloat(halves[at]);
    return;
  case Type::BF16:
    for (unsigned at = 0; at < 2 * kWarpSize; ++at)
      out[at] = bfloatToFloat(halves[at]);
    return;
  case Type::E4M3:
  case Type::E5M2:
    for (unsigned at = 0; at < 4 * kWarpSize; ++at)
      out[at] = type == Type::E4M3 ? e4m3ToFloat(bytes[at]) : e5m2ToFloat(bytes[at]);
    return;
  default: // tf32: the low 13 bits are not looked at
    for (unsigned at = 0; at < kWarpSize; ++at)
      out[at] = bitCast<float>(words[at] & 0xffffe000);
  }
}

LAIC_INLINE void decodeRegister(Type type, const uint32_t *words, int32_t *out) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(words);
  for (unsigned at = 0; at < 4 * kWarpSize; ++at)
    out[at] = type == Type::S8 ? static_cast<int8_t>(bytes[at]) : bytes[at];
}

// Fills A and B from their registers of `Each` elements. `at`: the operand where A begins.
template <unsigned Each, typename T> LAIC_INLINE void gatherElements(Warp &warp, const Instruction &i, size_t at, Tile<T> &tile) {
  constexpr unsigned kHalf = 4 * Each;
  const unsigned registersA = kRows * i.k / (Each * kWarpSize), registersB = i.k * kColumns / (Each * kWarpSize);
  T values[4 * kWarpSize];
  for (unsigned r = 0; r < registersA; ++r) {
    decodeRegister(i.source, warp.lanes<uint32_t>(i.operands[at + r]), values);
    for (unsigned row = 0; row < 8; ++row) // four lanes hold a row's half, one after the other
      memcpy(&tile.a[row + 8 * (r & 1)][kHalf * (r >> 1)], &values[kHalf * row], kHalf * sizeof(T));
  }
  for (unsigned r = 0; r < registersB; ++r) {
    decodeRegister(i.second, warp.lanes<uint32_t>(i.operands[at + registersA + r]), values);
    for (unsigned depth = 0; depth < kHalf; ++depth)
      for (unsigned column = 0; column < kColumns; ++column)
        tile.b[kHalf * r + depth][column] = values[kHalf * column + depth];
  }
}

template <typename T> LAIC_INLINE void gather(Warp &warp, const Instruction &i, size_t at, Tile<T> &tile) {
  switch (sizeOf(i.source)) {
  case 1:
    return gatherElements<4>(warp, i, at, tile);
  case 2:
    return gatherElements<2>(warp, i, at, tile);
  default:
    return gatherElements<1>(warp, i, at, tile);
  }
}

template <typename T> LAIC_INLINE void multiply(const Instruction &i, Tile<T> &tile) {
  using U = std::conditional_t<std::is_same_v<T, float>, float, uint32_t>; // integers wrap
  for (unsigned row = 0; row < kRows; ++row) {
    U sum[kColumns];
    for (unsigned column = 0; column < kColumns; ++column)
      sum[column] = static_cast<U>(tile.c[row][column]);
    for (unsigned depth = 0; depth < i.k; ++depth)
      for (unsigned column = 0; column < kColumns; ++column)
        sum[column] += static_cast<U>(tile.a[row][depth]) * static_cast<U>(tile.b[depth][column]);
    for (unsigned column = 0; column < kColumns; ++column)
      tile.c[row][column] = static_cast<T>(sum[column]);
  }
}

// .satfinite: sums are clamped rather than wrapped.
void multiplySaturated(const Instruction &i, Tile<int32_t> &tile) {
  for (unsigned row = 0; row < kRows; ++row)
    for (unsigned column = 0; column < kColumns; ++column) {
      int64_t sum = tile.c[row][column];
      for (unsigned depth = 0; depth < i.k; ++depth)
        sum += int64_t(tile.a[row][depth]) * tile.b[depth][column];
      tile.c[row][column] = static_cast<int32_t>(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX));
    }
}

// Operands: D, A, B, C. T is the type of the sums: float for f32, int32_t for s32.
template <typename T> LAIC_INLINE void multiplyTile(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.requireConverged(i, mask);
  Tile<T> tile;
  gather(warp, i, 4, tile);
  const size_t c = i.operands.size() - 4;
  const auto row = [](unsigned lane, unsigned r) { return lane / 4 + 8 * (r >> 1); };
  const auto column = [](unsigned lane, unsigned r) { return 2 * (lane % 4) + (r & 1); };
  for (unsigned r = 0; r < 4; ++r)
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      tile.c[row(lane, r)][column(lane, r)] = warp.lanes<T>(i.operands[c + r])[lane];
  if constexpr (std::is_same_v<T, int32_t>)
    i.saturate ? multiplySaturated(i, tile) : multiply(i, tile);
  else
    multiply(i, tile);
  for (unsigned r = 0; r < 4; ++r) {
    T out[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      out[lane] = tile.c[row(lane, r)][column(lane, r)];
    storeLanes(warp, i.operands[r], out, mask);
  }
}

template <typename T> void multiplyAccumulate(Warp &warp, const Instruction &i, uint32_t mask) { multiplyTile<T>(warp, i, mask); }

#if defined(__x86_64__) && defined(__GNUC__)
// The same once more for machines with vectors of 256 bits: tensor-core kernels spend most of their time here.
__attribute__((target("avx2"))) void multiplyAccumulateWide(Warp &warp, const Instruction &i, uint32_t mask) {
  multiplyTile<float>(warp, i, mask);
}
Handler floatMultiply() { return __builtin_cpu_supports("avx2") ? multiplyAccumulateWide : multiplyAccumulate<float>; }
#else
Handler floatMultiply() { return multiplyAccumulate<float>; }
#endif

// f16 sums: two registers of two columns each.
void multiplyAccumulateHalf(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.requireConverged(i, mask);
  Tile<float> tile;
  gather(warp, i, 2, tile);
  const size_t c = i.operands.size() - 2;
  for (unsigned r = 0; r < 2; ++r)
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      for (unsigned e = 0; e < 2; ++e)
        tile.c[lane / 4 + 8 * r][2 * (lane % 4) + e] = halfToFloat(warp.lanes<uint16_t>(i.operands[c + r])[2 * lane + e]);
  multiply(i, tile);
  for (unsigned r = 0; r < 2; ++r) {
    uint32_t out[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      const float *pair = &tile.c[lane / 4 + 8 * r][2 * (lane % 4)];
      out[lane] = floatToHalf(pair[0]) | static_cast<uint32_t>(floatToHalf(pair[1])) << 16;
    }
    storeLanes(warp, i.operands[r], out, mask);
  }
}

// m8n8k4 of f64: one value of A and B a lane, two of C.
void multiplyAccumulateDouble(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.requireConverged(i, mask);
  const double *a = warp.lanes<double>(i.operands[2]), *b = warp.lanes<double>(i.operands[3]);
  double out[2][kWarpSize];
  for (unsigned r = 0; r < 2; ++r)
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      double sum = warp.lanes<double>(i.operands[4 + r])[lane];
      for (unsigned depth = 0; depth < 4; ++depth) // A is row by row, B column by column
        sum = std::fma(a[lane / 4 * 4 + depth], b[(2 * (lane % 4) + r) * 4 + depth], sum);
      out[r][lane] = sum;
    }
  for (unsigned r = 0; r < 2; ++r)
    storeLanes(warp, i.operands[r], out[r], mask);
}

// Lane l names row l % 8 of matrix l / 8. Of each row, lane 4r + t gets the values 2t and 2t + 1 of row r, or of column r.
uint64_t rowAddress(Warp &warp, const Instruction &i, const Operand &base, unsigned lane) {
  const uint64_t address = base.width == 4 ? warp.lanes<uint32_t>(base)[lane] : warp.lanes<uint64_t>(base)[lane];
  return address + static_cast<uint64_t>(i.offset);
}

constexpr unsigned kRowBytes = 16;

void countRows(Warp &warp, const uint64_t (&addresses)[kWarpSize], unsigned matrices) {
  if (warp.block.config.countTraffic)
    for (unsigned matrix = 0; matrix < matrices; ++matrix)
      warp.block.countShared(addresses, 0xffu << (8 * matrix), kRowBytes);
}

void loadMatrix(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.requireConverged(i, mask);
  const Operand &base = i.operands.back();
  uint64_t addresses[kWarpSize] = {};
  uint16_t values[4][8][8];
  for (unsigned lane = 0; lane < 8u * i.vector; ++lane) {
    addresses[lane] = rowAddress(warp, i, base, lane);
    warp.requireAligned(i, i.space, addresses[lane], kRowBytes, lane);
    memcpy(values[lane / 8][lane % 8], warp.locate(i, i.space, addresses[lane], kRowBytes, lane, AccessKind::Read), kRowBytes);
  }
  for (unsigned matrix = 0; matrix < i.vector; ++matrix) {
    uint32_t out[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      const unsigned r = lane / 4, c = 2 * (lane % 4);
      const auto &m = values[matrix];
      out[lane] =
          i.transpose ? m[c][r] | static_cast<uint32_t>(m[c + 1][r]) << 16 : m[r][c] | static_cast<uint32_t>(m[r][c + 1]) << 16;
    }
    storeLanes(warp, i.operands[matrix], out, mask);
  }
  countRows(warp, addresses, i.vector);
}

void storeMatrix(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.requireConverged(i, mask);
  uint64_t addresses[kWarpSize] = {};
  for (unsigned lane = 0; lane < 8u * i.vector; ++lane) {
    addresses[lane] = rowAddress(warp, i, i.operands[0], lane);
    warp.requireAligned(i, i.space, addresses[lane], kRowBytes, lane);
    uint16_t row[8];
    for (unsigned column = 0; column < 8; ++column) {
      const uint16_t *in = warp.lanes<uint16_t>(i.operands[1 + lane / 8]); // of all lanes, two values each
      const unsigned r = lane % 8;
      row[column] = i.transpose ? in[2 * (4 * column + r / 2) + r % 2] : in[2 * (4 * r + column / 2) + column % 2];
    }
    memcpy(warp.locate(i, i.space, addresses[lane], kRowBytes, lane, AccessKind::Write), row, kRowBytes);
  }
  countRows(warp, addresses, i.vector);
}

struct Shape {
  const char *name;
  uint8_t m, n, k;
};
constexpr Shape kShapes[] = {
    {"m16n8k16", 16, 8, 16}, {"m16n8k8", 16, 8, 8}, {"m16n8k32", 16, 8, 32}, {"m16n8k4", 16, 8, 4}, {"m8n8k4", 8, 8, 4}};

// Which depths hardware has for elements of A and B.
bool exists(Type a, Type b, unsigned k) {
  switch (a) {
  case Type::F16:
  case Type::BF16:
    return a == b && (k == 8 || k == 16);
  case Type::TF32:
    return a == b && (k == 4 || k == 8);
  case Type::S8:
  case Type::U8:
    return (b == Type::S8 || b == Type::U8) && (k == 16 || k == 32);
  case Type::E4M3:
  case Type::E5M2:
    return (b == Type::E4M3 || b == Type::E5M2) && (k == 16 || k == 32);
  default:
    return false;
  }
}

void pushAll(Decoding &d, size_t operand, Type type, size_t count, bool destination) {
  const std::vector<OperandSyntax> elements = d.elements(operand);
  if (elements.size() != count)
    d.refuse("expects " + std::to_string(count) + " registers in operand " + std::to_string(operand) + ", got " +
             std::to_string(elements.size()));
  for (const OperandSyntax &element : elements)
    destination ? d.anyDestination(element, type) : d.anySource(element, type);
}

void decodeMultiply(Decoding &d) {
  if (!d.take("sync") || !d.take("aligned"))
    d.unsupported();
  const Shape *shape = nullptr;
  for (const Shape &row : kShapes)
    if (!shape && d.take(row.name))
      shape = &row;
  if (!shape || !d.take("row") || !d.take("col"))
    d.unsupported();
  d.out.m = shape->m;
  d.out.n = shape->n;
  d.out.k = shape->k;
  d.out.saturate = d.take("satfinite");
  const Type result = d.takeType();
  d.out.source = d.takeType();
  d.out.second = d.takeType();
  d.out.type = d.takeType();
  d.expectCount(4);
  if (shape->m == 8) {
    if (result != Type::F64 || d.out.source != Type::F64 || d.out.second != Type::F64 || d.out.type != Type::F64)
      d.unsupported();
    d.out.execute = multiplyAccumulateDouble;
    pushAll(d, 0, Type::F64, 2, true);
    pushAll(d, 1, Type::F64, 1, false);
    pushAll(d, 2, Type::F64, 1, false);
    pushAll(d, 3, Type::F64, 2, false);
    return;
  }
  const bool integers = d.out.source == Type::S8 || d.out.source == Type::U8;
  const bool halves = result == Type::F16 && d.out.source == Type::F16;
  if (!exists(d.out.source, d.out.second, d.out.k) || result != d.out.type ||
      (!halves && result != (integers ? Type::S32 : Type::F32)))
    d.unsupported();
  const unsigned each = 4 / sizeOf(d.out.source), sums = halves ? 2 : 4;
  const Type word = halves ? Type::B32 : result;
  pushAll(d, 0, word, sums, true);
  pushAll(d, 1, Type::B32, kRows * d.out.k / (each * kWarpSize), false);
  pushAll(d, 2, Type::B32, kColumns * d.out.k / (each * kWarpSize), false);
  pushAll(d, 3, word, sums, false);
  d.out.execute = halves ? multiplyAccumulateHalf : integers ? multiplyAccumulate<int32_t> : floatMultiply();
}

void decodeTransfer(Decoding &d, bool loads) {
  if (!d.take("sync") || !d.take("aligned") || !d.take("m8n8"))
    d.unsupported();
  const int matrices = d.takeOneOf({"x1", "x2", "x4"});
  d.out.transpose = d.take("trans");
  const bool shared = d.take("shared") || d.take("shared::cta");
  if (matrices < 0 || d.takeType() != Type::B16)
    d.unsupported();
  d.out.vector = static_cast<uint8_t>(1 << matrices);
  d.expectCount(2);
  if (!loads)
    d.address(0, shared ? Space::Shared : Space::Generic);
  pushAll(d, loads ? 0 : 1, Type::B32, d.out.vector, loads);
  if (loads)
    d.address(1, shared ? Space::Shared : Space::Generic);
  d.out.execute = loads ? loadMatrix : storeMatrix;
}

} // namespace

bool laic::ptx::decodeMatrix(Decoding &d) {
  if (d.is("mma"))
    decodeMultiply(d);
  else if (d.is("ldmatrix"))
    decodeTransfer(d, true);
  else if (d.is("stmatrix"))
    decodeTransfer(d, false);
  else
    return false;
  return true;
}
