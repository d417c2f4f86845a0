// laic.block_product with `round_rows`: many rows as bytes, multiplied by integers of 4 bits without leaving the integers.
//
//   for blocks of rows:  A' = round(A * 127 / max), max / 127 and the sums of A' for each block of a row go to the workspace
//     for panels of 32 columns, parts of them along k:  q of a part go to the workspace, a byte each
//       for row tiles, blocks:  sum = A' * q in integers;  C' += scale[w] * (max / 127) * (sum - z[w] * sum of A')
//
// Four neighbours along k are a group, which a lane of i32 takes: with dot products as they are, elsewhere two by two (pmaddubsw). Sums of
// 16 bits hold 32 neighbours: 16 products of at most 127 * 15 are below 2^15. A word of eight integers gives two groups, the even and
// the odd ones, by a mask and a shift; bytes of A' lie in that order.
#include "BlockProductEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

static constexpr int64_t kGroup = 4, kGroupsOfWord = 2;
static constexpr int64_t kDepth = 32; // neighbours that fit into a sum of 16 bits
static constexpr int64_t kUnroll = 2; // groups: of more LLVM would hold the columns of all in registers, and spill sums
static constexpr float kLargestByte = 127;

bool BlockProductEmitter::rounds() {
  return op.getRoundRows() && (e.level.dotsUnsignedSigned || e.level.dotsSigned || e.level.pairsOfBytes);
}

// In elements of four bytes.
int64_t BlockProductEmitter::roundedWorkspace() {
  int64_t slots = kRoundedRowBlock * llvm::alignTo(blocks, partBlocks);
  return slots * (int64_t(op.getBlockSize()) / kGroup + 2) + kRoundedRowBlock * kPanel + partElements() / kGroup;
}

void BlockProductEmitter::roundedRows(Value lo, Value hi) {
  Type f32 = e.b.getF32Type(), i32 = e.b.getI32Type();
  int64_t slots = kRoundedRowBlock * llvm::alignTo(blocks, partBlocks), groups = slots * int64_t(op.getBlockSize()) / kGroup;
  rounded = behind(0, i32);
  rowScales = behind(groups, f32);
  rowSums = behind(groups + slots, f32);
  accumulators = behind(groups + 2 * slots, f32);
  unpacked = behind(groups + 2 * slots + kRoundedRowBlock * kPanel, i32);
  int64_t together = e.level.registers == 32 ? kMostRows : kMostRows / 2;
  e.loop(e.index(0), e.value(m), kRoundedRowBlock, [&](Value first) {
    Value end = e.minimum(e.add(first, kRoundedRowBlock), e.value(m));
    e.loop(first, end, 1, [&](Value row) {
      e.loop(e.index(0), e.index(blocks), partBlocks, [&](Value part) { roundPart(row, part, slotOf(part, e.sub(row, first))); });
    });
    e.loop(lo, hi, 1, [&](Value panel) {
      clearSums(kRoundedRowBlock);
      e.loop(e.index(0), e.index(blocks), partBlocks, [&](Value block) {
        unpackGroups(panel, block);
        rowsOf(first, end, together, [&](int64_t count, Value row) { multiplyGroups(count, e.sub(row, first), panel, block); });
      });
      finish(panel, first, end);
    });
  });
}

Value BlockProductEmitter::splat(VectorType type, TypedAttr value) {
  return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, Attribute(value)));
}

Value BlockProductEmitter::number(float value) { return arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(value)); }

// A part of a row, to its slots. All scales come first: what is rounded then does not wait for them one by one.
void BlockProductEmitter::roundPart(Value row, Value part, Value slot) {
  Value count = e.minimum(e.index(partBlocks), e.sub(e.index(blocks), part));
  auto everyBlock = [&](function_ref<void(Value from, Value slot)> body) {
    e.loop(e.index(0), count, 1,
           [&](Value block) { body(e.add(e.mul(row, k), e.mul(e.add(part, block), op.getBlockSize())), e.add(slot, block)); });
  };
  everyBlock([&](Value from, Value slot) { scaleBlock(from, slot); });
  everyBlock([&](Value from, Value slot) { roundBlock(from, slot); });
}

// The scale of the block of A from `from` on, and, for the time being in place of its sum, the inverse of it.
void BlockProductEmitter::scaleBlock(Value from, Value slot) {
  int64_t blockSize = op.getBlockSize(), step = std::min(blockSize, kDepth);
  auto words = VectorType::get(lanes, e.b.getI32Type());
  Value sign = splat(words, e.b.getI32IntegerAttr(0x7fffffff)); // magnitudes are ordered as their bits are, NaN at the end
  Value most = e.loop(e.index(0), e.index(blockSize), step, ValueRange{e.zero(words)}, [&](Value at, ValueRange carried) {
    Value most = carried[0];
    for (int64_t i = 0; i < step; i += lanes) {
      Value bits = arith::BitcastOp::create(e.b, e.loc, words, e.loadVector(a, e.add(e.add(from, at), i), lanes));
      most = arith::MaxUIOp::create(e.b, e.loc, most, arith::AndIOp::create(e.b, e.loc, bits, sign));
    }
    return SmallVector<Value>{most};
  })[0];
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> turned = llvm::map_to_vector(llvm::seq(lanes), [&](int64_t lane) { return (lane + half) % lanes; });
    most = arith::MaxUIOp::create(e.b, e.loc, most, vector::ShuffleOp::create(e.b, e.loc, most, most, turned));
  }
  Value magnitudes = arith::BitcastOp::create(e.b, e.loc, VectorType::get(lanes, e.b.getF32Type()), most);
  Value largest = vector::ExtractOp::create(e.b, e.loc, magnitudes, 0);
  e.store(arith::DivFOp::create(e.b, e.loc, largest, number(kLargestByte)), rowScales, slot);
  e.store(arith::DivFOp::create(e.b, e.loc, number(kLargestByte), largest), rowSums, slot);
}

