// How a laic.contract is cut: register tiles, tiles of work, blocks of the reduction, what is fetched ahead.
#include "ContractEmitter.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

// Half-cycles of a tile of `rows` x two vectors for one step of the reduction: two multiply-adds start in a cycle, each takes four, and a
// tile has its share of loads and loop control.
static int64_t tileCost(int64_t rows) { return rows ? std::max<int64_t>(2 * rows, 8) + 1 : 0; }

static int64_t rowsCost(int64_t rows, int64_t tile) {
  return tile == 0 ? 0 : rows / tile * tileCost(tile) + tileCost(rows % tile);
}

// Static row counts get the tile that takes the least time, what it leaves over included.
static int64_t rowsPerTile(const Size &size, int64_t most) {
  if (!size.isStatic())
    return most;
  int64_t best = most, cost = std::numeric_limits<int64_t>::max();
  for (int64_t rows = most; rows >= std::max<int64_t>(1, most / 2); --rows) {
    int64_t now = rowsCost(size.factor, rows);
    if (now < cost) {
      best = rows;
      cost = now;
    }
  }
  return std::min(best, std::max<int64_t>(size.factor, 1));
}

// Short lines of an image make tiles that are not full; tiles may go from one line to the next at the price of addresses for every row.
void ContractEmitter::joinRows() {
  if (rowLoop < 0 || depthwise || e.rows)
    return;
  constexpr int64_t kShort = 32;
  constexpr int64_t kRows = 6; // of tiles; not the level's, since all levels have the same loops
  for (int x : {rowLoop - 1, rowLoop}) {
    int y = x + 1;
    if (x < 0 || y + 1 >= int(parallel) || !loops[x].size.isStatic() || !loops[y].size.isStatic() || isZero(a.coefficients[x]) ||
        isZero(a.coefficients[y]) || !isZero(loops[y].b) || !smoothInC(x, y))
      continue;
    int64_t lines = loops[x].size.factor, length = loops[y].size.factor, all = lines * length;
    auto cost = [&](int64_t rows) { return rowsCost(rows, rowsPerTile(rows, kRows)); };
    int64_t apart = rowLoop == y ? lines * cost(length) : length * cost(lines);
    if (length > kShort || cost(all) * 10 > apart * 11) // nothing stands between joined rows and panels: worth some more tiles
      continue;
    rowLength = length;
    lineStep = a.coefficients[x];
    eraseLoop(x);
    rowLoop = x;
    loops[x].size = all;
    return;
  }
}

void ContractEmitter::chooseTile() {
  lanes = e.level.vectorBytes / (accumulatorType.getIntOrFloatBitWidth() / 8);
  vectors = depthwise ? 1 : 2;
  maxRows = e.level.registers == 32 ? 8 : e.level.fma ? 6 : 4;
  if (depthwise)
    maxRows = e.level.registers == 32 ? 8 : 4;
  if (group != 1) {
    bool dotsBytes = (e.level.dotsUnsignedSigned || e.level.dotsSigned) && !op.getUnsignedB();
    dotProducts = integer ? dotsBytes : e.level.dotsBF16;
    if (e.level.registers == 16) // the factors of a row or column take two registers each; what corrects signs is a row more
      maxRows = dotProducts ? maxRows - corrects() : 4;
  }
  joinRows();
  tileRows = rowLoop < 0 ? 1 : rowsPerTile(loops[rowLoop].size, maxRows);
}

// The order of the tile space and its blocks; nothing here may depend on the level.
void ContractEmitter::planTiles() {
  unsigned columns = parallel - 1;
  double depth = 1, inputBytes = 4, weightBytes = 4;
  for (unsigned d = parallel; d < loops.size(); ++d)
    depth *= std::max<int64_t>(1, loops[d].size.estimate(256));
  weightBytes *= depth * n.estimate(256);
  // Where the rows are known, what is not is a batch: each of its images walks all panels.
  bool knownRows = rowLoop < 0 || loops[rowLoop].size.isStatic();
  for (const Size &size : a.buffer.sizes)
    inputBytes *= std::max<int64_t>(1, size.estimate(knownRows ? 1 : 64));
  panelsFirst = weightBytes > inputBytes && !depthwise;
  for (unsigned d = 0; d < columns; ++d)
    if (!isZero(loops[d].b))
      order.push_back(d);
  auto outside = [&](unsigned d) { return isZero(loops[d].b) && int(d) != rowLoop; };
  auto isBatch = [&](unsigned d) { return panelsFirst && knownRows && !loops[d].size.isStatic() && loops[d].size.factor == 1; };
  for (unsigned d = 0; d < columns; ++d)
    if (outside(d) && isBatch(d))
      order.push_back(d);
  if (panelsFirst)
    order.push_back(columns);
  for (unsigned d = 0; d < columns; ++d)
    if (outside(d) && !isBatch(d))
      order.push_back(d);
  if (rowLoop >= 0)
    order.push_back(rowLoop);
  if (!panelsFirst)
    order.push_back(columns);

  Size panelCount = n.isStatic() ? Size(llvm::divideCeil(n.factor, kPanel)) : e.canonical(panelTotal);
  // Rows are cut evenly: 145 rows are 96 + 49, not 144 + 1.
  int64_t rowsHere = 1;
  rowBlock = Size(0);
  if (rowLoop >= 0) {
    const Size &m = loops[rowLoop].size;
    rowsHere = kRowBlock;
    if (m.isStatic() && m.factor > 0) {
      int64_t blocks = llvm::divideCeil(m.factor, kRowBlock + kRowBlock / 8);
      rowsHere = std::min<int64_t>(m.factor, llvm::alignTo(llvm::divideCeil(m.factor, blocks), kRowUnit));
    }
  }
  // A tile should do about a million multiply-adds; loops that come later in the order go inside it.
  constexpr int64_t kReading = 16; // rows whose products take as long as reading what they are multiplied by from memory
  double work = 2.0 * std::max(rowsHere, kReading) * std::min<int64_t>(kPanel, n.estimate(kPanel)) * depth;
  if (depthwise)
    work *= 4;
  constexpr double kBudget = 2e6;
  dims.resize(order.size());
  for (int64_t i = order.size() - 1; i >= 0; --i) {
    unsigned d = order[i];
    Size size = d == columns ? panelCount : loops[d].size;
    dims[i].size = size;
    if (int(d) == rowLoop) {
      dims[i].block = rowsHere;
      continue;
    }
    int64_t room = std::max<int64_t>(1, int64_t(kBudget / work));
    dims[i].block = room;
    work = size.isStatic() ? work * std::max<int64_t>(1, std::min(size.factor, room)) : kBudget;
  }
}

