// Loops of align_rois, pool_rois and select_boxes.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/DetectionOps.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr double kFarthest = 1 << 30;    // positions beyond are all alike, and no index overflows
constexpr double kMostSamples = 1 << 12; // per bin and dim, where the region says how many

// Arithmetic on regions: floats that came as data become indices only within bounds.
struct RegionBuilder : LoopBuilder {
  RegionBuilder(OpBuilder &b, Location loc, Type type) : LoopBuilder(b, loc), s(b, loc), type(type) {}

  Value cstF(double v) { return s.cst(v, type); }
  Value number(Value index) { return s.cast(toInt(index, b.getI64Type()), type, false, false); }
  Value bounded(Value x, double low, double high) { // NaN becomes `low`
    x = arith::MaxNumFOp::create(b, loc, x, cstF(low));
    return arith::MinNumFOp::create(b, loc, x, cstF(high));
  }
  Value whole(Value x) { return toIndex(arith::FPToSIOp::create(b, loc, b.getI64Type(), x)); } // of a bounded x
  Value batchIndex(Value index, Value count) {
    return CheckIndexOp::create(b, loc, b.getIndexType(), index, count, toInt(index, b.getI64Type()), b.getI32IntegerAttr(1));
  }

  ScalarBuilder s;
  Type type;
};

AffineMap tilesOfRegions(Operation *op) {
  return tileCountOf(op, [](auto &tensors) { return tensors[1][0] * tensors[0][1]; });
}

} // namespace

//===-- align_rois ----------------------------------------------------------------------------------------------===//

AffineMap AlignRoisOp::tileCount() { return tilesOfRegions(*this); }

namespace {

// One dim of a region.
struct Span {
  Value start, bin; // floats: where the region begins, the size of a bin
  Value samples;    // index: per bin
};

struct RoiSampler {
  RegionBuilder &r;
  AlignRoisOp op;
  Value x, batch, channel;

  Span span(Value first, Value last, int64_t bins) {
    ScalarBuilder &s = r.s;
    Value offset = r.cstF(op.getHalfPixel() ? 0.5 : 0), scale = r.cstF(op.getScale().convertToDouble());
    Value start = s.sub(s.mul(first, scale), offset), size = s.sub(s.sub(s.mul(last, scale), offset), start);
    if (!op.getHalfPixel())
      size = s.max(size, r.cstF(1));
    Value bin = s.div(size, r.cstF(bins));
    int64_t samples = op.getSamples();
    Value count = samples > 0 ? r.cst(samples) : r.whole(r.bounded(s.ceil(bin), 0, kMostSamples));
    return {start, bin, count};
  }
  // Where sample k of bin i lies.
  Value position(const Span &span, Value i, Value k) {
    ScalarBuilder &s = r.s;
    Value within = s.div(s.mul(s.add(r.number(k), r.cstF(0.5)), span.bin), r.number(span.samples));
    return s.add(s.add(span.start, s.mul(r.number(i), span.bin)), within);
  }

  // The two elements around a position, their weights, and whether it counts at all.
  struct Neighbours {
    Value index[2], weight[2], inside;
  };
  Neighbours neighbours(Value at, Value size) {
    ScalarBuilder &s = r.s;
    Value inside = s.andi(s.ge(at, r.cstF(-1)), s.le(at, r.number(size)));
    Value bounded = r.bounded(at, 0, kFarthest), last = r.sub(size, r.cst(1));
    Value low = r.min(r.whole(bounded), last), high = r.min(r.add(low, r.cst(1)), last);
    Value fraction = s.select(r.eq(low, last), r.cstF(0), s.sub(bounded, r.number(low)));
    return {{low, high}, {s.sub(r.cstF(1), fraction), fraction}, inside};
  }

  // The mean's term, or the largest weighted corner.
  Value sample(Value y, Value xPosition) {
    ScalarBuilder &s = r.s;
    Neighbours rows = neighbours(y, r.dim(x, 2)), columns = neighbours(xPosition, r.dim(x, 3));
    Value result;
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 2; ++j) {
        Value v = r.load(x, {batch, channel, rows.index[i], columns.index[j]});
        Value term = s.mul(s.mul(rows.weight[i], columns.weight[j]), v);
        result = !result ? term : op.getMax() ? s.max(result, term) : s.add(result, term);
      }
    return s.select(s.andi(rows.inside, columns.inside), result, r.cstF(0));
  }

  Value bin(const Span &rows, const Span &columns, Value ph, Value pw) {
    ScalarBuilder &s = r.s;
    Value zero = r.cst(0), one = r.cst(1);
    Value isMax = s.boolean(op.getMax());
    auto sum = r.loop(zero, rows.samples, one, {r.cstF(0)}, [&](Value iy, ValueRange outer) {
      Value y = position(rows, ph, iy);
      return r.loop(zero, columns.samples, one, outer, [&](Value ix, ValueRange have) {
        Value v = sample(y, position(columns, pw, ix));
        if (!op.getMax())
          return LoopBuilder::Values{s.add(have[0], v)};
        Value first = r.both(r.eq(iy, zero), r.eq(ix, zero));
        return LoopBuilder::Values{s.select(r.both(isMax, first), v, s.max(have[0], v))};
      });
    });
    if (op.getMax())
      return sum[0];
    return s.div(sum[0], r.number(r.max(r.mul(rows.samples, columns.samples), one)));
  }
};

} // namespace

