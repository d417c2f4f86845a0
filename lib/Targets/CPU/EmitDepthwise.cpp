// laic.depthwise, plane by plane:
//
//   for images, channels, bands of rows:
//     S[row][phase][j] = A[row, j * stride + phase - pad], zeros outside of the image
//     for rows, vectors of columns: C = epilogue(sum over taps of W[tap] * S[row * stride + tap's row][tap's phase][column + tap's shift])
//
// A band has as many rows as keep S in the first-level cache, but at least four; lines are never cut. With columns sorted by their remainder modulo the stride, each tap is a load of
// neighbours, whatever the stride and dilation; a convolution of one dim is one of images of one row.
#include "KernelEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace laic::cpu {

class DepthwiseEmitter {
public:
  DepthwiseEmitter(KernelEmitter &e, DepthwiseOp op) : e(e), op(op) {}
  LogicalResult run();

private:
  static constexpr int64_t kScratchBytes = 24 << 10; // of S, beside which rows of C pass through the first-level cache
  static constexpr int64_t kLeastRows = 4;           // of a band, so that bands share little
  static constexpr int64_t kMostLanes = 16;          // of any level: S is laid out for them
  static constexpr int64_t kTogether = 4;            // rows of C that share the loads of weights, and of S
  static constexpr int64_t kDealt = 4;               // strides up to which vectors are dealt out to phases
  static constexpr int64_t kUnrolled = 64;           // taps up to which all are instructions

  /// A dim that the filter walks.
  struct Dim {
    int64_t taps = 1, stride = 1, dilation = 1, pad = 0;
    Size inputs = 1, outputs = 1;
    int64_t reach() const { return (taps - 1) * dilation; }
  };
  /// A band: rows [from, to) of C in one plane.
  struct Band {
    Value image, channel, from, to;
  };

  LogicalResult gather();
  void plan();
  void clear(Value from, Value elements);
  void emitBand(const Band &band);
  void fill(const Band &band);
  void copyRow(Value from, Value to);
  void copyInOrder(Value from, Value to, Value columns);
  void copyDealt(Value from, Value to, Value columns);
  void copyStrided(Value from, Value to, Value columns);
  void emitRows(const Band &band, ArrayRef<Value> weights);
  void emitVector(const Band &band, Value row, int64_t rows, Value column, Value mask, ArrayRef<Value> weights);
  SmallVector<Value> sumOfTaps(Value row, int64_t rows, Value column, const Band &band, ArrayRef<Value> weights);
  void finish(const Band &band, Value row, Value column, Value mask, Value sum);
  void storeSome(LaneValue value, SmallVector<Value> ivs, Value mask);

  /// Rows of the input that a band of so many rows of C reads.
  int64_t rowsOfS(int64_t rows) const { return (rows - 1) * vertical.stride + vertical.reach() + 1; }
  int64_t allTaps() const { return vertical.taps * horizontal.taps; }
  int64_t slotOf(int64_t phase) const { return llvm::find(phases, phase) - phases.begin(); }
  Value weight(const Band &band, Value tap);
  /// Where in S a column of the padded image lies that is j * stride + phase, in a row that starts at `row`.
  Value placeOf(Value row, int64_t phase, Value j) { return e.add(e.add(row, e.mul(pitch, slotOf(phase))), e.add(j, origin)); }

  KernelEmitter &e;
  DepthwiseOp op;
  Dim vertical, horizontal;
  Size images;
  int64_t channels = 0, lanes = 0;
  Buffer a, w, scratch;
  Access c;
  SmallVector<Access> extras;
  SmallVector<int64_t> phases; // of columns that some tap reads
  int64_t origin = 0;          // of each line of S, so that the image's first column is on a vector
  int64_t bandRows = 1;
  Value pitch, rowSize; // of a phase's line and of all of a row's lines in S
  bool broken = false;
};

} // namespace laic::cpu

LogicalResult DepthwiseEmitter::gather() {
  FailureOr<Buffer> bufferA = e.bufferOf(op.getA()), bufferW = e.bufferOf(op.getW());
  Buffer result = e.resultBuffer(cast<OpResult>(op.getC()));
  if (failed(bufferA) || failed(bufferW) || !result.memref)
    return e.fail("an operand of its laic.depthwise is neither an argument nor a constant");
  a = *bufferA;
  w = *bufferW;
  unsigned loops = result.sizes.size();
  channels = op.getC().getType().getDimSize(1);
  images = e.canonical(result.sizes[0]);
  for (Dim *dim : {&vertical, &horizontal}) {
    if (loops == 3 && dim == &vertical)
      continue;
    unsigned at = dim == &horizontal ? loops - 3 : 0;
    dim->taps = op.getTaps()[at];
    dim->stride = op.getStrides()[at];
    dim->dilation = op.getDilations()[at];
    dim->pad = op.getPads()[at];
    dim->inputs = e.canonical(a.sizes[2 + at]);
    dim->outputs = e.canonical(result.sizes[2 + at]);
  }
  FailureOr<Access> accessC = e.accessOf(op.getC(), e.b.getMultiDimIdentityMap(loops), loops);
  if (failed(accessC))
    return failure();
  c = *accessC;
  FailureOr<SmallVector<Access>> operands = e.epilogueOperands(op, op.getExtras(), op.getExtraMaps(), loops);
  if (failed(operands))
    return failure();
  extras = *operands;
  constexpr int64_t kElementBytes = 4;
  lanes = e.level.vectorBytes / kElementBytes;
  return success();
}

