// laic.block_product: integers of few bits become f32 in registers, next to the multiplication.
//
//   for a few rows:  a'[k] = A[k] / 2^s(k), and the sums of A for each block, go to the workspace
//     for panels of 32 columns, blocks:
//       sum = 0;  for words:  for k of the word:  sum[w] += broadcast(a'[k]) * f32(word[w] & mask(k))
//       C[w] += scale[w] * (sum[w] - z[w] * sum of A)
//
// An integer is masked where it stands in its word, s(k) bits from the right: f32 holds it exactly, and a' takes the power of two away
// again. That leaves three instructions for a vector of weights. One row (a decoder's step) is bound by reading the integers: it takes
// a whole panel at once, in the order of memory.
//
// Many rows (a prompt) share the work of unpacking: a part of a panel becomes f32 in the workspace, and all rows of a block walk over it.
// Where they may be rounded, rows become bytes: EmitRoundedRows.cpp.
#include "BlockProductEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

// So many bytes ahead of where it reads one row's step asks for integers and scales. Unpacking a panel fills the window in which a core sees
// reads to come, so that without this it waits for memory and then computes: tinyllama's step takes 71 ms without, 65, 57, 52, 51, 52 and 58
// with 1, 2, 3, 4, 6 and 8 KiB (one thread of a Zen 3 core; on two threads 46, and 34 with 4 KiB).
static constexpr int64_t kAhead = 4096;

LogicalResult BlockProductEmitter::gather() {
  auto read = [&](Value tensor, Buffer &buffer) {
    FailureOr<Buffer> found = e.bufferOf(tensor);
    if (succeeded(found))
      buffer = *found;
    return succeeded(found);
  };
  c = e.resultBuffer(cast<OpResult>(op.getC()));
  if (!read(op.getA(), a) || !read(op.getPacked(), packed) || !read(op.getScales(), scales) ||
      (op.getZeros() && !read(op.getZeros(), zeros)) || !c.memref)
    return e.fail("an operand is neither an argument nor a constant");
  m = e.canonical(c.sizes[0]);
  n = cast<RankedTensorType>(op.getC().getType()).getDimSize(1);
  k = cast<RankedTensorType>(op.getA().getType()).getDimSize(1);
  blocks = k / int64_t(op.getBlockSize());
  blockWords = int64_t(op.getBlockSize()) * bits / kWordBits;
  lanes = e.level.vectorBytes / 4;
  partBlocks = std::clamp<int64_t>(kPartDepth / int64_t(op.getBlockSize()), 1, blocks);
  return success();
}

// a' and the sums of one row, as number `number` of those at work.
void BlockProductEmitter::prepareRow(Value row, int64_t number) {
  int64_t blockSize = op.getBlockSize(), step = std::min(blockSize, std::max(lanes, perWord)), parts = step / lanes;
  auto type = VectorType::get(lanes, e.b.getF32Type());
  SmallVector<Value> powers; // of two, for `step` neighbouring k
  for (int64_t p = 0; p < parts; ++p) {
    SmallVector<float> values;
    for (int64_t lane = 0; lane < lanes; ++lane)
      values.push_back(std::ldexp(1.0f, -int(shiftOf((p * lanes + lane) % perWord))));
    powers.push_back(arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, ArrayRef<float>(values))));
  }
  Value from = e.mul(row, k);
  e.loop(e.index(0), e.index(blocks), 1, [&](Value block) {
    Value first = e.mul(block, blockSize);
    Value total = e.loop(e.index(0), e.index(blockSize), step, ValueRange{e.zero(type)}, [&](Value at, ValueRange carried) {
      Value sum = carried[0];
      for (int64_t p = 0; p < parts; ++p) {
        Value place = e.add(e.add(first, at), p * lanes), x = e.loadVector(a, e.add(from, place), lanes);
        sum = arith::AddFOp::create(e.b, e.loc, sum, x);
        e.storeVector(arith::MulFOp::create(e.b, e.loc, x, powers[p]), scaled, e.add(place, number * k));
      }
      return SmallVector<Value>{sum};
    })[0];
    e.store(e.sumOfLanes(total), sums, e.add(block, number * blocks));
  });
}

