// Groups of a laic.contract on tiles of the level: AMX.
//
//   for 32 rows of a block:  copy them, so that each is one run of groups
//     for panels:  four tiles of sums (32 rows x 32 columns) += rows (16 x 16 groups) * columns (16 groups x 16)
//                  rows of sums, from the workspace, through the epilogue
//
// Panels lie as tiles of columns want them: 16 groups of 16 columns are 16 rows of 64 bytes, 32 columns apart. Numbers of tiles are written
// out, so that LLVM has none to allocate. Rows beyond the last one are multiplied like others and not looked at. Sums of bf16 are f32 that
// go from the first group to the last; subnormal numbers count as zeros (Intel's manual, TDPBF16PS).
#include "ContractEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace {
constexpr int64_t kTile = 16;                         // rows of a tile, and its words in a row
constexpr int64_t kSums = 0, kRows = 4, kColumns = 6; // numbers of the first tile of each kind; sums lie row by row, two in each
} // namespace

// Tiles pay where there is enough to multiply: one product takes 16 cycles however few rows or groups it has, in which dot products do four
// rows of eight groups by 16 columns (calculated, not measured). Of an unknown number of rows there may be fewer. Nothing here depends on the
// level.
bool ContractEmitter::isWorthTiles() const {
  constexpr int64_t kFewRows = 8, kFewGroups = 8;
  if (rowLoop < 0 || groupsOfRow < kFewGroups || loops[rowLoop].size.estimate(kFewRows) < kFewRows)
    return false;
  for (unsigned d = parallel; d + 1 < loops.size(); ++d) // a row of B is one run too
    if (!smooth(loops[d].b, loops[d + 1].b, loops[d + 1].size))
      return false;
  return loops.back().b.size() == 1 && loops.back().b.front().is(kPanel * group);
}

void ContractEmitter::callTiles(StringRef name, ArrayRef<int64_t> tiles, ArrayRef<Value> place) {
  SmallVector<Value> operands;
  for (int64_t tile : tiles)
    operands.push_back(LLVM::ConstantOp::create(e.b, e.loc, e.b.getI8Type(), e.b.getI8IntegerAttr(tile)));
  llvm::append_range(operands, place);
  LLVM::CallIntrinsicOp::create(e.b, e.loc, e.b.getStringAttr("llvm.x86." + name), operands);
}

Value ContractEmitter::pointerTo(Value base, Value elements, int64_t bytes) {
  Value offset = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), e.mul(elements, bytes));
  return LLVM::GEPOp::create(e.b, e.loc, base.getType(), e.b.getI8Type(), base, ValueRange{offset});
}

// Describes tiles for so many groups at a time: palette 1; at byte 16 the bytes in a row of each tile, as u16; at 48 how many rows it has (Intel's
// manual, LDTILECFG).
void ContractEmitter::describeTiles(int64_t groups) {
  int32_t words[kTileConfig] = {1};
  for (int64_t tile = 0; tile < 8; ++tile) {
    int32_t bytes = (tile < kRows || tile >= kColumns ? kTile : groups) * 4, rows = tile < kColumns ? kTile : groups;
    words[4 + tile / 2] |= bytes << tile % 2 * 16;
    words[12 + tile / 4] |= rows << tile % 4 * 8;
  }
  for (int64_t i = 0; i < kTileConfig; i += lanes) {
    auto type = VectorType::get(lanes, e.b.getI32Type());
    auto part = DenseElementsAttr::get(type, ArrayRef<int32_t>(words).slice(i, lanes));
    e.storeVector(arith::ConstantOp::create(e.b, e.loc, part), groupRows, e.index(placeOfDescription(groups) + i));
  }
}

int64_t ContractEmitter::placeOfDescription(int64_t groups) const {
  return kTiledRows * (tilePitch + kPanel) + (groups == kTile ? 0 : kTileConfig);
}

// What tiles held is lost.
void ContractEmitter::configureTiles(int64_t groups) {
  callTiles("ldtilecfg", {}, {pointerTo(e.workspace, e.index(placeOfDescription(groups)), 4)});
}