// Nothing that decides the number of tiles or bytes may depend on the level.
void DepthwiseEmitter::plan() {
  constexpr int64_t kColumns = 224; // of outputs, where unknown
  int64_t shift = horizontal.reach() / horizontal.stride;
  for (int64_t tap = 0; tap < horizontal.taps; ++tap)
    if (int64_t phase = tap * horizontal.dilation % horizontal.stride; !llvm::is_contained(phases, phase))
      phases.push_back(phase);
  int64_t before = horizontal.pad / horizontal.stride;
  origin = llvm::alignTo(before, kMostLanes) - before;
  // Vectors of columns may end behind the last one, and start behind the first that the last tap needs.
  int64_t beside = llvm::alignTo(origin + shift + 1, kMostLanes) + 2 * kMostLanes;
  int64_t linesOfRow = phases.size(), pitchOf = llvm::alignTo(horizontal.outputs.estimate(kColumns), kMostLanes) + beside;
  int64_t fit = kScratchBytes / (linesOfRow * pitchOf * 4) - vertical.reach() - 1;
  bandRows = std::max(kLeastRows, fit / vertical.stride + 1);
  if (vertical.outputs.isStatic()) {
    int64_t rows = std::max<int64_t>(1, vertical.outputs.factor), bands = llvm::divideCeil(rows, bandRows);
    bandRows = llvm::divideCeil(rows, bands);
  }
  AffineExpr line = e.expr(horizontal.outputs).ceilDiv(kMostLanes) * kMostLanes + beside;
  e.workspaceBytes = line * (linesOfRow * rowsOfS(bandRows) * 4);
  pitch = e.add(e.mul(e.ceilDiv(e.value(horizontal.outputs), kMostLanes), kMostLanes), beside);
  rowSize = e.mul(pitch, linesOfRow);
  scratch = e.makeBuffer(e.workspace, e.b.getF32Type(), {Size(1)});
}

/// Zeros in whole lines of S.
void DepthwiseEmitter::clear(Value from, Value elements) {
  Value zeros = e.zero(VectorType::get(lanes, e.b.getF32Type()));
  e.loop(e.index(0), elements, lanes, [&](Value at) { e.storeVector(zeros, scratch, e.add(from, at)); });
}

/// Columns [0, columns) of a row at `from`, without gaps.
void DepthwiseEmitter::copyInOrder(Value from, Value to, Value columns) {
  auto move = [&](Value column, Value mask) {
    Value x = e.loadVector(a, e.add(from, column), lanes, mask);
    e.storeVector(x, scratch, placeOf(to, 0, e.add(column, horizontal.pad)));
  };
  Value whole = e.mul(e.floorDiv(columns, lanes), lanes);
  e.loop(e.index(0), whole, lanes, [&](Value column) { move(column, nullptr); });
  e.when(e.less(whole, columns), [&] { move(whole, e.maskOf(e.sub(columns, whole), lanes)); });
}

/// Blocks of as many vectors as the stride, whose lanes are dealt out to phases.
void DepthwiseEmitter::copyDealt(Value from, Value to, Value columns) {
  int64_t stride = horizontal.stride, width = stride * lanes;
  auto move = [&](Value column, Value left) {
    SmallVector<Value> x;
    for (int64_t i = 0; i < stride; ++i)
      x.push_back(e.loadVector(a, e.add(from, e.add(column, i * lanes)), lanes,
                               left ? e.maskOf(e.sub(left, e.index(i * lanes)), lanes) : Value()));
    Value block = e.floorDiv(column, stride);
    for (int64_t first = 0; first < stride; ++first) {
      int64_t padded = horizontal.pad + first, phase = padded % stride;
      if (!llvm::is_contained(phases, phase))
        continue;
      // Lane l is element first + l * stride of the block: those of the next vector join those that are there.
      Value line = x[0];
      for (int64_t i = 1; i < stride; ++i) {
        SmallVector<int64_t> chosen;
        for (int64_t lane = 0; lane < lanes; ++lane) {
          int64_t element = first + lane * stride, there = i == 1 ? element : lane;
          chosen.push_back(element / lanes < i ? there : element / lanes == i ? lanes + element % lanes : 0);
        }
        line = vector::ShuffleOp::create(e.b, e.loc, line, x[i], chosen);
      }
      e.storeVector(line, scratch, placeOf(to, phase, e.add(block, padded / stride)));
    }
  };
  Value whole = e.mul(e.floorDiv(columns, width), width);
  e.loop(e.index(0), whole, width, [&](Value column) { move(column, nullptr); });
  e.when(e.less(whole, columns), [&] { move(whole, e.sub(columns, whole)); });
}