// The integers of one k for neighbouring columns, times a power of two.
Value BlockProductEmitter::unpack(Value words, int64_t part) {
  auto type = cast<VectorType>(words.getType());
  auto integer = [&](uint32_t value) {
    return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, llvm::APInt(32, value)));
  };
  if (part + 1 == perWord)
    words = arith::ShRUIOp::create(e.b, e.loc, words, integer(part * bits));
  else
    words = arith::AndIOp::create(e.b, e.loc, words, integer(((1u << bits) - 1) << (part * bits)));
  return arith::SIToFPOp::create(e.b, e.loc, VectorType::get(lanes, e.b.getF32Type()), words);
}

// The sums of A * q of one block: [row][vector].
SmallVector<Value> BlockProductEmitter::sumsOfBlock(int64_t count, Value panel, Value at, int64_t offset, int64_t width) {
  SmallVector<Value> start(count * width, e.zero(VectorType::get(lanes, e.b.getF32Type())));
  Value firstWord = e.mul(at, blockWords);
  return e.loop(e.index(0), e.index(blockWords), 1, start, [&](Value word, ValueRange carried) {
    SmallVector<Value> now = llvm::to_vector(carried), words;
    Value place = e.add(firstWord, word);
    if (readsInOrder(count, width)) {
      constexpr int64_t kBytes = kPanel * kWordBits / 8;
      Value here = e.mul(placeOf(panel, blocks * blockWords, place, offset), kWordBits / 8);
      e.prefetch(packed, e.add(here, kAhead), kBytes);
    }
    for (int64_t w = 0; w < width; ++w) {
      Value from = e.mul(placeOf(panel, blocks * blockWords, place, offset + w * lanes), kWordBits / 8);
      Value bytes = e.loadVector(packed, from, lanes * kWordBits / 8);
      words.push_back(vector::BitCastOp::create(e.b, e.loc, VectorType::get(lanes, e.b.getI32Type()), bytes));
    }
    for (int64_t part = 0; part < perWord; ++part) {
      SmallVector<Value> weights;
      for (int64_t w = 0; w < width; ++w)
        weights.push_back(unpack(words[w], part));
      for (int64_t r = 0; r < count; ++r) {
        Value left = e.splat(e.load(scaled, e.add(e.mul(place, perWord), r * k + part)), lanes);
        for (int64_t w = 0; w < width; ++w)
          now[r * width + w] = e.multiplyAdd(left, weights[w], now[r * width + w]);
      }
    }
    return now;
  });
}

void BlockProductEmitter::tile(int64_t count, Value row, Value panel, int64_t offset, int64_t width, int64_t columns) {
  Type f32 = e.b.getF32Type();
  SmallVector<Value> start(count * width, e.zero(VectorType::get(lanes, f32)));
  Value middle = constant(-float(1 << (bits - 1)));
  SmallVector<Value> results = e.loop(e.index(0), e.index(blocks), 1, start, [&](Value at, ValueRange carried) {
    if (readsInOrder(count, width))
      e.prefetch(scales, e.add(placeOf(panel, blocks, at, offset), kAhead / 4), kPanel);
    SmallVector<Value> now = sumsOfBlock(count, panel, at, offset, width), totals;
    for (int64_t r = 0; r < count; ++r)
      totals.push_back(e.splat(e.load(sums, e.add(at, r * blocks)), lanes));
    for (int64_t w = 0; w < width; ++w) {
      Value place = placeOf(panel, blocks, at, offset + w * lanes), centre = middle, scale = e.loadVector(scales, place, lanes);
      if (op.getZeros()) {
        Value extended =
            arith::ExtUIOp::create(e.b, e.loc, VectorType::get(lanes, e.b.getI32Type()), e.loadVector(zeros, place, lanes));
        centre = arith::NegFOp::create(e.b, e.loc,
                                       arith::SIToFPOp::create(e.b, e.loc, VectorType::get(lanes, f32), extended).getResult());
      }
      for (int64_t r = 0; r < count; ++r) {
        Value &sum = now[r * width + w];
        sum = e.multiplyAdd(e.multiplyAdd(centre, totals[r], sum), scale, carried[r * width + w]);
      }
    }
    return now;
  });
  store(results, count, row, e.add(e.mul(panel, kPanel), offset), columns - offset);
}