LogicalResult AlignRoisOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  Value x = buffers[0], rois = buffers[1], batch = buffers[2], y = buffers[3];
  RegionBuilder r(b, getLoc(), getElementTypeOrSelf(x.getType()));
  auto shape = cast<MemRefType>(y.getType()).getShape();
  Value channels = r.dim(x, 1);
  r.loop(begin, end, [&](Value tile) {
    Value region = r.div(tile, channels), channel = r.rem(tile, channels);
    Value image = r.batchIndex(r.toIndex(r.load(batch, region)), r.dim(x, 0));
    RoiSampler sampler{r, *this, x, image, channel};
    auto corner = [&](int64_t k) { return r.load(rois, {region, r.cst(k)}); };
    Span columns = sampler.span(corner(0), corner(2), shape[3]), rows = sampler.span(corner(1), corner(3), shape[2]);
    r.nest({r.cst(shape[2]), r.cst(shape[3])}, [&](llvm::ArrayRef<Value> at) {
      r.store(sampler.bin(rows, columns, at[0], at[1]), y, {region, channel, at[0], at[1]});
    });
  });
  return success();
}

//===-- pool_rois -----------------------------------------------------------------------------------------------===//

AffineMap PoolRoisOp::tileCount() { return tilesOfRegions(*this); }

namespace {

// Elements [from, to) of a bin.
struct Bin {
  Value from, to;
};

// The bins of one dim of a region, from rounded corners; ends are inclusive.
struct BinRule {
  RegionBuilder &r;
  Value start, bin, size;

  BinRule(RegionBuilder &r, Value first, Value last, double scale, int64_t bins, Value size) : r(r), size(size) {
    ScalarBuilder &s = r.s;
    // Halves away from zero.
    auto corner = [&](Value v) {
      Value x = r.bounded(s.mul(v, r.cstF(scale)), -kFarthest, kFarthest), half = r.cstF(0.5);
      return s.select(s.lt(x, r.cstF(0)), s.ceil(s.sub(x, half)), s.floor(s.add(x, half)));
    };
    start = corner(first);
    Value length = s.max(s.add(s.sub(corner(last), start), r.cstF(1)), r.cstF(1));
    bin = s.div(length, r.cstF(bins));
  }
  Bin at(Value i) {
    ScalarBuilder &s = r.s;
    Value from = s.floor(s.mul(r.number(i), bin)), to = s.ceil(s.mul(s.add(r.number(i), r.cstF(1)), bin));
    auto inside = [&](Value v) { return r.whole(s.clamp(s.add(v, start), r.cstF(0), r.number(size))); };
    return {inside(from), inside(to)};
  }
};

} // namespace

LogicalResult PoolRoisOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  Value x = buffers[0], rois = buffers[1], y = buffers[2];
  RegionBuilder r(b, getLoc(), getElementTypeOrSelf(x.getType()));
  ScalarBuilder &s = r.s;
  auto shape = cast<MemRefType>(y.getType()).getShape();
  Value channels = r.dim(x, 1), one = r.cst(1);
  double scale = getScale().convertToDouble();
  r.loop(begin, end, [&](Value tile) {
    Value region = r.div(tile, channels), channel = r.rem(tile, channels);
    auto field = [&](int64_t k) { return r.load(rois, {region, r.cst(k)}); };
    Value image = r.batchIndex(r.whole(r.bounded(field(0), -kFarthest, kFarthest)), r.dim(x, 0));
    BinRule columns(r, field(1), field(3), scale, shape[3], r.dim(x, 3)),
        rows(r, field(2), field(4), scale, shape[2], r.dim(x, 2));
    r.nest({r.cst(shape[2]), r.cst(shape[3])}, [&](llvm::ArrayRef<Value> at) {
      Bin h = rows.at(at[0]), w = columns.at(at[1]);
      Value lowest = r.cstF(-std::numeric_limits<double>::infinity());
      auto largest = r.loop(h.from, h.to, one, {lowest}, [&](Value i, ValueRange outer) {
        return r.loop(w.from, w.to, one, outer, [&](Value j, ValueRange have) {
          return LoopBuilder::Values{s.max(have[0], r.load(x, {image, channel, i, j}))};
        });
      });
      Value isEmpty = r.either(r.le(h.to, h.from), r.le(w.to, w.from));
      r.store(s.select(isEmpty, r.cstF(0), largest[0]), y, {region, channel, at[0], at[1]});
    });
  });
  return success();
}

//===-- select_boxes --------------------------------------------------------------------------------------------===//

AffineMap SelectBoxesOp::tileCount() {
  return tileCountOf(*this, [&](auto &) { return getAffineConstantExpr(1, getContext()); });
}