/// Element by element, phase by phase.
void DepthwiseEmitter::copyStrided(Value from, Value to, Value columns) {
  int64_t stride = horizontal.stride;
  for (int64_t phase : phases) {
    // Column j * stride + phase - pad, for all j that have one.
    int64_t before = horizontal.pad - phase;
    Value first = e.index(llvm::divideCeil(std::max<int64_t>(0, before), stride));
    Value room = arith::MaxSIOp::create(e.b, e.loc, e.add(columns, before), e.index(0)), stop = e.ceilDiv(room, stride);
    e.loop(first, stop, 1, [&](Value j) {
      Value column = e.add(e.mul(j, stride), phase - horizontal.pad);
      e.store(e.load(a, e.add(from, column)), scratch, placeOf(to, phase, j));
    });
  }
}

/// The columns of an input row that some output needs.
void DepthwiseEmitter::copyRow(Value from, Value to) {
  Value needed =
      e.add(e.mul(e.sub(e.value(horizontal.outputs), e.index(1)), horizontal.stride), horizontal.reach() + 1 - horizontal.pad);
  Value columns = arith::MaxSIOp::create(e.b, e.loc, e.minimum(e.value(horizontal.inputs), needed), e.index(0));
  if (horizontal.stride == 1)
    copyInOrder(from, to, columns);
  else if (horizontal.stride <= kDealt)
    copyDealt(from, to, columns);
  else
    copyStrided(from, to, columns);
}

/// S of a band.
void DepthwiseEmitter::fill(const Band &band) {
  Value plane = e.add(e.mul(band.image, channels), band.channel);
  Value first = e.add(e.mul(band.from, vertical.stride), -vertical.pad);
  Value rows = e.add(e.mul(e.sub(e.sub(band.to, band.from), e.index(1)), vertical.stride), vertical.reach() + 1);
  e.loop(e.index(0), rows, 1, [&](Value row) {
    Value y = e.add(first, row), to = e.mul(row, rowSize);
    // Unsigned: what is negative is large.
    Value inside = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, y, e.value(vertical.inputs));
    Value outside = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge, y, e.value(vertical.inputs));
    e.when(inside, [&] {
      Value line = e.add(e.mul(plane, e.value(vertical.inputs)), y);
      copyRow(e.mul(line, e.value(horizontal.inputs)), to);
    });
    e.when(outside, [&] { clear(to, rowSize); });
  });
}

Value DepthwiseEmitter::weight(const Band &band, Value tap) {
  Value panel = e.floorDiv(band.channel, kPanel), inside = e.sub(band.channel, e.mul(panel, kPanel));
  Value at = e.add(e.mul(e.add(e.mul(panel, allTaps()), tap), kPanel), inside);
  return e.splat(e.load(w, at), lanes);
}

/// Sums for `rows` rows of C from `row` on, tap by tap in order.
SmallVector<Value> DepthwiseEmitter::sumOfTaps(Value row, int64_t rows, Value column, const Band &band, ArrayRef<Value> weights) {
  SmallVector<Value> sums(rows, e.zero(VectorType::get(lanes, e.b.getF32Type())));
  Value first = e.mul(e.sub(row, band.from), vertical.stride);
  auto line = [&](Value tapRow, SmallVector<Value> sums, function_ref<Value(int64_t)> weightOf) {
    for (int64_t tap = 0; tap < horizontal.taps; ++tap) {
      int64_t offset = tap * horizontal.dilation, phase = offset % horizontal.stride;
      Value by = weightOf(tap);
      for (int64_t r = 0; r < rows; ++r) {
        Value from = e.mul(e.add(e.add(first, r * vertical.stride), e.mul(tapRow, vertical.dilation)), rowSize);
        Value x = e.loadVector(scratch, placeOf(from, phase, e.add(column, offset / horizontal.stride)), lanes);
        sums[r] = e.multiplyAdd(by, x, sums[r]);
      }
    }
    return sums;
  };
  if (!weights.empty()) {
    for (int64_t k = 0; k < vertical.taps; ++k)
      sums = line(e.index(k), sums, [&](int64_t tap) { return weights[k * horizontal.taps + tap]; });
    return sums;
  }
  return e.loop(e.index(0), e.index(vertical.taps), 1, sums, [&](Value k, ValueRange carried) {
    return line(k, llvm::to_vector(carried), [&](int64_t tap) { return weight(band, e.add(e.mul(k, horizontal.taps), tap)); });
  });
}