void BlockProductEmitter::store(ArrayRef<Value> results, int64_t count, Value row, Value column, int64_t columns) {
  int64_t width = results.size() / count;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t w = 0; w < width; ++w) {
      int64_t left = columns - w * lanes;
      Value at = e.add(e.add(e.mul(e.add(row, r), n), column), w * lanes), result = results[r * width + w];
      if (left >= lanes)
        e.storeVector(result, c, at);
      else if (left > 0 && e.level.masks)
        e.storeVector(result, c, at, e.maskOf(e.index(left), lanes));
      else
        for (int64_t lane = 0; lane < left; ++lane)
          e.store(vector::ExtractOp::create(e.b, e.loc, result, lane), c, e.add(at, lane));
    }
}

// `count` rows from `row` on, for the panels [lo, hi), in tiles `tileVectors` wide.
void BlockProductEmitter::rows(int64_t count, Value row, int64_t tileVectors, Value lo, Value hi) {
  for (int64_t r = 0; r < count; ++r)
    prepareRow(e.add(row, r), r);
  auto panel = [&](Value number, int64_t columns) {
    for (int64_t offset = 0; offset < columns; offset += tileVectors * lanes)
      tile(count, row, number, offset, tileVectors, columns);
  };
  int64_t panels = llvm::divideCeil(n, kPanel), rest = n % kPanel;
  Value full = rest ? e.minimum(hi, e.index(panels - 1)) : hi;
  e.loop(lo, full, 1, [&](Value number) { panel(number, kPanel); });
  if (rest)
    e.when(e.less(full, hi), [&] { panel(e.index(panels - 1), rest); });
}

// Tiles of `together` rows in [lo, hi), then smaller ones.
void BlockProductEmitter::rowsOf(Value lo, Value hi, int64_t together, function_ref<void(int64_t count, Value row)> body) {
  Value whole = e.add(lo, e.mul(e.floorDiv(e.sub(hi, lo), together), together));
  e.loop(lo, whole, together, [&](Value row) { body(together, row); });
  Value rest = e.sub(hi, whole), at = whole;
  for (int64_t count = llvm::bit_floor(uint64_t(together - 1)); count >= 1; count /= 2) {
    Value bit = arith::AndIOp::create(e.b, e.loc, rest, e.index(count));
    e.when(e.less(e.index(0), bit), [&] { body(count, at); });
    at = e.add(at, bit);
  }
}

