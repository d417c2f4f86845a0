// Bytes of a laic.contract that lie in groups of four along the reduction: sums by dot products, or by pairs.
//
// Dot products take groups as they are. Elsewhere the rows of a tile are widened to 16 bits in the workspace, even and odd bytes apart, and
// so are the columns in registers: two multiplications of pairs take a group.
#include "ContractEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

// Room for a tile's rows. The workspace has one size for all levels: that of the tile with the most rows.
LogicalResult ContractEmitter::planWidening() {
  widenedSteps.assign(loops.size() - parallel, 1);
  for (unsigned d = loops.size(); d-- > parallel;) {
    if (!loops[d].size.isStatic())
      return e.fail("its laic.contract has groups of bytes and a reduction of unknown size");
    widenedSteps[d - parallel] = d + 1 == loops.size() ? 1 : widenedSteps[d + 1 - parallel] * loops[d + 1].size.factor;
  }
  widenedGroups = widenedSteps.front() * loops[parallel].size.factor;
  constexpr int64_t kGap = 16; // rows that are a multiple of 4 KiB apart would take each other's place in the first-level cache
  widenedPitch = 2 * widenedGroups + kGap;
  widened = e.makeBuffer(e.workspace, e.b.getI32Type(), {});
  e.workspaceBytes = getAffineConstantExpr(kMostRows * widenedPitch * 4, e.context);
  return success();
}

// The rows from `row` on as factors of pairs.
void ContractEmitter::widenRows(int64_t count, Value row) {
  int64_t groups = loops.back().size.factor;
  auto i32 = e.b.getI32Type();
  auto some = [&](Value from, Value to, int64_t width) {
    Value bytes = e.loadVector(a.buffer, from, width * kGroup);
    auto type = VectorType::get(width, i32);
    for (auto [half, pairs] : llvm::enumerate(factors(vector::BitCastOp::create(e.b, e.loc, type, bytes), op.getUnsignedA())))
      e.storeVector(vector::BitCastOp::create(e.b, e.loc, type, pairs), widened, e.add(to, half * widenedGroups));
  };
  auto run = [&](Value from, Value to) {
    int64_t whole = groups / lanes * lanes;
    e.loop(e.index(0), e.index(whole), lanes, [&](Value k) { some(e.add(from, e.mul(k, kGroup)), e.add(to, k), lanes); });
    for (int64_t done = whole, width = lanes; done < groups; width /= 2)
      for (; groups - done >= width; done += width)
        some(e.add(from, done * kGroup), e.add(to, done), width);
  };
  std::function<void(unsigned, Value, Value)> walk = [&](unsigned at, Value from, Value to) {
    if (at + 1 == loops.size())
      return run(from, to);
    e.loop(e.index(0), e.value(loops[at].size), 1, [&](Value k) {
      walk(at + 1, e.add(from, e.mul(k, e.value(a.coefficients[at]))), e.add(to, e.mul(k, widenedSteps[at - parallel])));
    });
  };
  Value base = baseOf(a, row, e.index(0)), step = rowLoop >= 0 ? e.value(a.coefficients[rowLoop]) : e.index(0);
  e.loop(e.index(0), e.index(count), 1, [&](Value r) { walk(parallel, e.add(base, e.mul(r, step)), e.mul(r, widenedPitch)); });
}

// Groups of four bytes as the level multiplies them: as they are, or as pairs of 16 bit numbers, the even bytes and the odd ones.
SmallVector<Value, 2> ContractEmitter::factors(Value groups, bool isUnsigned) {
  int64_t bytes = cast<VectorType>(groups.getType()).getNumElements() * 4;
  if (dotProducts)
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

// One step of all reduction loops where the last one goes from group to group.
void ContractEmitter::groupStep(int64_t count, const Part &part, Value a, Value b, MutableArrayRef<Value> accumulators) {
  auto product = [&](Value left, Value right, Value &sum) {
    sum = dotProducts ? e.dotBytes(left, right, sum) : e.multiplyPairs(left, right, sum);
  };
  auto words = VectorType::get(part.lanes, e.b.getI32Type()), pairs = VectorType::get(part.lanes * 2, e.b.getI16Type());
  SmallVector<SmallVector<Value, 2>> right;
  for (int64_t p = 0; p < part.panels; ++p)
    for (int64_t w = 0; w < part.vectors; ++w) {
      Value at = e.add(e.add(b, e.mul(e.value(panelStride), p)), w * part.lanes * kGroup);
      Value groups = vector::BitCastOp::create(e.b, e.loc, words, e.loadVector(this->b, at, part.lanes * kGroup));
      right.push_back(factors(groups, op.getUnsignedB()));
    }
  Value flip; // makes signed bytes unsigned: 128 more
  if (corrects()) {
    flip = e.splat(arith::ConstantOp::create(e.b, e.loc, e.b.getI32IntegerAttr(int32_t(0x80808080))), part.lanes);
    for (auto [i, vector] : llvm::enumerate(right))
      product(factors(flip, true)[0], vector[0], accumulators[count * right.size() + i]);
  }
  for (int64_t r = 0; r < count; ++r) {
    Value at = e.add(a, e.mul(rowStep(), r));
    SmallVector<Value, 2> left;
    if (widens()) {
      for (int64_t half = 0; half < 2; ++half)
        left.push_back(
            vector::BitCastOp::create(e.b, e.loc, pairs, e.splat(e.load(widened, e.add(at, half * widenedGroups)), part.lanes)));
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