// Rows [from, to) of the block by the panels [firstPanel, lastPanel).
void ContractEmitter::rowsOnTiles(Value from, Value to, Value firstPanel, Value lastPanel) {
  int64_t rest = groupsOfRow % kTile;
  if (groupsOfRow >= kTile)
    describeTiles(kTile);
  if (rest)
    describeTiles(rest);
  configureTiles(std::min(groupsOfRow, kTile));
  e.loop(from, to, kTiledRows, [&](Value row) {
    Value count = e.minimum(e.sub(to, row), e.index(kTiledRows));
    fillGroupRows(count, row);
    panels(firstPanel, lastPanel, [&](Value panel, const Part &part) { productOnTiles(count, row, panel, part); });
  });
  callTiles("tilerelease", {});
}

void ContractEmitter::productOnTiles(Value count, Value row, Value panel, const Part &part) {
  Value columns = startInB(panel, part.offset);
  Value both = e.less(e.index(kTile), count);
  auto branch = scf::IfOp::create(e.b, e.loc, both, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPoint(branch.thenBlock()->getTerminator());
    sumOnTiles(2, columns);
    e.b.setInsertionPoint(branch.elseBlock()->getTerminator());
    sumOnTiles(1, columns);
  }
  Buffer sums = e.makeBuffer(e.workspace, accumulatorType, {});
  e.loop(e.index(0), count, 1, [&](Value r) {
    cut(panel, part.columns, [&](Value panel, const Part &here) {
      SmallVector<Value> totals;
      Value at = e.add(e.mul(r, kPanel), kTiledRows * tilePitch + here.offset);
      for (int64_t w = 0; w < here.vectors; ++w)
        totals.push_back(e.loadVector(sums, e.add(at, w * here.lanes), here.lanes));
      finish(1, e.add(row, r), panel, here, totals);
    });
  });
}

// The sums of `rowTiles` tiles of copied rows with the columns at `columns` in B, to the workspace. Groups that do not fill a tile are added
// by smaller tiles, for which the sums go through memory.
void ContractEmitter::sumOnTiles(int64_t rowTiles, Value columns) {
  Value rowStride = LLVM::ConstantOp::create(e.b, e.loc, e.b.getI64Type(), e.b.getI64IntegerAttr(tilePitch * 4));
  Value panelRow = LLVM::ConstantOp::create(e.b, e.loc, e.b.getI64Type(), e.b.getI64IntegerAttr(kPanel * 4));
  int64_t elementBytes = b.element.getIntOrFloatBitWidth() / 8;
  StringRef multiply = "tdpbf16ps";
  if (integer)
    multiply = op.getUnsignedA() ? (op.getUnsignedB() ? "tdpbuud" : "tdpbusd") : (op.getUnsignedB() ? "tdpbsud" : "tdpbssd");
  auto step = [&](Value first) { // groups from `first` on
    for (int64_t c = 0; c < 2; ++c) {
      Value here = e.add(columns, e.mul(e.add(e.mul(first, kPanel), c * kTile), group));
      callTiles("tileloadd64", {kColumns + c}, {pointerTo(b.pointer, here, elementBytes), panelRow});
    }
    for (int64_t r = 0; r < rowTiles; ++r) {
      callTiles("tileloadd64", {kRows + r}, {pointerTo(e.workspace, e.add(first, r * kTile * tilePitch), 4), rowStride});
      for (int64_t c = 0; c < 2; ++c)
        callTiles(multiply, {kSums + 2 * r + c, kRows + r, kColumns + c});
    }
  };
  auto sums = [&](StringRef name) {
    for (int64_t r = 0; r < rowTiles; ++r)
      for (int64_t c = 0; c < 2; ++c) {
        Value at = e.index(kTiledRows * tilePitch + r * kTile * kPanel + c * kTile);
        callTiles(name, {kSums + 2 * r + c}, {pointerTo(e.workspace, at, 4), panelRow});
      }
  };
  int64_t whole = groupsOfRow / kTile * kTile;
  for (int64_t tile = 0; tile < 2 * rowTiles; ++tile)
    callTiles("tilezero", {kSums + tile});
  e.loop(e.index(0), e.index(whole), kTile, step);
  if (whole && whole < groupsOfRow) {
    sums("tilestored64");
    configureTiles(groupsOfRow - whole);
    sums("tileloadd64");
  }
  if (whole < groupsOfRow)
    step(e.index(whole));
  sums("tilestored64");
  if (whole && whole < groupsOfRow)
    configureTiles(kTile);
}
