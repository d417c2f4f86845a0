// laic.winograd in blocks of tiles:
//
//   for blocks of tiles, groups of panels:
//     V[xi][tile][c] = B^T d B   (once per block that a call works on; xi: a product of a tile)
//     for a few panels of 32 filters at a time:
//       for xi, panels: X[panel][xi][tile][f] = sum over c of V[xi][tile][c] * U[panel][xi][c][f], in register tiles as in laic.contract
//       for panels: C = epilogue(A^T X A), only what exists
//
// A convolution of one dim is one of images of one row; along dims of one tap nothing is transformed.
//
// Pixels outside the input are read from a line of zeros, so that the border needs no other code. Vectors have the native width, but
// blocks and groups are the same for all levels.
#include "KernelEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <set>

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace laic::cpu {

class WinogradEmitter {
public:
  WinogradEmitter(KernelEmitter &e, WinogradOp op) : e(e), op(op) {}
  LogicalResult run();

private:
  static constexpr int64_t kRows = 12, kMostTiles = 48; // tiles of a block: whole register tiles of 4, 6 and 12 rows
  static constexpr int64_t kBlockBytes = 300 << 10;     // of V, beside which U and X pass through the second-level cache
  static constexpr int64_t kTogether = 4;               // panels that V[xi] is read for at a time
  static constexpr int64_t kUnits = 16;                 // of work that a call should have at least
  static constexpr int64_t kFewTiles = 28;              // up to so many of an image are one block, so that U is read once
  static constexpr int64_t kFewestTiles = 6;            // fewer would not fill a register tile: several images are one block
  static constexpr int64_t kGap = 16; // elements between rows of V, so that they fall into different sets of the cache

  /// A dim that the filter walks.
  struct Dim {
    int64_t tile = 1, inputs = 1, pad = 0; // outputs and inputs of a tile
    Size outputs = 1;                      // of the image
    Value size, tiles;                     // of the input; of the outputs
  };
  /// A tile's place: its image and its first output.
  struct Place {
    Value image, y, x;
  };

  LogicalResult gather();
  void planBlocks();
  void emitBlocks();
  Place placeOf(Value number);
  void transformInputs(Value first, Value count);
  void transformInput(const Place &place, Value row);
  void planPrefetch();
  std::pair<Value, Value> next(Value panel, Value xi, Value lo, Value hi);
  void multiply(Value lo, Value hi, Value count);
  void registerTile(int64_t rows, Value v, Value u, Value x, Value ahead);
  void transformOutputs(Value lo, Value hi, Value first, Value count);
  void transformOutput(const Place &place, Value from, Value filter);
  void finish(const Place &place, Value filter, int64_t i, int64_t j, Value sum);
  SmallVector<Value> inputLine(const Dim &dim, ArrayRef<Value> d);
  SmallVector<Value> outputLine(const Dim &dim, ArrayRef<Value> x);
  std::set<int64_t> possibleRows() const;

  Value constant(double x);
  Value addV(Value x, Value y) { return arith::AddFOp::create(e.b, e.loc, x, y); }
  Value subV(Value x, Value y) { return arith::SubFOp::create(e.b, e.loc, x, y); }
  /// factor * x + y
  Value scaleAdd(double factor, Value x, Value y) { return e.multiplyAdd(constant(factor), x, y); }
  /// Where X of a panel begins, `lo` being the first one that is computed together with it.
  Value startOfX(Value panel, Value lo) { return e.mul(e.sub(panel, lo), products * block * kPanel); }
  Buffer at(const Buffer &buffer, Value element);
  Buffer workspaceAt(int64_t element);

  KernelEmitter &e;
  WinogradOp op;
  Dim vertical, horizontal;
  int64_t products = 1;
  int64_t channels = 0, panels = 0, lanes = 0, vectors = 2, maxRows = 6;
  Buffer a, u, zeros, v, x;
  Access c;
  SmallVector<Access> extras;
  Size images;
  std::optional<int64_t> tiles;      // as many as are cut into blocks of the same sizes, where known
  int64_t block = kRows, groups = 1; // tiles of a block, groups of panels
  int64_t together = 1;              // panels between two transforms of outputs
  int64_t aheadStep = 0;             // elements of the next U[panel][xi] that one channel of a register tile fetches; 0: none
  bool broken = false;
};

} // namespace laic::cpu