// (q - z) * scale of `partBlocks` blocks of a panel, fewer at its end, in the order of k.
void BlockProductEmitter::unpackPart(Value panel, Value firstBlock) {
  Type f32 = e.b.getF32Type();
  Value end = e.minimum(e.add(firstBlock, partBlocks), e.index(blocks));
  e.loop(firstBlock, end, 1, [&](Value block) {
    e.loop(e.index(0), e.index(kPanel), lanes, [&](Value column) {
      Value place = e.add(placeOf(panel, blocks, block, 0), column), scale = e.loadVector(scales, place, lanes);
      Value centre = constant(float(1 << (bits - 1)));
      if (op.getZeros())
        centre = arith::SIToFPOp::create(
            e.b, e.loc, VectorType::get(lanes, f32),
            arith::ExtUIOp::create(e.b, e.loc, VectorType::get(lanes, e.b.getI32Type()), e.loadVector(zeros, place, lanes)));
      e.loop(e.index(0), e.index(blockWords), 1, [&](Value word) {
        Value from = e.add(placeOf(panel, blocks * blockWords, e.add(e.mul(block, blockWords), word), 0), column);
        Value bytes = e.loadVector(packed, e.mul(from, kWordBits / 8), lanes * kWordBits / 8);
        Value words = vector::BitCastOp::create(e.b, e.loc, VectorType::get(lanes, e.b.getI32Type()), bytes);
        Value depth = e.add(e.mul(e.sub(block, firstBlock), op.getBlockSize()), e.mul(word, perWord));
        for (int64_t part = 0; part < perWord; ++part) {
          Value power = constant(std::ldexp(1.0f, -int(shiftOf(part))));
          Value integer = arith::MulFOp::create(e.b, e.loc, unpack(words, part), power);
          Value weight = arith::MulFOp::create(e.b, e.loc, arith::SubFOp::create(e.b, e.loc, integer, centre), scale);
          e.storeVector(weight, unpacked, e.add(e.mul(e.add(depth, part), kPanel), column));
        }
      });
    });
  });
}

// Rows [row, row + count) of A, the first of them number `number` of the block, times the part of the panel that starts at `depth`.
void BlockProductEmitter::multiplyPart(int64_t count, Value row, Value number, Value depth) {
  int64_t width = std::min<int64_t>(kPanel / lanes, 2);
  constexpr int64_t kUnroll = 4; // blocks have 16 elements and more
  Value steps = e.minimum(e.sub(e.index(k), depth), e.index(partBlocks * int64_t(op.getBlockSize())));
  Value from = e.add(e.mul(row, k), depth);
  e.loop(e.index(0), e.index(kPanel), width * lanes, [&](Value column) {
    auto place = [&](int64_t i) { return e.add(e.mul(e.add(number, i / width), kPanel), e.add(column, i % width * lanes)); };
    SmallVector<Value> start;
    for (int64_t i = 0; i < count * width; ++i)
      start.push_back(e.loadVector(accumulators, place(i), lanes));
    SmallVector<Value> results = e.loop(e.index(0), steps, kUnroll, start, [&](Value step, ValueRange carried) {
      SmallVector<Value> now = llvm::to_vector(carried);
      for (int64_t u = 0; u < kUnroll; ++u) {
        Value at = e.add(step, u);
        SmallVector<Value> weights;
        for (int64_t w = 0; w < width; ++w)
          weights.push_back(e.loadVector(unpacked, e.add(e.add(e.mul(at, kPanel), column), w * lanes), lanes));
        for (int64_t r = 0; r < count; ++r) {
          Value left = e.splat(e.load(a, e.add(e.add(from, at), r * k)), lanes);
          for (int64_t w = 0; w < width; ++w)
            now[r * width + w] = e.multiplyAdd(left, weights[w], now[r * width + w]);
        }
      }
      return now;
    });
    for (auto [i, result] : llvm::enumerate(results))
      e.storeVector(result, accumulators, place(i));
  });
}

void BlockProductEmitter::clearSums(int64_t rows) {
  Value zero = e.zero(VectorType::get(lanes, e.b.getF32Type()));
  e.loop(e.index(0), e.index(rows * kPanel), lanes, [&](Value at) { e.storeVector(zero, accumulators, at); });
}

// Rows [first, end) of C for one panel, from what was accumulated.
void BlockProductEmitter::finish(Value panel, Value first, Value end) {
  auto write = [&](int64_t columns) {
    e.loop(first, end, 1, [&](Value row) {
      SmallVector<Value> line;
      for (int64_t at = 0; at < columns; at += lanes)
        line.push_back(e.loadVector(accumulators, e.add(e.mul(e.sub(row, first), kPanel), at), lanes));
      store(line, 1, row, e.mul(panel, kPanel), columns);
    });
  };
  int64_t panels = llvm::divideCeil(n, kPanel), rest = n % kPanel;
  if (rest == 0)
    return write(kPanel);
  e.when(e.less(panel, e.index(panels - 1)), [&] { write(kPanel); });
  Value last = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, panel, e.index(panels - 1));
  e.when(last, [&] { write(rest); });
}

