// laic.contract as a register tile: what its files share.
#ifndef LAIC_LIB_TARGETS_CPU_CONTRACTEMITTER_H
#define LAIC_LIB_TARGETS_CPU_CONTRACTEMITTER_H

#include "KernelEmitter.h"

namespace laic::cpu {

class ContractEmitter {
public:
  ContractEmitter(KernelEmitter &e, ContractOp op) : e(e), op(op) {}
  LogicalResult run();

private:
  static constexpr int64_t kRowBlock = 120;    // rows of A that stay in the second-level cache
  static constexpr int64_t kRowUnit = 24;      // whole tiles of 4, 6 and 8 rows, whichever the level takes
  static constexpr int64_t kGroup = 4;         // bytes of a laic.contract's group that there is code for
  static constexpr int64_t kPair = 2;          // bf16 of such a group
  static constexpr int64_t kMostRows = 8;      // of a tile
  static constexpr int64_t kTiledRows = 32;    // of two tiles of the level, one below the other
  static constexpr int64_t kTileConfig = 16;   // words that describe the level's tiles
  static constexpr int64_t kOneRowVectors = 8; // sums under way hide what one multiply-add takes

  /// A part of a panel: `columns` of them count (-1: all `lanes * vectors`), starting at `offset`; `left` where unknown.
  struct Part {
    int64_t offset = 0, lanes = 0, vectors = 0, columns = -1;
    Value left;
    int64_t panels = 1; // neighbouring panels that the tile spans
    Value shift;        // columns to add to `offset`, where a loop walks the parts of a panel
  };
  struct Loop {
    Size size;
    Linear b;
    unsigned access;    // position in the coefficients of A, C and the extras
    int64_t shared = 1; // neighbours that read the same of B
  };

  LogicalResult gather();
  LogicalResult readSource(PanelsOp panels, ArrayRef<int64_t> batch);
  Value batchOfB(unsigned loop, Value iv);
  LogicalResult dots();
  void dotsOf(Value from, Value to);
  void simplify();
  bool smooth(const Linear &outer, const Linear &inner, const Size &count) const;
  bool smoothInC(unsigned x, unsigned y) const;
  bool mergeable(unsigned x, unsigned y) const;
  void joinRows();
  void eraseLoop(unsigned d);
  void chooseTile();
  LogicalResult planGroupRows();
  void planTiles();
  void planDepth();
  bool rowsWalkPanels() const;
  void planPrefetch();
  int64_t rowsOfBlock() const;
  int64_t knownRowsOfBlock() const;
  int64_t stepsInside(unsigned loop) const;
  void nest(unsigned at, ArrayRef<Value> lo, ArrayRef<Value> hi);
  void branchOnRows(function_ref<void()> single, function_ref<void()> body);
  void tilesOfWork();
  void takeOneRow();
  void panels(Value lo, Value hi, function_ref<void(Value panel, const Part &part)> body);
  void parts(Value panel, int64_t columns, function_ref<void(Value, const Part &)> body);
  void cut(Value panel, int64_t columns, function_ref<void(Value, const Part &)> body);
  void rows(Value lo, Value hi, Value panel, const Part &part);
  void tile(int64_t count, Value row, Value panel, const Part &part);
  void fillGroupRows(Value count, Value row);
  void fillGroups(Value from, Value to, int64_t width);
  void sumUp(int64_t count, Value row, Value panel, const Part &part);
  Value startInB(Value panel, int64_t offset);
  bool isWorthTiles() const;
  void rowsOnTiles(Value from, Value to, Value firstPanel, Value lastPanel);
  void productOnTiles(Value count, Value row, Value panel, const Part &part);
  void sumOnTiles(int64_t rowTiles, Value columns);
  void describeTiles(int64_t groups);
  int64_t placeOfDescription(int64_t groups) const;
  void configureTiles(int64_t groups);
  Value pointerTo(Value base, Value elements, int64_t bytes);
  void callTiles(llvm::StringRef name, ArrayRef<int64_t> tiles, ArrayRef<Value> place = {});
  SmallVector<Value> reduceInPieces(unsigned at, int64_t count, const Part &part, Value aBase, Value bBase, ValueRange totals);
  SmallVector<Value> reduce(unsigned at, int64_t count, const Part &part, Value aBase, Value bBase, ValueRange accumulators);
  void step(int64_t count, const Part &part, Value a, Value b, llvm::MutableArrayRef<Value> accumulators);
  void byteStep(int64_t count, const Part &part, Value a, Value b, llvm::MutableArrayRef<Value> accumulators);
  void brainStep(int64_t count, const Part &part, Value a, Value b, llvm::MutableArrayRef<Value> accumulators);
  SmallVector<Value> loadGroups(const Part &part, Value b);
  SmallVector<Value, 2> factors(Value groups, bool isUnsigned);
  SmallVector<Value, 2> brains(Value pairs);
  Value stepOfA(unsigned loop) { return copiesRows() ? e.index(groupSteps[loop - parallel]) : e.value(a.coefficients[loop]); }
  Value startOfRow(Value row, Value column);
  void placeRows(int64_t count, Value row);
  /// The rows of a tile are brought into another form before they meet the columns of a panel: bytes are widened where there are no
  /// dot products of them, f32 become bf16 where there are, and for tiles each row becomes one run of groups as they are.
  bool copiesRows() const { return group != 1 && (onTiles() || dotProducts != integer); }
  /// Are rows multiplied by the level's tiles? A single one is not.
  bool onTiles() const { return hasTiles && !oneRow; }
  int64_t pitchOfRows() const { return onTiles() ? tilePitch : rowPitch; }
  /// Do the dot products take A's bytes as unsigned ones?
  bool dotsUnsigned() { return op.getUnsignedA() ? e.level.dotsUnsignedSigned : !e.level.dotsSigned; }
  /// Bytes of A change their sign for dot products; one more sum per vector of columns says what that adds to every row's.
  bool corrects() { return integer && dotProducts && op.getUnsignedA() != dotsUnsigned(); }
  Value widen(Value v, bool isUnsigned);
  void finish(int64_t count, Value row, Value panel, const Part &part, ArrayRef<Value> accumulators);
  LaneValue epilogue(LaneValue accumulator, ArrayRef<Value> at, int64_t lanes, Value mask);
  void finishByElement(int64_t count, Value row, Value column, const Part &part, ArrayRef<Value> accumulators);
  SmallVector<Value> positions(Value row, Value column) const;
  Value baseOf(const Access &access, Value row, Value column);