LogicalResult WinogradEmitter::gather() {
  FailureOr<Buffer> bufferA = e.bufferOf(op.getA()), bufferU = e.bufferOf(op.getU());
  Buffer result = e.resultBuffer(cast<OpResult>(op.getC()));
  if (failed(bufferA) || failed(bufferU) || !result.memref)
    return e.fail("an operand of its laic.winograd is neither an argument nor a constant");
  a = *bufferA;
  u = *bufferU;
  channels = op.getU().getType().getDimSize(2);
  panels = op.getU().getType().getDimSize(0);
  images = e.canonical(result.sizes[0]);
  vertical.size = e.index(1);
  unsigned loops = result.sizes.size();
  for (Dim *dim : {&vertical, &horizontal}) {
    if (loops == 3 && dim == &vertical)
      continue;
    unsigned at = dim == &horizontal ? loops - 3 : 0;
    dim->tile = op.getTiles()[at];
    dim->inputs = dim->tile + op.getTaps()[at] - 1;
    dim->pad = op.getPads()[at];
    dim->outputs = e.canonical(result.sizes[1 + at]);
    dim->size = e.value(a.sizes[1 + at]);
    products *= dim->inputs;
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
  maxRows = e.level.registers == 32 ? 12 : e.level.fma ? 6 : 4;
  return success();
}

// Nothing here may depend on the level.
void WinogradEmitter::planBlocks() {
  int64_t fit = kBlockBytes / (products * (channels + kGap) * 4);
  block = std::clamp<int64_t>(fit / kRows * kRows, kRows, kMostTiles);
  int64_t blocksAtLeast = kUnits; // images of unknown size are taken to be large, batches to be small
  if (vertical.outputs.isStatic() && horizontal.outputs.isStatic()) {
    int64_t perImage =
        llvm::divideCeil(vertical.outputs.factor, vertical.tile) * llvm::divideCeil(horizontal.outputs.factor, horizontal.tile);
    if (perImage >= kFewestTiles && perImage <= kFewTiles)
      block = perImage;
    if (perImage == block || images.isStatic())
      tiles = perImage * images.estimate(1); // blocks of as many as one image has do not depend on the number of images
    blocksAtLeast = std::max<int64_t>(1, llvm::divideCeil(perImage * images.estimate(1), block));
  }
  // Groups give threads work where blocks do not; each one costs a thread V.
  groups = std::min<int64_t>(panels, llvm::divideCeil(kUnits, blocksAtLeast));
  AffineExpr all =
      e.expr(images) * e.expr(vertical.outputs).ceilDiv(vertical.tile) * e.expr(horizontal.outputs).ceilDiv(horizontal.tile);
  e.tileCount = all.ceilDiv(block) * groups;
  int64_t vElements = products * block * (channels + kGap);
  if (vElements * 4 > kBlockBytes) // V would leave the second-level cache between two panels
    together = std::min<int64_t>(panels, kTogether);
  int64_t xElements = together * products * block * kPanel;
  e.workspaceBytes = getAffineConstantExpr((channels + vElements + xElements) * 4, e.context);
  zeros = workspaceAt(0);
  v = workspaceAt(channels);
  x = workspaceAt(channels + vElements);
}

Buffer WinogradEmitter::at(const Buffer &buffer, Value element) {
  Value offset = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), element);
  Value pointer =
      LLVM::GEPOp::create(e.b, e.loc, buffer.pointer.getType(), e.b.getF32Type(), buffer.pointer, ArrayRef<LLVM::GEPArg>{offset});
  return e.makeBuffer(pointer, e.b.getF32Type(), {Size(1)});
}

Buffer WinogradEmitter::workspaceAt(int64_t element) {
  Buffer all;
  all.pointer = e.workspace;
  return at(all, e.index(element));
}

Value WinogradEmitter::constant(double x) {
  auto type = VectorType::get(lanes, e.b.getF32Type());
  return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, float(x)));
}