void BlockProductEmitter::manyRows(Value lo, Value hi) {
  unpacked = behind(0, e.b.getF32Type());
  accumulators = behind(partElements(), e.b.getF32Type());
  e.loop(lo, hi, 1, [&](Value panel) {
    e.loop(e.index(0), e.value(m), kRowBlock, [&](Value first) {
      Value end = e.minimum(e.add(first, kRowBlock), e.value(m));
      clearSums(kRowBlock);
      e.loop(e.index(0), e.index(blocks), partBlocks, [&](Value block) {
        unpackPart(panel, block);
        rowsOf(first, end, together,
               [&](int64_t count, Value row) { multiplyPart(count, row, e.sub(row, first), e.mul(block, op.getBlockSize())); });
      });
      finish(panel, first, end);
    });
  });
}

void BlockProductEmitter::fewRows(Value all, Value lo, Value hi) {
  scaled = behind(0, e.b.getF32Type());
  sums = behind(kMostRows * k, e.b.getF32Type());
  Value done = e.index(0);
  if (!m.isStatic() || m.factor >= together) {
    done = e.mul(e.floorDiv(all, together), together);
    e.loop(e.index(0), done, together, [&](Value row) { rows(together, row, std::min<int64_t>(kPanel / lanes, 2), lo, hi); });
  }
  e.loop(done, all, 1, [&](Value row) { rows(1, row, kPanel / lanes, lo, hi); });
}

Buffer BlockProductEmitter::behind(int64_t elements, Type element) {
  Value pointer = LLVM::GEPOp::create(e.b, e.loc, e.workspace.getType(), e.b.getI8Type(), e.workspace,
                                      ArrayRef<LLVM::GEPArg>{int32_t(elements * 4)});
  return e.makeBuffer(pointer, element, {});
}

LogicalResult BlockProductEmitter::run() {
  if (failed(gather()))
    return failure();
  // Tiles of several rows are narrow, so that their sums stay in registers.
  together = e.level.registers == 32 ? kMostRows : e.level.fma ? 6 : 2;
  // The workspace has one size for all levels: that of the level with the most rows.
  int64_t needed = std::max(kMostRows * (k + blocks), partElements() + kRowBlock * kPanel);
  if (op.getRoundRows())
    needed = std::max(needed, roundedWorkspace());
  e.workspaceBytes = getAffineConstantExpr(needed * 4, e.context);

  constexpr int64_t kWork = 1 << 19; // multiply-adds of a tile of work, for each row
  TileDim dim{Size(int64_t(llvm::divideCeil(n, kPanel))), std::max<int64_t>(1, kWork / (k * kPanel))};
  e.tiles(dim, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    Value left = e.value(m); // rows that nothing has taken: all of them, or none
    bool done = false;
    auto take = [&](int64_t rows, function_ref<void()> body) {
      if (done || (m.isStatic() && m.factor < rows))
        return;
      done = m.isStatic();
      if (done)
        return body();
      Value many = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sge, left, e.index(rows));
      e.when(many, body);
      left = arith::SelectOp::create(e.b, e.loc, many, e.index(0), left);
    };
    if (rounds())
      take(BlockProductOp::kRoundedRows, [&] { roundedRows(lo[0], hi[0]); });
    take(kManyRows, [&] { manyRows(lo[0], hi[0]); });
    take(0, [&] { fewRows(left, lo[0], hi[0]); });
  });
  return success();
}

LogicalResult KernelEmitter::emitBlockProduct(BlockProductOp op) { return BlockProductEmitter(*this, op).run(); }