// Bytes and their sum. NaN and infinity made the scale so, and with it all sums.
void BlockProductEmitter::roundBlock(Value from, Value slot) {
  int64_t blockSize = op.getBlockSize(), width = std::max(lanes, kGroup * kGroupsOfWord), step = std::min(blockSize, kDepth);
  auto floats = VectorType::get(width, e.b.getF32Type()), words = VectorType::get(width, e.b.getI32Type());
  SmallVector<int64_t> order; // even ones of each word, then odd ones
  for (int64_t lane = 0; lane < width; ++lane)
    order.push_back(lane / 8 * 8 + lane % kGroup * kGroupsOfWord + lane % 8 / kGroup);
  Value to = e.mul(slot, blockSize / kGroup), inverse = e.splat(e.load(rowSums, slot), width);
  Value limit = splat(floats, e.b.getF32FloatAttr(kLargestByte)), none = e.zero(floats);
  Value total = e.loop(e.index(0), e.index(blockSize), step, ValueRange{e.zero(words)}, [&](Value at, ValueRange carried) {
    Value sum = carried[0];
    for (int64_t i = 0; i < step; i += width) {
      Value x = e.loadVector(a, e.add(e.add(from, at), i), width);
      x = math::RoundEvenOp::create(e.b, e.loc, arith::MulFOp::create(e.b, e.loc, x, inverse));
      Value magnitude = math::AbsFOp::create(e.b, e.loc, x);
      Value fits = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OLE, magnitude, limit); // not 0 * inf
      x = arith::SelectOp::create(e.b, e.loc, fits, x, none);
      Value integers = arith::FPToSIOp::create(e.b, e.loc, words, x);
      sum = arith::AddIOp::create(e.b, e.loc, sum, integers);
      Value bytes = arith::TruncIOp::create(e.b, e.loc, VectorType::get(width, e.b.getI8Type()), integers);
      bytes = vector::ShuffleOp::create(e.b, e.loc, bytes, bytes, order);
      Value groups = vector::BitCastOp::create(e.b, e.loc, VectorType::get(width / kGroup, e.b.getI32Type()), bytes);
      e.storeVector(groups, rounded, e.add(e.add(to, e.floorDiv(at, kGroup)), i / kGroup));
    }
    return SmallVector<Value>{sum};
  })[0];
  total = vector::ReductionOp::create(e.b, e.loc, vector::CombiningKind::ADD, total);
  total =
      arith::MulFOp::create(e.b, e.loc, arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), total), e.load(rowScales, slot));
  float centre = op.getZeros() ? 1 : 1 << (bits - 1);
  e.store(arith::MulFOp::create(e.b, e.loc, total, number(-centre)), rowSums, slot);
}

// The integers of `partBlocks` blocks of a panel, fewer at its end: [group][32].
void BlockProductEmitter::unpackGroups(Value panel, Value firstBlock) {
  auto words = VectorType::get(lanes, e.b.getI32Type());
  Value mask = splat(words, e.b.getI32IntegerAttr(0x0f0f0f0f)), shift = splat(words, e.b.getI32IntegerAttr(bits));
  Value end = e.minimum(e.add(firstBlock, partBlocks), e.index(blocks));
  Value first = e.mul(firstBlock, blockWords), count = e.mul(e.sub(end, firstBlock), blockWords);
  e.loop(e.index(0), count, 1, [&](Value word) {
    for (int64_t column = 0; column < kPanel; column += lanes) {
      Value from = placeOf(panel, blocks * blockWords, e.add(first, word), column);
      Value bytes = e.loadVector(packed, e.mul(from, kWordBits / 8), lanes * kWordBits / 8);
      Value even = vector::BitCastOp::create(e.b, e.loc, words, bytes);
      Value odd = arith::ShRUIOp::create(e.b, e.loc, even, shift);
      Value to = e.add(e.mul(word, kGroupsOfWord * kPanel), column);
      e.storeVector(arith::AndIOp::create(e.b, e.loc, even, mask), unpacked, to);
      e.storeVector(arith::AndIOp::create(e.b, e.loc, odd, mask), unpacked, e.add(to, kPanel));
    }
  });
}