static const double kA = std::sqrt(0.5), kB = std::sqrt(2.0); // interpolation points for six inputs

/// B^T d. Points of opposite sign share the even and the odd part.
SmallVector<Value> WinogradEmitter::inputLine(const Dim &dim, ArrayRef<Value> d) {
  if (dim.inputs == 1)
    return {d[0]};
  if (dim.inputs == 4)
    return {subV(d[0], d[2]), addV(d[1], d[2]), subV(d[2], d[1]), subV(d[3], d[1])};
  constexpr double kA2 = 0.5, kB2 = 2, kSum = kA2 + kB2; // their product is 1
  Value evenA = scaleAdd(-kB2, d[2], d[4]), oddA = scaleAdd(-kB2, d[1], d[3]);
  Value evenB = scaleAdd(-kA2, d[2], d[4]), oddB = scaleAdd(-kA2, d[1], d[3]);
  return {addV(d[0], scaleAdd(-kSum, d[2], d[4])),
          scaleAdd(kA, oddA, evenA),
          scaleAdd(-kA, oddA, evenA),
          scaleAdd(kB, oddB, evenB),
          scaleAdd(-kB, oddB, evenB),
          addV(d[1], scaleAdd(-kSum, d[3], d[5]))};
}

/// A^T x.
SmallVector<Value> WinogradEmitter::outputLine(const Dim &dim, ArrayRef<Value> x) {
  if (dim.inputs == 1)
    return {x[0]};
  Value sumA = addV(x[1], x[2]), differenceA = subV(x[1], x[2]);
  if (dim.inputs == 4)
    return {addV(x[0], sumA), addV(differenceA, x[3])};
  Value sumB = addV(x[3], x[4]), differenceB = subV(x[3], x[4]);
  auto scale = [&](double factor, Value y) { return arith::MulFOp::create(e.b, e.loc, constant(factor), y).getResult(); };
  if (dim.tile == 2)
    return {addV(addV(x[0], sumA), sumB), scaleAdd(kA, differenceA, scaleAdd(kB, differenceB, x[5]))};
  return {addV(addV(x[0], sumA), sumB), scaleAdd(kA, differenceA, scale(kB, differenceB)),
          scaleAdd(kA * kA, sumA, scale(kB * kB, sumB)),
          scaleAdd(kA * kA * kA, differenceA, scaleAdd(kB * kB * kB, differenceB, x[5]))};
}

WinogradEmitter::Place WinogradEmitter::placeOf(Value number) {
  auto divide = [&](Value n, Value by) -> std::pair<Value, Value> {
    return {arith::DivUIOp::create(e.b, e.loc, n, by), arith::RemUIOp::create(e.b, e.loc, n, by)};
  };
  auto [rest, column] = divide(number, horizontal.tiles);
  auto [image, row] = divide(rest, vertical.tiles);
  return {image, e.mul(row, vertical.tile), e.mul(column, horizontal.tile)};
}

void WinogradEmitter::transformInput(const Place &place, Value row) {
  auto below = [&](Value i, Value size) -> Value { // unsigned: what is negative is large
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, i, size);
  };
  SmallVector<Value> places, inside;
  for (int64_t j = 0; j < horizontal.inputs; ++j) {
    places.push_back(e.add(place.x, j - horizontal.pad));
    inside.push_back(below(places.back(), horizontal.size));
  }
  SmallVector<Buffer> pixels;
  for (int64_t i = 0; i < vertical.inputs; ++i) {
    Value y = e.add(place.y, i - vertical.pad), lineInside = below(y, vertical.size);
    Value line = e.mul(e.add(e.mul(place.image, vertical.size), y), horizontal.size);
    for (int64_t j = 0; j < horizontal.inputs; ++j) {
      Buffer pixel = at(a, e.mul(e.add(line, places[j]), channels));
      Value exists = arith::AndIOp::create(e.b, e.loc, lineInside, inside[j]);
      Value pointer = LLVM::SelectOp::create(e.b, e.loc, exists, pixel.pointer, zeros.pointer);
      pixels.push_back(e.makeBuffer(pointer, e.b.getF32Type(), {Size(1)}));
    }
  }
  Value start = e.mul(row, channels + kGap);
  e.loop(e.index(0), e.index(channels), lanes, [&](Value channel) {
    SmallVector<Value> half(products);
    for (int64_t j = 0; j < horizontal.inputs; ++j) {
      SmallVector<Value> d;
      for (int64_t i = 0; i < vertical.inputs; ++i)
        d.push_back(e.loadVector(pixels[i * horizontal.inputs + j], channel, lanes));
      for (auto [i, value] : llvm::enumerate(inputLine(vertical, d)))
        half[i * horizontal.inputs + j] = value;
    }
    Value to = e.add(start, channel);
    for (int64_t i = 0; i < vertical.inputs; ++i)
      for (auto [j, value] :
           llvm::enumerate(inputLine(horizontal, ArrayRef(half).slice(i * horizontal.inputs, horizontal.inputs))))
        e.storeVector(value, v, e.add(to, (i * horizontal.inputs + j) * block * (channels + kGap)), nullptr);
  });
}

