// Marks key-value caches that can grow where they lie, and the kernels that read them there.
#include "Room.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Laic/StructuredOps.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

#include <map>

namespace laic {
#define GEN_PASS_DEF_GROWINPLACE
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

/// An operand of a dispatch with room along `dim`.
struct Reader {
  plan::DispatchOp dispatch;
  unsigned operand;
  int64_t dim;
};

class Caches {
public:
  Caches(ModuleOp module, func::FuncOp main) : module(module), main(main), symbols(module) {}

  void run() {
    Operation *terminator = main.getBody().front().getTerminator();
    for (OpOperand &returned : terminator->getOpOperands())
      tryResult(returned);
    markKernels();
  }

private:
  /// Operands of a dispatch, its result behind all of them, and the dim along which each has room.
  using Rooms = std::vector<std::pair<unsigned, int64_t>>;
  void tryResult(OpOperand &returned);
  bool follow(Value tensor, int64_t room, OpOperand *returned, SmallVectorImpl<Reader> &found);
  bool takesStrides(plan::DispatchOp dispatch, unsigned operand);
  void markKernels();
  AppendOp appendOf(plan::DispatchOp dispatch);

  ModuleOp module;
  func::FuncOp main;
  SymbolTable symbols;
  llvm::DenseMap<Operation *, Rooms> rooms; // of dispatches
};

} // namespace

AppendOp Caches::appendOf(plan::DispatchOp dispatch) {
  auto kernel = symbols.lookup<func::FuncOp>(dispatch.getKernel());
  if (!kernel || kernel.isExternal())
    return {};
  return kernel.getBody().front().getTerminator()->getOperand(0).getDefiningOp<AppendOp>();
}

/// Do all operations of the kernel that read the operand step through it by strides?
bool Caches::takesStrides(plan::DispatchOp dispatch, unsigned operand) {
  auto kernel = symbols.lookup<func::FuncOp>(dispatch.getKernel());
  if (!kernel || kernel.isExternal() || operand >= dispatch.getInputs().size())
    return false;
  return llvm::all_of(kernel.getArgument(operand).getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto contract = dyn_cast<ContractOp>(user))
      return use.get() != contract.getB();
    if (auto panels = dyn_cast<PanelsOp>(user))
      return use.get() == panels.getSource() && use.get() != panels.getPacked();
    return isa<PackPanelsOp, linalg::GenericOp, linalg::TransposeOp, tensor::ExtractOp, tensor::ExtractSliceOp, tensor::DimOp>(
        user);
  });
}

/// Whatever reads `tensor`, which is returned once: kernels that can do so where it has room. False: something else does.
bool Caches::follow(Value tensor, int64_t room, OpOperand *returned, SmallVectorImpl<Reader> &found) {
  return llvm::all_of(tensor.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto dispatch = dyn_cast<plan::DispatchOp>(user)) {
      found.push_back({dispatch, use.getOperandNumber(), room});
      return takesStrides(dispatch, use.getOperandNumber());
    }
    if (isa<tensor::CastOp>(user))
      return follow(user->getResult(0), room, returned, found);
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user)) {
      std::optional<int64_t> behind = roomBehind(user, room);
      return behind && follow(user->getResult(0), *behind, nullptr, found);
    }
    return &use == returned;
  });
}

void Caches::tryResult(OpOperand &returned) {
  auto throughCasts = [](Value value) {
    while (auto cast = value.getDefiningOp<tensor::CastOp>())
      value = cast.getSource();
    return value;
  };
  Value present = throughCasts(returned.get());
  auto dispatch = present.getDefiningOp<plan::DispatchOp>();
  AppendOp append = dispatch ? appendOf(dispatch) : AppendOp();
  auto source = append ? dyn_cast<BlockArgument>(append.getPast()) : BlockArgument();
  // Strings are checked one behind the other before a run.
  constexpr unsigned kMostBits = 64;
  if (!source || dispatch.getNumResults() != 1 || getElementTypeOrSelf(present.getType()).getIntOrFloatBitWidth() > kMostBits)
    return;
  auto past = dyn_cast<BlockArgument>(throughCasts(dispatch.getInputs()[source.getArgNumber()]));
  // What else reads the input might see it changed; and one input cannot be two caches.
  std::function<bool(Value)> isRead = [&](Value value) {
    return llvm::any_of(value.getUses(), [&](OpOperand &use) {
      if (isa<tensor::CastOp>(use.getOwner()))
        return isRead(use.getOwner()->getResult(0));
      return use.getOwner() != dispatch || use.getOperandNumber() != source.getArgNumber();
    });
  };
  if (!past || past.getOwner() != &main.getBody().front() || isRead(past) || !source.hasOneUse())
    return;
  int64_t axis = append.getAxis();
  SmallVector<Reader> readers;
  if (!follow(present, axis, &returned, readers))
    return;
  Builder b(main.getContext());
  main.setArgAttr(past.getArgNumber(), kRoomAttr, b.getI64IntegerAttr(axis));
  main.setResultAttr(returned.getOperandNumber(), kRoomAttr, b.getI64IntegerAttr(axis));
  main.setResultAttr(returned.getOperandNumber(), kGrowsAttr, b.getI64IntegerAttr(past.getArgNumber()));
  rooms[dispatch].push_back({source.getArgNumber(), axis});
  rooms[dispatch].push_back({dispatch->getNumOperands(), axis}); // its result
  for (const Reader &reader : readers)
    rooms[reader.dispatch].push_back({reader.operand, reader.dim});
}

/// A kernel for each set of operands with room that it is used with.
void Caches::markKernels() {
  llvm::MapVector<StringAttr, std::map<Rooms, SmallVector<plan::DispatchOp>>> uses;
  module.walk([&](plan::DispatchOp dispatch) {
    Rooms list = rooms.lookup(dispatch);
    llvm::sort(list);
    uses[dispatch.getKernelAttr().getAttr()][list].push_back(dispatch);
  });
  Builder b(module.getContext());
  for (auto &[name, byRooms] : uses)
    for (auto &[list, dispatches] : byRooms) {
      if (list.empty())
        continue;
      auto kernel = symbols.lookup<func::FuncOp>(name);
      if (byRooms.size() > 1) {
        kernel = kernel.clone();
        symbols.insert(kernel); // under a name of its own
      }
      for (auto [operand, dim] : list) {
        if (operand < dispatches.front().getInputs().size())
          kernel.setArgAttr(operand, kRoomAttr, b.getI64IntegerAttr(dim));
        else
          kernel.setResultAttr(0, kRoomAttr, b.getI64IntegerAttr(dim));
      }
      for (plan::DispatchOp dispatch : dispatches)
        dispatch.setKernel(kernel.getSymName());
    }
}

namespace {
struct GrowInPlace : public laic::impl::GrowInPlaceBase<GrowInPlace> {
  using GrowInPlaceBase::GrowInPlaceBase;

  void runOnOperation() override {
    if (auto main = getOperation().lookupSymbol<func::FuncOp>("main"))
      Caches(getOperation(), main).run();
  }
};
} // namespace
