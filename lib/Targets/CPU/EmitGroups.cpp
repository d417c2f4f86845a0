// Groups of a laic.contract, which lie together along the reduction: four bytes, or two bf16.
//
// Bytes: dot products take groups as they are. Elsewhere the rows of a tile are widened to 16 bits in the workspace, even and odd bytes
// apart, and so are the columns in registers: two multiplications of pairs take a group.
// bf16: dot products take pairs; f32 rows are rounded to them in the workspace. Elsewhere the columns are widened by a shift and a mask.
#include "ContractEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

Value KernelEmitter::multiplyPairs(Value x, Value y, Value sum) {
  Value products;
  StringRef name;
  if (level.isX86()) { // pmaddwd, which LLVM does not see in every surrounding
    int64_t bytes = cast<VectorType>(x.getType()).getNumElements() * 2;
    name = bytes == 64 ? "llvm.x86.avx512.pmaddw.d.512" : bytes == 32 ? "llvm.x86.avx2.pmadd.wd" : "llvm.x86.sse2.pmadd.wd";
    products = LLVM::CallIntrinsicOp::create(b, loc, sum.getType(), b.getStringAttr(name), ValueRange{x, y}).getResult(0);
  } else {
    auto wide = cast<VectorType>(x.getType()).clone(b.getI32Type());
    auto extend = [&](Value v) { return arith::ExtSIOp::create(b, loc, wide, v); };
    Value product = arith::MulIOp::create(b, loc, extend(x), extend(y));
    auto everySecond = [&](int64_t first) {
      SmallVector<int64_t> lanes;
      for (int64_t lane = first; lane < wide.getNumElements(); lane += 2)
        lanes.push_back(lane);
      return vector::ShuffleOp::create(b, loc, product, product, lanes);
    };
    products = arith::AddIOp::create(b, loc, everySecond(0), everySecond(1));
  }
  return arith::AddIOp::create(b, loc, sum, products);
}

Value KernelEmitter::multiplyBytePairs(Value x, Value y) {
  StringRef name = level.vectorBytes == 64   ? "llvm.x86.avx512.pmaddubs.w.512"
                   : level.vectorBytes == 32 ? "llvm.x86.avx2.pmadd.ub.sw"
                                             : "llvm.x86.ssse3.pmadd.ub.sw.128";
  auto type = VectorType::get(level.vectorBytes / 2, b.getI16Type());
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), ValueRange{x, y}).getResult(0);
}

Value KernelEmitter::dotBytes(Value x, Value y, Value sum, bool unsignedX) {
  StringRef name = level.vectorBytes == 64   ? "llvm.x86.avx512.vpdpbusd.512"
                   : level.vectorBytes == 32 ? "llvm.x86.avx512.vpdpbusd.256"
                   : unsignedX               ? "llvm.aarch64.neon.usdot.v4i32.v16i8"
                                             : "llvm.aarch64.neon.sdot.v4i32.v16i8";
  return LLVM::CallIntrinsicOp::create(b, loc, sum.getType(), b.getStringAttr(name), ValueRange{sum, x, y}).getResult(0);
}

Value KernelEmitter::dotBrains(Value x, Value y, Value sum) {
  StringRef name = level.isX86() ? "llvm.x86.avx512bf16.dpbf16ps.512" : "llvm.aarch64.neon.bfdot.v4f32.v8bf16";
  return LLVM::CallIntrinsicOp::create(b, loc, sum.getType(), b.getStringAttr(name), ValueRange{sum, x, y}).getResult(0);
}

// Room for a tile's rows. The workspace has one size for all levels: that of the tile with the most rows, or of EmitTiles.cpp.
LogicalResult ContractEmitter::planGroupRows() {
  groupSteps.assign(loops.size() - parallel, 1);
  for (unsigned d = loops.size(); d-- > parallel;) {
    if (!loops[d].size.isStatic())
      return e.fail("its laic.contract has groups and a reduction of unknown size");
    groupSteps[d - parallel] = d + 1 == loops.size() ? 1 : groupSteps[d + 1 - parallel] * loops[d + 1].size.factor;
  }
  groupsOfRow = groupSteps.front() * loops[parallel].size.factor;
  constexpr int64_t kGap = 16; // rows that are a multiple of 4 KiB apart would take each other's place in the first-level cache
  rowPitch = (integer ? 2 : 1) * groupsOfRow + kGap;
  constexpr int64_t kPage = 1024; // in words
  tilePitch = groupsOfRow + kGap;
  if (tilePitch % kPage == 0)
    tilePitch += kGap;
  groupRows = e.makeBuffer(e.workspace, e.b.getI32Type(), {});
  int64_t most = kMostRows * rowPitch;
  if (isWorthTiles()) { // rows, sums, and two descriptions of tiles
    most = std::max(most, kTiledRows * (tilePitch + kPanel) + 2 * kTileConfig);
    hasTiles = integer ? e.level.tilesBytes : e.level.tilesBF16;
  }
  e.workspaceBytes = getAffineConstantExpr(most * 4, e.context);
  return success();
}