void WinogradEmitter::transformInputs(Value first, Value count) {
  e.loop(e.index(0), count, 1, [&](Value row) { transformInput(placeOf(e.add(first, row)), row); });
}

// acc[r][w] += broadcast(V[r, c]) * U[c, w] over all channels.
void WinogradEmitter::registerTile(int64_t rows, Value fromV, Value fromU, Value toX, Value ahead) {
  auto type = VectorType::get(lanes, e.b.getF32Type());
  SmallVector<Value> sums(rows * vectors, e.zero(type));
  // The transform of X adds up what these sums round off, so that their pieces are shorter than elsewhere.
  constexpr int64_t kUnroll = 4, kPiece = KernelEmitter::kPiece / 4;
  auto walk = [&](Value first, Value stop, ValueRange carried) {
    return e.loop(first, stop, kUnroll, carried, [&](Value channel, ValueRange carried) {
      SmallVector<Value> now = llvm::to_vector(carried);
      Value vAt = e.add(fromV, channel), uAt = e.add(fromU, e.mul(channel, kPanel));
      if (ahead)
        e.prefetch(u, e.add(ahead, e.mul(channel, aheadStep)), kUnroll * aheadStep);
      for (int64_t k = 0; k < kUnroll; ++k) {
        SmallVector<Value> right;
        for (int64_t w = 0; w < vectors; ++w)
          right.push_back(e.loadVector(u, e.add(uAt, k * kPanel + w * lanes), lanes));
        for (int64_t r = 0; r < rows; ++r) {
          Value left = e.splat(e.load(v, e.add(vAt, r * (channels + kGap) + k)), lanes);
          for (int64_t w = 0; w < vectors; ++w)
            now[r * vectors + w] = e.multiplyAdd(left, right[w], now[r * vectors + w]);
        }
      }
      return now;
    });
  };
  int64_t pieces = llvm::divideCeil(channels, kPiece), length = llvm::alignTo(llvm::divideCeil(channels, pieces), kUnroll);
  if (pieces > 1)
    sums = e.loop(e.index(0), e.index(channels), length, sums, [&](Value first, ValueRange carried) {
      Value stop = e.minimum(e.add(first, length), e.index(channels));
      return e.addPiece(carried, [&](ValueRange zeros) { return walk(first, stop, zeros); });
    });
  else
    sums = walk(e.index(0), e.index(channels), sums);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t w = 0; w < vectors; ++w)
      e.storeVector(sums[r * vectors + w], x, e.add(toX, r * kPanel + w * lanes));
}

/// How many rows the register tiles of a block may have: blocks and tiles are cut evenly.
std::set<int64_t> WinogradEmitter::possibleRows() const {
  std::set<int64_t> counts, rows;
  if (tiles) {
    int64_t cut = std::max<int64_t>(1, llvm::divideCeil(*tiles, block));
    counts = {*tiles / cut, int64_t(llvm::divideCeil(*tiles, cut))};
  } else {
    for (int64_t count = 1; count <= block; ++count)
      counts.insert(count);
  }
  for (int64_t count : counts) {
    if (count == 0)
      continue;
    int64_t parts = llvm::divideCeil(count, maxRows);
    rows.insert({count / parts, int64_t(llvm::divideCeil(count, parts))});
  }
  return rows;
}