/// The lanes of a mask. Those of a fixed number are stored in pieces: masked stores are slow on some processors.
void DepthwiseEmitter::storeSome(LaneValue value, SmallVector<Value> ivs, Value mask) {
  int64_t left = horizontal.outputs.isStatic() ? horizontal.outputs.factor % lanes : 0, done = 0;
  if (left == 0)
    return e.storeLanes(value, c, ivs, lanes, mask);
  Value whole = e.asVector(value, lanes), column = ivs.back();
  for (int64_t width = lanes / 2; width > 0; width /= 2) {
    if (!(left & width))
      continue;
    Value piece = vector::ExtractStridedSliceOp::create(e.b, e.loc, whole, ArrayRef<int64_t>{done}, ArrayRef<int64_t>{width},
                                                        ArrayRef<int64_t>{1});
    ivs.back() = e.add(column, done);
    e.storeLanes(LaneValue::ofVector(piece), c, ivs, width, nullptr);
    done += width;
  }
}

void DepthwiseEmitter::finish(const Band &band, Value row, Value column, Value mask, Value sum) {
  SmallVector<Value> ivs = {band.image, band.channel, row, column};
  if (op.getC().getType().getRank() == 3)
    ivs.erase(ivs.begin() + 2);
  FailureOr<LaneValue> result = e.emitEpilogue(op.getEpilogue().front(), LaneValue::ofVector(sum), extras, ivs,
                                               /*vectorDim=*/int(ivs.size()) - 1, lanes, mask);
  broken |= failed(result);
  if (failed(result))
    return;
  if (mask)
    storeSome(*result, ivs, mask);
  else
    e.storeLanes(*result, c, ivs, lanes, nullptr);
}

void DepthwiseEmitter::emitVector(const Band &band, Value row, int64_t rows, Value column, Value mask, ArrayRef<Value> weights) {
  for (auto [r, sum] : llvm::enumerate(sumOfTaps(row, rows, column, band, weights)))
    finish(band, e.add(row, int64_t(r)), column, mask, sum);
}

void DepthwiseEmitter::emitRows(const Band &band, ArrayRef<Value> weights) {
  Value columns = e.value(horizontal.outputs), whole = e.mul(e.floorDiv(columns, lanes), lanes);
  auto some = [&](Value row, int64_t rows) {
    e.loop(e.index(0), whole, lanes, [&](Value column) { emitVector(band, row, rows, column, nullptr, weights); });
    e.when(e.less(whole, columns), [&] { emitVector(band, row, rows, whole, e.maskOf(e.sub(columns, whole), lanes), weights); });
  };
  Value together = e.add(band.from, e.mul(e.floorDiv(e.sub(band.to, band.from), kTogether), kTogether));
  e.loop(band.from, together, kTogether, [&](Value row) { some(row, kTogether); });
  e.loop(together, band.to, 1, [&](Value row) { some(row, 1); });
}

void DepthwiseEmitter::emitBand(const Band &band) {
  fill(band);
  SmallVector<Value> weights;
  if (allTaps() <= kUnrolled)
    for (int64_t tap = 0; tap < allTaps(); ++tap)
      weights.push_back(weight(band, e.index(tap)));
  emitRows(band, weights);
}

LogicalResult DepthwiseEmitter::run() {
  if (failed(gather()))
    return failure();
  plan();
  // What no row of an image is copied to stays zero.
  e.when(e.less(e.begin, e.end), [&] { clear(e.index(0), e.mul(rowSize, rowsOfS(bandRows))); });
  constexpr int64_t kTapsOfPass = 4; // that cost what a pass over memory does
  double unit = static_cast<double>(horizontal.outputs.estimate(64)) * (1 + static_cast<double>(allTaps()) / kTapsOfPass);
  SmallVector<TileDim> dims = e.planTiles({images, Size(channels), vertical.outputs}, unit, bandRows);
  e.tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    e.loop(lo[0], hi[0], 1, [&](Value image) {
      e.loop(lo[1], hi[1], 1, [&](Value channel) {
        e.loop(lo[2], hi[2], bandRows,
               [&](Value row) { emitBand({image, channel, row, e.minimum(e.add(row, bandRows), hi[2])}); });
      });
    });
  });
  return failure(broken);
}

LogicalResult KernelEmitter::emitDepthwise(DepthwiseOp op) { return DepthwiseEmitter(*this, op).run(); }