// `width` groups of A from `from` on, in the form in which tiles read them.
void ContractEmitter::fillGroups(Value from, Value to, int64_t width) {
  auto words = VectorType::get(width, e.b.getI32Type());
  Value elements = e.loadVector(a.buffer, from, width * group);
  if (!integer) {
    auto rounded = VectorType::get(width * group, e.b.getBF16Type());
    Value pairs; // tiles may be all that the level has for bf16
    if (e.level.dotsBF16)
      pairs = LLVM::FPTruncOp::create(e.b, e.loc, rounded, elements);
    else
      pairs = arith::TruncFOp::create(e.b, e.loc, rounded, elements);
    return e.storeVector(vector::BitCastOp::create(e.b, e.loc, words, pairs), groupRows, to);
  }
  for (auto [half, pairs] : llvm::enumerate(factors(vector::BitCastOp::create(e.b, e.loc, words, elements), op.getUnsignedA())))
    e.storeVector(vector::BitCastOp::create(e.b, e.loc, words, pairs), groupRows, e.add(to, half * groupsOfRow));
}

void ContractEmitter::fillGroupRows(Value count, Value row) {
  int64_t groups = loops.back().size.factor;
  auto run = [&](Value from, Value to) {
    int64_t whole = groups / lanes * lanes;
    e.loop(e.index(0), e.index(whole), lanes, [&](Value k) { fillGroups(e.add(from, e.mul(k, group)), e.add(to, k), lanes); });
    for (int64_t done = whole, width = lanes; done < groups; width /= 2)
      for (; groups - done >= width; done += width)
        fillGroups(e.add(from, done * group), e.add(to, done), width);
  };
  std::function<void(unsigned, Value, Value)> walk = [&](unsigned at, Value from, Value to) {
    if (at + 1 == loops.size())
      return run(from, to);
    e.loop(e.index(0), e.value(loops[at].size), 1, [&](Value k) {
      walk(at + 1, e.add(from, e.mul(k, e.value(a.coefficients[at]))), e.add(to, e.mul(k, groupSteps[at - parallel])));
    });
  };
  e.loop(e.index(0), count, 1,
         [&](Value r) { walk(parallel, startOfRow(row ? e.add(row, r) : row, e.index(0)), e.mul(r, pitchOfRows())); });
}

// Groups of four bytes as the level multiplies them: as they are, or as pairs of 16 bit numbers, the even bytes and the odd ones.
SmallVector<Value, 2> ContractEmitter::factors(Value groups, bool isUnsigned) {
  int64_t bytes = cast<VectorType>(groups.getType()).getNumElements() * 4;
  if (dotProducts || onTiles())
    return {vector::BitCastOp::create(e.b, e.loc, VectorType::get(bytes, e.b.getI8Type()), groups)};
  auto type = VectorType::get(bytes / 2, e.b.getI16Type());
  auto splat = [&](int64_t value) {
    return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, e.b.getI16IntegerAttr(value)));
  };
  Value pairs = vector::BitCastOp::create(e.b, e.loc, type, groups), eight = splat(8);
  if (isUnsigned)
    return {arith::AndIOp::create(e.b, e.loc, pairs, splat(0xff)), arith::ShRUIOp::create(e.b, e.loc, pairs, eight)};
  Value high = arith::ShLIOp::create(e.b, e.loc, pairs, eight);
  return {arith::ShRSIOp::create(e.b, e.loc, high, eight), arith::ShRSIOp::create(e.b, e.loc, pairs, eight)};
}