// U passes by once per block of tiles: while one part is multiplied, the next one comes nearer.
void WinogradEmitter::planPrefetch() {
  constexpr int64_t kNear = 256 << 10; // bytes of U that are near anyway
  if (panels * products * channels * kPanel * 4 <= kNear)
    return;
  int64_t count = tiles ? *tiles / std::max<int64_t>(1, llvm::divideCeil(*tiles, block)) : block;
  int64_t passes = std::max<int64_t>(1, llvm::divideCeil(count, maxRows)) * (kPanel / (lanes * vectors));
  aheadStep = llvm::divideCeil(kPanel, passes);
}

// The panel and the product that follow panel `panel` and product `xi` when panels [lo, hi) are multiplied.
std::pair<Value, Value> WinogradEmitter::next(Value panel, Value xi, Value lo, Value hi) {
  auto equal = [&](Value x, Value y) -> Value { return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, x, y); };
  auto choose = [&](Value c, Value x, Value y) -> Value { return arith::SelectOp::create(e.b, e.loc, c, x, y); };
  Value nextPanel = e.add(panel, 1), nextXi = e.add(xi, 1);
  Value lastPanel = equal(nextPanel, hi), lastXi = equal(nextXi, e.index(products));
  return {choose(lastPanel, choose(lastXi, hi, lo), nextPanel), choose(lastPanel, choose(lastXi, e.index(0), nextXi), xi)};
}

// X of the panels in [lo, hi): their products with V[xi] follow each other, while V[xi] is in the first-level cache.
void WinogradEmitter::multiply(Value lo, Value hi, Value count) {
  Value parts = e.ceilDiv(count, maxRows);
  std::set<int64_t> possible = possibleRows();
  auto cut = [&](Value part) -> Value { return arith::DivUIOp::create(e.b, e.loc, e.mul(count, part), parts); };
  e.loop(e.index(0), e.index(products), 1, [&](Value xi) {
    e.loop(lo, hi, 1, [&](Value panel) {
      Value uStart = e.mul(e.add(e.mul(panel, products), xi), channels * kPanel);
      Value ahead;
      if (aheadStep) {
        auto [nextPanel, nextXi] = next(panel, xi, lo, hi);
        ahead = e.mul(e.add(e.mul(nextPanel, products), nextXi), channels * kPanel);
      }
      Value vStart = e.mul(xi, block), xStart = e.add(startOfX(panel, lo), e.mul(vStart, kPanel));
      e.loop(e.index(0), e.index(kPanel), lanes * vectors, [&](Value column) {
        e.loop(e.index(0), parts, 1, [&](Value part) {
          Value from = cut(part), rows = e.sub(cut(e.add(part, 1)), from);
          Value fromV = e.mul(e.add(vStart, from), channels + kGap), fromU = e.add(uStart, column);
          Value toX = e.add(e.add(xStart, e.mul(from, kPanel)), column);
          Value fetched = ahead;
          if (ahead) {
            Value pass = e.add(e.mul(e.floorDiv(column, lanes * vectors), parts), part);
            fetched = e.add(ahead, e.mul(pass, channels * aheadStep));
          }
          for (int64_t now : possible) {
            Value is = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, rows, e.index(now));
            e.when(is, [&] { registerTile(now, fromV, fromU, toX, fetched); });
          }
        });
      });
    });
  });
}

void WinogradEmitter::finish(const Place &place, Value filter, int64_t i, int64_t j, Value sum) {
  SmallVector<Value> ivs = {place.image, e.add(place.y, i), e.add(place.x, j), filter};
  if (op.getC().getType().getRank() == 3)
    ivs.erase(ivs.begin() + 1);
  FailureOr<LaneValue> result = e.emitEpilogue(op.getEpilogue().front(), LaneValue::ofVector(sum), extras, ivs,
                                               /*vectorDim=*/int(ivs.size()) - 1, lanes, nullptr);
  broken |= failed(result);
  if (succeeded(result))
    e.storeLanes(*result, c, ivs, lanes, nullptr);
}

