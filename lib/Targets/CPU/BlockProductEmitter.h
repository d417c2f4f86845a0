// laic.block_product: what its files share.
#ifndef LAIC_LIB_TARGETS_CPU_BLOCKPRODUCTEMITTER_H
#define LAIC_LIB_TARGETS_CPU_BLOCKPRODUCTEMITTER_H

#include "KernelEmitter.h"

namespace laic::cpu {

class BlockProductEmitter {
public:
  BlockProductEmitter(KernelEmitter &e, BlockProductOp op) : e(e), op(op), bits(op.getBits()), perWord(kWordBits / bits) {}
  LogicalResult run();

private:
  static constexpr int64_t kWordBits = 32;
  static constexpr int64_t kManyRows = 24;   // from here on unpacking to the workspace costs less than unpacking for every tile
  static constexpr int64_t kPartDepth = 256; // of a panel that is unpacked at a time
  static constexpr int64_t kMostRows = 8;    // of a tile
  static constexpr int64_t kRowBlock = 120;  // rows that share what was unpacked
  static constexpr int64_t kRoundedRowBlock = 128;

  LogicalResult gather();
  void prepareRow(Value row, int64_t number);
  void rows(int64_t count, Value row, int64_t tileVectors, Value lo, Value hi);
  void tile(int64_t count, Value row, Value panel, int64_t offset, int64_t width, int64_t columns);
  /// One row takes whole panels, so that it reads integers and scales in the order of memory.
  bool readsInOrder(int64_t count, int64_t width) const { return count == 1 && width * lanes == kPanel; }
  SmallVector<Value> sumsOfBlock(int64_t count, Value panel, Value at, int64_t offset, int64_t width);
  Value unpack(Value words, int64_t part);
  void store(ArrayRef<Value> sums, int64_t count, Value row, Value column, int64_t columns);
  void fewRows(Value all, Value lo, Value hi);
  int64_t partElements() { return partBlocks * int64_t(op.getBlockSize()) * kPanel; }
  /// A part of the workspace, which starts `elements` of 4 bytes behind its start.
  Buffer behind(int64_t elements, mlir::Type element);
  void manyRows(Value lo, Value hi);
  void clearSums(int64_t rows);
  void finish(Value panel, Value first, Value end);
  void unpackPart(Value panel, Value firstBlock);
  void multiplyPart(int64_t count, Value row, Value number, Value depth);
  void rowsOf(Value lo, Value hi, int64_t together, function_ref<void(int64_t count, Value row)> body);

  // ---- EmitRoundedRows.cpp: rows of bytes ----
  bool rounds();
  int64_t roundedWorkspace();
  void roundedRows(Value lo, Value hi);
  Value splat(mlir::VectorType type, mlir::TypedAttr value);
  Value number(float value);
  void roundPart(Value row, Value part, Value slot);
  void scaleBlock(Value from, Value slot);
  void roundBlock(Value from, Value slot);
  /// Where the part that starts at block `part` of row `number` lies, counted in blocks: [part][row][block].
  Value slotOf(Value part, Value number) { return e.add(e.mul(part, kRoundedRowBlock), e.mul(number, partBlocks)); }
  void unpackGroups(Value panel, Value firstBlock);
  void multiplyGroups(int64_t count, Value number, Value panel, Value firstBlock);
  void addGroup(int64_t count, int64_t width, Value left, Value right, mlir::MutableArrayRef<Value> sums);
  SmallVector<Value> sumsOfGroups(int64_t count, Value left, Value right, int64_t width);

  Value constant(float value) { return e.splat(mlir::arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(value)), lanes); }
  /// Bits to the right of an integer in its word; the last one is shifted down, for its word may be negative.
  int64_t shiftOf(int64_t part) const { return part + 1 == perWord ? 0 : part * bits; }
  /// The position in a tensor [panel][at][32].
  Value placeOf(Value panel, int64_t rows, Value at, int64_t offset) {
    return e.add(e.mul(e.add(e.mul(panel, rows), at), kPanel), offset);
  }

  KernelEmitter &e;
  BlockProductOp op;
  int64_t bits, perWord;
  Buffer a, packed, scales, zeros, c;
  Buffer scaled, sums;                // of the rows at work: [row][k] and [row][block]
  Buffer unpacked, accumulators;      // of many rows: a part of a panel [k][32], and its products with them [row][32]
  Buffer rounded, rowScales, rowSums; // of rows of bytes: groups; what each block is multiplied by; what it adds
  int64_t together = 0, partBlocks = 0;
  Size m;
  int64_t n = 0, k = 0, blocks = 0, blockWords = 0, lanes = 0;
};

} // namespace laic::cpu
#endif
