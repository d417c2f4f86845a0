// Scales, binary points, multipliers and orders of elements.
#include "Encoding.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace laic::hls;

static int64_t saturate(double raw, NumType type) {
  return static_cast<int64_t>(
      std::min(std::max(raw, static_cast<double>(type.getLowest())), static_cast<double>(type.getHighest())));
}

int64_t Encoding::quantize(double real) const {
  return saturate(std::floor(real / scale + 0.5) + static_cast<double>(zero), type);
}

unsigned laic::hls::signedBits(double magnitude) {
  return magnitude < 1 ? 1 : static_cast<unsigned>(std::floor(std::log2(magnitude))) + 2;
}

Encoding Encoding::forRange(MLIRContext *context, unsigned width, double lo, double hi, double margin) {
  double most = std::max(std::abs(lo), std::abs(hi)) * margin;
  if (most == 0)
    most = 0.5;                                                    // anything holds it
  int integer = static_cast<int>(std::floor(std::log2(most))) + 2; // 2^(integer - 1) > most
  NumType type = NumType::get(context, width, integer, true);
  return {type, std::ldexp(1.0, -type.getFraction()), 0, true};
}

Requantization laic::hls::requantization(NumType acc, llvm::ArrayRef<double> factors, const Encoding &out, const Clamp &clamp) {
  Requantization result;
  unsigned bits = std::min(31, 63 - static_cast<int>(acc.getWidth()));
  double most = *llvm::max_element(factors), limit = std::ldexp(1.0, static_cast<int>(bits));
  auto multiplier = [&](double factor) { return std::floor(std::ldexp(factor, static_cast<int>(result.shift)) + 0.5); };
  result.shift = 62;
  while (result.shift > 0 && multiplier(most) >= limit)
    --result.shift;
  int64_t all = 0;
  for (double factor : factors) {
    result.multipliers.push_back(static_cast<int64_t>(std::min(multiplier(factor), limit - 1)));
    all |= result.multipliers.back();
  }
  int64_t common = all ? std::min<int64_t>(llvm::countr_zero(static_cast<uint64_t>(all)), result.shift) : 0;
  for (int64_t &m : result.multipliers)
    m >>= common;
  result.shift -= common;
  result.bits = std::max(1u, llvm::Log2_64_Ceil(static_cast<uint64_t>(all >> common) + 1));
  result.lowest = clamp.lo ? out.quantize(*clamp.lo) : out.type.getLowest();
  result.highest = clamp.hi ? out.quantize(*clamp.hi) : out.type.getHighest();
  return result;
}

Order::Order(llvm::ArrayRef<std::pair<int64_t, int64_t>> from) {
  for (auto [size, stride] : from) {
    if (size == 1)
      continue;
    if (!axes.empty() && axes.back().second == size * stride)
      axes.back() = {axes.back().first * size, stride};
    else
      axes.emplace_back(size, stride);
  }
}

Order Order::permuted(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> permutation) {
  llvm::SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  llvm::SmallVector<std::pair<int64_t, int64_t>> axes;
  for (int64_t axis : permutation)
    axes.emplace_back(shape[axis], strides[axis]);
  return Order(axes);
}

Order Order::channelsLast(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> permutation;
  for (size_t i = 0; i < shape.size(); ++i)
    if (i != 1 || shape.size() < 3)
      permutation.push_back(i);
  if (shape.size() >= 3)
    permutation.push_back(1);
  return permuted(shape, permutation);
}

int64_t Order::elements() const {
  int64_t product = 1;
  for (auto [size, stride] : axes)
    product *= size;
  return product;
}

llvm::SmallVector<int64_t> Order::flat() const {
  llvm::SmallVector<int64_t> list;
  for (auto [size, stride] : axes)
    list.append({size, stride});
  return list;
}

std::vector<int64_t> Order::indices() const {
  std::vector<int64_t> all = {0};
  for (auto [size, stride] : axes) {
    std::vector<int64_t> next;
    next.reserve(all.size() * size);
    for (int64_t base : all)
      for (int64_t i = 0; i < size; ++i)
        next.push_back(base + i * stride);
    all = std::move(next);
  }
  return all;
}

/// The longest run that repeats from the start: `length` elements `stride` apart, in every group of `length`.
static std::pair<int64_t, int64_t> fastestAxis(llvm::ArrayRef<int64_t> indices) {
  int64_t count = indices.size(), stride = indices[1] - indices[0];
  auto repeats = [&](int64_t length) {
    for (int64_t i = 0; i < count; ++i)
      if (indices[i] != indices[i - i % length] + i % length * stride)
        return false;
    return true;
  };
  int64_t length = 2;
  while (length < count && indices[length] == indices[0] + length * stride)
    ++length;
  while (length > 1 && (count % length != 0 || !repeats(length)))
    --length;
  return {length, stride};
}

std::optional<Order> Order::fromIndices(std::vector<int64_t> indices) {
  if (indices.empty() || indices[0] != 0)
    return std::nullopt;
  llvm::SmallVector<std::pair<int64_t, int64_t>> fastestFirst;
  while (indices.size() > 1) {
    auto [length, stride] = fastestAxis(indices);
    if (length < 2)
      return std::nullopt;
    fastestFirst.emplace_back(length, stride);
    std::vector<int64_t> groups;
    for (size_t i = 0; i < indices.size(); i += length)
      groups.push_back(indices[i]);
    indices = std::move(groups);
  }
  llvm::SmallVector<std::pair<int64_t, int64_t>> axes(llvm::reverse(fastestFirst));
  return Order(axes);
}