// Pairs of bf16 as the level multiplies them: as they are, or as f32, the first of each pair and the second ones.
SmallVector<Value, 2> ContractEmitter::brains(Value pairs) {
  auto words = cast<VectorType>(pairs.getType());
  if (dotProducts)
    return {vector::BitCastOp::create(e.b, e.loc, VectorType::get(words.getNumElements() * kPair, e.b.getBF16Type()), pairs)};
  auto splat = [&](int32_t value) {
    return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(words, e.b.getI32IntegerAttr(value)));
  };
  auto asFloat = [&](Value bits) {
    return arith::BitcastOp::create(e.b, e.loc, words.clone(e.b.getF32Type()), bits).getResult();
  };
  return {asFloat(arith::ShLIOp::create(e.b, e.loc, pairs, splat(16))),
          asFloat(arith::AndIOp::create(e.b, e.loc, pairs, splat(int32_t(0xffff0000))))};
}

// The groups of every vector of columns, as i32.
SmallVector<Value> ContractEmitter::loadGroups(const Part &part, Value b) {
  auto words = VectorType::get(part.lanes, e.b.getI32Type());
  SmallVector<Value> groups;
  for (int64_t p = 0; p < part.panels; ++p)
    for (int64_t w = 0; w < part.vectors; ++w) {
      Value at = e.add(e.add(b, e.mul(e.value(panelStride), p)), w * part.lanes * group);
      groups.push_back(vector::BitCastOp::create(e.b, e.loc, words, e.loadVector(this->b, at, part.lanes * group)));
    }
  return groups;
}

// One step of all reduction loops where the last one goes from group to group of bytes.
void ContractEmitter::byteStep(int64_t count, const Part &part, Value a, Value b, MutableArrayRef<Value> accumulators) {
  auto product = [&](Value left, Value right, Value &sum) {
    sum = dotProducts ? e.dotBytes(left, right, sum, dotsUnsigned()) : e.multiplyPairs(left, right, sum);
  };
  auto pairs = VectorType::get(part.lanes * 2, e.b.getI16Type());
  SmallVector<SmallVector<Value, 2>> right;
  for (Value groups : loadGroups(part, b))
    right.push_back(factors(groups, op.getUnsignedB()));
  Value flip; // adds 128 to a signed byte, or takes it off an unsigned one
  if (corrects()) {
    flip = e.splat(arith::ConstantOp::create(e.b, e.loc, e.b.getI32IntegerAttr(int32_t(0x80808080))), part.lanes);
    for (auto [i, vector] : llvm::enumerate(right))
      product(factors(flip, true)[0], vector[0], accumulators[count * right.size() + i]);
  }
  for (int64_t r = 0; r < count; ++r) {
    Value at = e.add(a, rowOffsets[r]);
    SmallVector<Value, 2> left;
    if (copiesRows()) {
      for (int64_t half = 0; half < 2; ++half)
        left.push_back(
            vector::BitCastOp::create(e.b, e.loc, pairs, e.splat(e.load(groupRows, e.add(at, half * groupsOfRow)), part.lanes)));
    } else {
      Value group =
          vector::BitCastOp::create(e.b, e.loc, VectorType::get(1, e.b.getI32Type()), e.loadVector(this->a.buffer, at, kGroup));
      Value groups = e.splat(vector::ExtractOp::create(e.b, e.loc, group, 0), part.lanes);
      left = factors(flip ? arith::XOrIOp::create(e.b, e.loc, groups, flip).getResult() : groups, op.getUnsignedA());
    }
    for (auto [i, vector] : llvm::enumerate(right))
      for (auto [x, y] : llvm::zip(left, vector))
        product(x, y, accumulators[r * right.size() + i]);
  }
}

// The same from pair to pair of bf16.
void ContractEmitter::brainStep(int64_t count, const Part &part, Value a, Value b, MutableArrayRef<Value> accumulators) {
  SmallVector<SmallVector<Value, 2>> right;
  for (Value pairs : loadGroups(part, b))
    right.push_back(brains(pairs));
  for (int64_t r = 0; r < count; ++r) {
    Value at = e.add(a, rowOffsets[r]);
    SmallVector<Value, 2> left;
    if (copiesRows())
      left = brains(e.splat(e.load(groupRows, at), part.lanes));
    else
      for (int64_t i = 0; i < kPair; ++i)
        left.push_back(e.splat(e.load(this->a.buffer, e.add(at, i)), part.lanes));
    for (auto [i, vector] : llvm::enumerate(right))
      for (auto [x, y] : llvm::zip(left, vector)) {
        Value &sum = accumulators[r * right.size() + i];
        sum = dotProducts ? e.dotBrains(x, y, sum) : e.multiplyAdd(x, y, sum);
      }
  }
}