  KernelEmitter &e;
  ContractOp op;
  Access a, c;
  SmallVector<Access> extras;
  Buffer b;
  Linear panelStride;
  Value bStart;            // set where the rows of a laic.rows choose the batch
  Size panelTotal;         // as B says
  SmallVector<Loop> loops; // parallel ones (n last), then reductions
  unsigned parallel = 0;
  int rowLoop = -1; // index of m in loops
  // Rows that are two loops of A, which does not lie as one: row r starts at r / rowLength * lineStep + r % rowLength * step of A.
  int64_t rowLength = 0; // 0: rows are one loop
  Linear lineStep;
  SmallVector<Value> rowOffsets; // of a tile's rows in A, from the first one
  Size n;
  mlir::Type accumulatorType;
  bool depthwise = false, integer = false;
  int64_t group = 1;        // neighbours along the last reduction that lie together
  bool dotProducts = false; // the level has an instruction that multiplies groups and adds them up
  bool hasTiles = false;    // and one for tiles of them, for which the product is large enough
  Buffer
      groupRows; // of a tile: pairs of bf16, or the even bytes of all groups, then the odd ones, as pairs of 16 bit numbers in an i32
  SmallVector<int64_t> groupSteps; // per reduction
  int64_t groupsOfRow = 0, rowPitch = 0, tilePitch = 0;
  int64_t lanes = 0, vectors = 2, maxRows = 8, tileRows = 8;
  Linear columnStride = {Size(1)}; // of B
  bool oneRow = false;             // a vector times a matrix is bound by reading the matrix: whole panels, in the order of memory
  bool panelsFirst = false;
  int64_t depthBlocks = 1; // of the reduction, each with `depth` steps
  int64_t depth = 0;
  Value sizeLeft;              // of a reduction of unknown size: what whole pieces leave
  Value depthBlock;            // the one at hand; null where the reduction is one piece
  Buffer sums;                 // of a row block and a panel, between blocks of the reduction
  int64_t aheadStep = 0;       // elements of the next panel that one step of the reduction fetches; 0: none
  Value ahead;                 // where those of the tile at hand start
  Value firstRow;              // of the row block
  SmallVector<unsigned> order; // of the tile dims: loops, with `parallel - 1` standing for panels
  SmallVector<TileDim> dims;
  SmallVector<Value> ivs; // per loop
  Size rowBlock;
  bool broken = false;
};

} // namespace laic::cpu
#endif