namespace {

struct BoxSelection {
  RegionBuilder &r;
  bool centred;
  Value boxes, scores, kept, count, open; // memrefs
  Value overlap, least, limit;            // f32, f32, index
  Value batch, category;

  struct Extent {
    Value low, high;
  };
  // Along y (0) or x (1).
  Extent extent(Value box, int64_t dim) {
    ScalarBuilder &s = r.s;
    auto field = [&](int64_t k) { return r.load(boxes, {batch, box, r.cst(k)}); };
    if (!centred) {
      Value a = field(dim), b = field(dim + 2);
      return {s.min(a, b), s.max(a, b)};
    }
    Value middle = field(1 - dim), half = s.mul(field(3 - dim), r.cstF(0.5));
    return {s.sub(middle, half), s.add(middle, half)};
  }
  Value suppresses(Value a, Value b) {
    ScalarBuilder &s = r.s;
    Value zero = r.cstF(0), common, areaA, areaB, meet = s.boolean(true);
    for (int64_t dim = 0; dim < 2; ++dim) {
      Extent p = extent(a, dim), q = extent(b, dim);
      Value low = s.max(p.low, q.low), high = s.min(p.high, q.high);
      meet = s.andi(meet, s.lt(low, high));
      Value sizes[] = {s.sub(high, low), s.sub(p.high, p.low), s.sub(q.high, q.low)};
      common = common ? s.mul(common, sizes[0]) : sizes[0];
      areaA = areaA ? s.mul(areaA, sizes[1]) : sizes[1];
      areaB = areaB ? s.mul(areaB, sizes[2]) : sizes[2];
    }
    Value all = s.sub(s.add(areaA, areaB), common);
    Value real = s.andi(s.andi(s.gt(areaA, zero), s.gt(areaB, zero)), s.andi(s.gt(all, zero), s.gt(common, zero)));
    return s.andi(s.andi(meet, real), s.gt(s.div(common, all), overlap));
  }

  void setOpen(Value box, bool value) { r.store(arith::ConstantIntOp::create(r.b, r.loc, value, 8), open, box); }
  Value isOpen(Value box) {
    Value flag = r.load(open, box);
    return r.cmp(arith::CmpIPredicate::ne, flag, arith::ConstantIntOp::create(r.b, r.loc, 0, 8));
  }
  // The open box of the highest score, of equal ones the first; n when there is none.
  Value best(Value n) {
    ScalarBuilder &s = r.s;
    auto found = r.loop(r.cst(0), n, r.cst(1), {r.cstF(0), n}, [&](Value box, ValueRange have) {
      Value score = r.load(scores, {batch, category, box});
      Value better = r.both(isOpen(box), r.either(r.eq(have[1], n), s.gt(score, have[0])));
      return LoopBuilder::Values{s.select(better, score, have[0]), r.select(better, box, have[1])};
    });
    return found[1];
  }
  void keep(Value box) {
    Value row = r.toIndex(r.load(count, r.cst(0)));
    Value fields[] = {batch, category, box};
    for (int64_t k = 0; k < 3; ++k)
      r.store(r.toInt(fields[k], r.b.getI64Type()), kept, {row, r.cst(k)});
    r.store(r.toInt(r.add(row, r.cst(1)), r.b.getI64Type()), count, r.cst(0));
  }
  void run(Value n) {
    ScalarBuilder &s = r.s;
    r.loop(r.cst(0), n, [&](Value box) {
      Value above = s.gt(r.load(scores, {batch, category, box}), least);
      r.store(arith::ExtUIOp::create(r.b, r.loc, r.b.getI8Type(), above), open, box);
    });
    r.loop(r.cst(0), r.min(limit, n), [&](Value) {
      Value box = best(n);
      r.when(r.lt(box, n), [&] {
        keep(box);
        setOpen(box, false);
        r.loop(r.cst(0), n,
               [&](Value other) { r.when(r.both(isOpen(other), suppresses(other, box)), [&] { setOpen(other, false); }); });
      });
    });
  }
};

} // namespace

LogicalResult SelectBoxesOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  RegionBuilder r(b, getLoc(), b.getF32Type());
  Value boxes = buffers[0], scores = buffers[1], kept = buffers[5], count = buffers[6], open = buffers[7], first = r.cst(0);
  r.loop(begin, end, [&](Value) {
    Value nothing = arith::ConstantIntOp::create(b, getLoc(), 0, 64);
    r.store(nothing, count, first);
    r.nest({r.dim(kept, 0), r.cst(3)}, [&](llvm::ArrayRef<Value> at) { r.store(nothing, kept, at); });
    Value limit = r.toIndex(r.load(buffers[2], first)), overlap = r.load(buffers[3], first), least = r.load(buffers[4], first);
    r.nest({r.dim(scores, 0), r.dim(scores, 1)}, [&](llvm::ArrayRef<Value> at) {
      BoxSelection selection{r, getCenterPointBox(), boxes, scores, kept, count, open, overlap, least, limit, at[0], at[1]};
      selection.run(r.dim(boxes, 1));
    });
  });
  return success();
}