void WinogradEmitter::transformOutput(const Place &place, Value from, Value filter) {
  SmallVector<Value> half(vertical.tile * horizontal.inputs);
  for (int64_t j = 0; j < horizontal.inputs; ++j) {
    SmallVector<Value> line;
    for (int64_t i = 0; i < vertical.inputs; ++i)
      line.push_back(e.loadVector(x, e.add(from, (i * horizontal.inputs + j) * block * kPanel), lanes));
    for (auto [i, value] : llvm::enumerate(outputLine(vertical, line)))
      half[i * horizontal.inputs + j] = value;
  }
  // The first output of a tile always exists; others do unless the tile reaches beyond the border.
  auto whenExists = [&](const Dim &dim, Value start, int64_t offset, function_ref<void()> body) {
    if (offset == 0 || (dim.outputs.isStatic() && dim.outputs.factor % dim.tile == 0))
      return body();
    e.when(e.less(e.add(start, offset), e.value(dim.outputs)), body);
  };
  for (int64_t i = 0; i < vertical.tile; ++i)
    whenExists(vertical, place.y, i, [&] {
      SmallVector<Value> line = outputLine(horizontal, ArrayRef(half).slice(i * horizontal.inputs, horizontal.inputs));
      for (int64_t j = 0; j < horizontal.tile; ++j)
        whenExists(horizontal, place.x, j, [&] { finish(place, filter, i, j, line[j]); });
    });
}

void WinogradEmitter::transformOutputs(Value lo, Value hi, Value first, Value count) {
  e.loop(lo, hi, 1, [&](Value panel) {
    Value start = startOfX(panel, lo);
    e.loop(e.index(0), count, 1, [&](Value row) {
      Place place = placeOf(e.add(first, row));
      Value from = e.add(start, e.mul(row, kPanel));
      e.loop(e.index(0), e.index(kPanel), lanes,
             [&](Value column) { transformOutput(place, e.add(from, column), e.add(e.mul(panel, kPanel), column)); });
    });
  });
}

void WinogradEmitter::emitBlocks() {
  e.loop(e.index(0), e.index(channels), lanes, [&](Value channel) { e.storeVector(constant(0), zeros, channel); });
  for (Dim *dim : {&vertical, &horizontal})
    dim->tiles = e.ceilDiv(e.value(dim->outputs), dim->tile);
  Value all = e.mul(e.value(images), e.mul(vertical.tiles, horizontal.tiles)), blocks = e.ceilDiv(all, block);
  auto cut = [&](Value n, Value part, Value parts) -> Value { return arith::DivUIOp::create(e.b, e.loc, e.mul(n, part), parts); };
  // Units are numbered by block, then by group: V is made once for all groups of a block that this call has.
  e.loop(e.floorDiv(e.begin, groups), e.ceilDiv(e.end, groups), 1, [&](Value here) {
    Value unit = e.mul(here, groups);
    Value firstGroup = arith::MaxSIOp::create(e.b, e.loc, e.sub(e.begin, unit), e.index(0));
    Value lastGroup = e.minimum(e.sub(e.end, unit), e.index(groups));
    Value first = cut(all, here, blocks), count = e.sub(cut(all, e.add(here, 1), blocks), first);
    transformInputs(first, count);
    Value lo = cut(e.index(panels), firstGroup, e.index(groups)), hi = cut(e.index(panels), lastGroup, e.index(groups));
    e.loop(lo, hi, together, [&](Value from) {
      Value to = e.minimum(e.add(from, together), hi);
      multiply(from, to, count);
      transformOutputs(from, to, first, count);
    });
  });
}

LogicalResult WinogradEmitter::run() {
  if (failed(gather()))
    return failure();
  planBlocks();
  planPrefetch();
  emitBlocks();
  return failure(broken);
}

LogicalResult KernelEmitter::emitWinograd(WinogradOp op) { return WinogradEmitter(*this, op).run(); }
