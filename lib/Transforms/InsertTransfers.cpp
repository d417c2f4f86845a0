// Moves tensors between the memories of the host and of the plan's device.
#include "laic/Transforms/Passes.h"

#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Plan/Plan.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace laic {
#define GEN_PASS_DEF_INSERTTRANSFERS
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

class Mover {
public:
  Mover(func::FuncOp main, llvm::StringRef host) : main(main), host(host) {}

  void run() {
    for (Operation &op : llvm::make_early_inc_range(main.getBody().front())) {
      if (auto dispatch = dyn_cast<plan::DispatchOp>(op))
        for (OpOperand &operand : dispatch.getInputsMutable())
          operand.set(on(operand.get(), dispatch.getDevice(), dispatch));
      if (op.hasTrait<OpTrait::IsTerminator>() || isa<ReadSizesOp, CallOp>(op))
        for (OpOperand &operand : op.getOpOperands())
          operand.set(on(operand.get(), host, &op));
    }
    // Views whose users went elsewhere.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(main.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

private:
  static bool isView(Operation *op) {
    return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op);
  }

  /// Where a value lives; empty: everywhere.
  llvm::StringRef home(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || isa<CallOp>(op))
      return host;
    if (isView(op))
      return home(op->getOperand(0));
    if (auto dispatch = dyn_cast<plan::DispatchOp>(op))
      return dispatch.getDevice();
    if (auto transfer = dyn_cast<plan::TransferOp>(op))
      return transfer.getDevice();
    return {};
  }

  /// The value in the memory of `device`, for a use in `user`.
  Value on(Value value, llvm::StringRef device, Operation *user) {
    llvm::StringRef at = home(value);
    if (at.empty() || at == device)
      return value;
    auto &known = copies[device == host];
    if (Value copy = known.lookup(value))
      return copy;
    OpBuilder b(user);
    Operation *op = value.getDefiningOp();
    if (!isView(op))
      return known[value] = plan::TransferOp::create(b, value.getLoc(), value.getType(), value, device);
    Value source = on(op->getOperand(0), device, user);
    IRMapping mapping;
    mapping.map(op->getOperand(0), source);
    return known[value] = b.clone(*op, mapping)->getResult(0);
  }

  func::FuncOp main;
  llvm::StringRef host;
  llvm::DenseMap<Value, Value> copies[2]; // on the device, on the host
};

struct InsertTransfers : public laic::impl::InsertTransfersBase<InsertTransfers> {
  using InsertTransfersBase::InsertTransfersBase;
  void runOnOperation() override {
    if (auto main = getOperation().lookupSymbol<func::FuncOp>("main"))
      Mover(main, host).run();
  }
};

} // namespace