// Sums of products of one block as i32, [row][vector]: groups of rows from `left` on, of columns from `right` on.
SmallVector<Value> BlockProductEmitter::sumsOfGroups(int64_t count, Value left, Value right, int64_t width) {
  int64_t groups = int64_t(op.getBlockSize()) / kGroup, step = std::min(groups, kDepth / kGroup);
  bool dots = e.level.dotsUnsignedSigned || e.level.dotsSigned;
  auto words = VectorType::get(lanes, e.b.getI32Type()), pairs = VectorType::get(lanes * 2, e.b.getI16Type());
  SmallVector<Value> start(count * width, e.zero(words));
  auto add = [&](Value first, Value end, ValueRange sums) {
    return e.loop(first, end, kUnroll, sums, [&](Value at, ValueRange carried) {
      SmallVector<Value> now = llvm::to_vector(carried);
      for (int64_t i = 0; i < kUnroll; ++i)
        addGroup(count, width, e.add(left, e.add(at, i)), e.add(right, e.mul(e.add(at, i), kPanel)), now);
      return now;
    });
  };
  if (dots)
    return add(e.index(0), e.index(groups), start);
  return e.loop(e.index(0), e.index(groups), step, start, [&](Value at, ValueRange carried) {
    SmallVector<Value> halves(count * width, e.zero(pairs)), now;
    Value ones = splat(pairs, e.b.getI16IntegerAttr(1));
    for (auto [sum, before] : llvm::zip(add(at, e.add(at, step), halves), carried))
      now.push_back(e.multiplyPairs(sum, ones, before));
    return now;
  });
}

// Adds the products of one group: of rows at `left`, of columns at `right`.
void BlockProductEmitter::addGroup(int64_t count, int64_t width, Value left, Value right, MutableArrayRef<Value> sums) {
  auto bytes = VectorType::get(lanes * kGroup, e.b.getI8Type());
  SmallVector<Value> q;
  for (int64_t w = 0; w < width; ++w)
    q.push_back(vector::BitCastOp::create(e.b, e.loc, bytes, e.loadVector(unpacked, e.add(right, w * lanes), lanes)));
  for (int64_t r = 0; r < count; ++r) {
    Value four = e.splat(e.load(rounded, e.add(left, r * partBlocks * int64_t(op.getBlockSize()) / kGroup)), lanes);
    Value x = vector::BitCastOp::create(e.b, e.loc, bytes, four);
    for (int64_t w = 0; w < width; ++w) {
      Value &sum = sums[r * width + w];
      if (e.level.dotsUnsignedSigned || e.level.dotsSigned)
        sum = e.dotBytes(q[w], x, sum, e.level.dotsUnsignedSigned);
      else
        sum = arith::AddIOp::create(e.b, e.loc, sum, e.multiplyBytePairs(q[w], x));
    }
  }
}

// Rows of bytes from `number` on times the part of the panel that starts at `firstBlock`.
void BlockProductEmitter::multiplyGroups(int64_t count, Value number, Value panel, Value firstBlock) {
  int64_t width = std::min<int64_t>(kPanel / lanes, 2), groups = int64_t(op.getBlockSize()) / kGroup;
  auto floats = VectorType::get(lanes, e.b.getF32Type()), words = VectorType::get(lanes, e.b.getI32Type());
  Value end = e.minimum(e.add(firstBlock, partBlocks), e.index(blocks));
  e.loop(e.index(0), e.index(kPanel), width * lanes, [&](Value column) {
    e.loop(firstBlock, end, 1, [&](Value block) {
      Value right = e.add(e.mul(e.sub(block, firstBlock), groups * kPanel), column);
      Value slot = e.add(slotOf(firstBlock, number), e.sub(block, firstBlock));
      SmallVector<Value> now = sumsOfGroups(count, e.mul(slot, groups), right, width), weightScales, centres;
      for (int64_t w = 0; w < width; ++w) {
        Value place = e.add(placeOf(panel, blocks, block, w * lanes), column);
        weightScales.push_back(e.loadVector(scales, place, lanes));
        if (op.getZeros()) {
          Value wide = arith::ExtUIOp::create(e.b, e.loc, words, e.loadVector(zeros, place, lanes));
          centres.push_back(arith::SIToFPOp::create(e.b, e.loc, floats, wide));
        }
      }
      for (int64_t r = 0; r < count; ++r) {
        Value at = e.add(slot, r * partBlocks);
        Value scale = e.splat(e.load(rowScales, at), lanes), correction = e.splat(e.load(rowSums, at), lanes);
        for (int64_t w = 0; w < width; ++w) {
          Value sum = arith::SIToFPOp::create(e.b, e.loc, floats, now[r * width + w]);
          Value centre = op.getZeros() ? arith::MulFOp::create(e.b, e.loc, centres[w], correction).getResult() : correction;
          Value place = e.add(e.add(e.mul(e.add(number, r), kPanel), column), w * lanes);
          Value before = e.loadVector(accumulators, place, lanes);
          e.storeVector(e.multiplyAdd(e.multiplyAdd(sum, scale, centre), weightScales[w], before), accumulators, place);
        }
      }
    });
  });
}