int64_t ContractEmitter::rowsOfBlock() const {
  for (auto [d, dim] : llvm::zip(order, dims))
    if (int(d) == rowLoop)
      return dim.block;
  return 1;
}

// Steps of the reduction loops behind `loop`, all of which are known.
int64_t ContractEmitter::stepsInside(unsigned loop) const {
  int64_t steps = 1;
  for (const Loop &inner : ArrayRef(loops).drop_front(loop + 1))
    steps *= inner.size.factor;
  return steps;
}

int64_t ContractEmitter::knownRowsOfBlock() const {
  const Size &rows = loops[rowLoop].size;
  return rows.isStatic() ? std::min(rows.factor, rowsOfBlock()) : rowsOfBlock();
}

// Tiles of several rows that walk all of a panel, one after the other, with nothing between them.
bool ContractEmitter::rowsWalkPanels() const {
  constexpr int64_t kFewRows = 4 * kMostRows;
  if (depthwise || copiesRows() || rowLoop < 0 || loops.size() == parallel || e.rows || !isOne(columnStride) ||
      knownRowsOfBlock() < kFewRows ||
      llvm::any_of(ArrayRef(loops).drop_front(parallel), [](const Loop &loop) { return !loop.size.isStatic(); }))
    return false;
  return std::all_of(llvm::find(order, parallel - 1), order.end(),
                     [&](unsigned d) { return d == parallel - 1 || int(d) == rowLoop; });
}

// Where the rows of a block do not stay in the second-level cache, all of them go over a part of the reduction before the next one. The
// order in which products are added stays the same. Sums wait in the workspace, whose size is the same for all levels.
void ContractEmitter::planDepth() {
  constexpr int64_t kCache = 400 << 10, kShare = 128 << 10, kShort = 128, kUnit = 8; // kUnit: as many steps as are written out
  if (integer || group != 1 || !rowsWalkPanels())
    return;
  int64_t inner = stepsInside(parallel), steps = loops[parallel].size.factor, unit = inner == 1 ? kUnit : 1;
  // Taps of a convolution read the same pixels, so that its rows take less room than they are long.
  int64_t bytes = inner * 4 * (inner == 1 ? std::max(knownRowsOfBlock(), kPanel) : kPanel);
  if (steps * bytes <= kCache)
    return;
  int64_t part = std::max(kShare / bytes / unit * unit, unit);
  while (part > unit && steps % part)
    part -= unit;
  if (part * inner < kShort || steps % part || part == steps)
    return;
  depth = part;
  depthBlocks = steps / part;
  sums = e.makeBuffer(e.workspace, accumulatorType, {});
  e.workspaceBytes = getAffineConstantExpr(rowsOfBlock() * kPanel * 4, e.context);
}

// The rows of a block go over a panel of B again and again; meanwhile the next panel comes nearer, a little with every step.
void ContractEmitter::planPrefetch() {
  constexpr int64_t kNear = 256 << 10; // bytes of B that are near anyway
  if (!rowsWalkPanels())
    return;
  int64_t bytes = stepsInside(parallel - 1) * group * (b.element.getIntOrFloatBitWidth() / 8); // of a column
  if (n.isStatic() && n.factor * bytes <= kNear)
    return;
  int64_t passes = rowsOfBlock() / tileRows * (kPanel / (lanes * vectors));
  aheadStep = std::max<int64_t>(1, llvm::divideCeil(kPanel * group, passes));
}
