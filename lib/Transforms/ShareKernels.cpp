// Operations that differ in numbers alone become one kernel: the numbers turn into operands.
//
// Scales and zero points of quantised networks are such numbers: without this, every layer would be compiled for itself.
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/RowsOps.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"

namespace laic {
#define GEN_PASS_DEF_SHAREKERNELS
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

/// A number that the body of an operation uses; null where the value is none.
TypedAttr numberOf(Value v) {
  auto constant = v.getDefiningOp<arith::ConstantOp>();
  return constant && v.getType().isIntOrFloat() && !v.getType().isInteger(1) ? constant.getValue() : TypedAttr();
}

/// One operation that becomes a kernel, and where its bodies use numbers.
struct Root {
  Operation *op;
  SmallVector<OpOperand *> uses;
};

/// Equal for operations that are equal but for such numbers; rarely for others, which do no harm.
llvm::hash_code hashOf(Root &root) {
  llvm::hash_code hash(0);
  llvm::DenseMap<Value, size_t> known; // values in the order of their first use
  root.op->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<arith::ConstantOp>(op))
      return;
    hash = llvm::hash_combine(hash, op->getName(), op->getAttrDictionary(), op->getPropertiesAsAttribute());
    for (Type type : op->getResultTypes())
      hash = llvm::hash_combine(hash, type);
    for (OpOperand &operand : op->getOpOperands()) {
      hash = llvm::hash_combine(hash, operand.get().getType());
      if (op != root.op && numberOf(operand.get()))
        root.uses.push_back(&operand);
      else
        hash = llvm::hash_combine(hash, known.try_emplace(operand.get(), known.size()).first->second);
    }
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          known.try_emplace(argument, known.size());
    for (Value result : op->getResults())
      known.try_emplace(result, known.size());
  });
  return llvm::hash_combine(hash, root.uses.size());
}

/// The operation whose scalar body uses a number: a contraction or a generic.
Operation *bodyOwner(OpOperand *use) {
  Operation *owner = use->getOwner()->getParentOp();
  return isa<ContractOp, linalg::GenericOp>(owner) ? owner : nullptr;
}

/// Adds tensors of one element as operands to an operation; the block arguments that stand for them.
class Extender {
public:
  explicit Extender(IRRewriter &rewriter) : rewriter(rewriter) {}

  SmallVector<Value> extend(Operation *op, ArrayRef<Value> tensors) {
    if (auto contract = dyn_cast<ContractOp>(op))
      return extend(contract, tensors);
    return extend(cast<linalg::GenericOp>(op), tensors);
  }

private:
  SmallVector<Value> extend(ContractOp op, ArrayRef<Value> tensors) {
    SmallVector<Attribute> maps(op.getExtraMaps().begin(), op.getExtraMaps().end());
    maps.append(tensors.size(), AffineMapAttr::get(AffineMap::get(op.getParallel(), 0, rewriter.getContext())));
    op.getExtrasMutable().append(tensors);
    op.setExtraMapsAttr(rewriter.getArrayAttr(maps));
    return addArguments(op.getEpilogue().front(), op.getEpilogue().front().getNumArguments(), tensors, op.getLoc());
  }

  SmallVector<Value> extend(linalg::GenericOp op, ArrayRef<Value> tensors) {
    unsigned inputs = op.getNumDpsInputs();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps.insert(maps.begin() + inputs, tensors.size(), AffineMap::get(op.getNumLoops(), 0, rewriter.getContext()));
    op.getInputsMutable().append(tensors);
    op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    return addArguments(*op.getBody(), inputs, tensors, op.getLoc());
  }

  static SmallVector<Value> addArguments(Block &block, unsigned at, ArrayRef<Value> tensors, Location loc) {
    SmallVector<Value> arguments;
    for (Value tensor : tensors)
      arguments.push_back(block.insertArgument(at++, cast<RankedTensorType>(tensor.getType()).getElementType(), loc));
    return arguments;
  }

  IRRewriter &rewriter;
};

/// Positions (of `uses`) whose numbers are not the same in all roots.
SmallVector<unsigned> differing(ArrayRef<Root> roots) {
  SmallVector<unsigned> positions;
  for (unsigned i = 0; i < roots.front().uses.size(); ++i)
    if (llvm::any_of(roots,
                     [&](const Root &root) { return numberOf(root.uses[i]->get()) != numberOf(roots.front().uses[i]->get()); }))
      positions.push_back(i);
  return positions;
}

/// Numbers become operands; those that are equal in every root become one.
void turnToOperands(IRRewriter &rewriter, ArrayRef<Root> roots, ArrayRef<unsigned> positions) {
  struct Parameter {
    unsigned first; // position
    unsigned owner; // number of the operation that takes it, in the order of `positions`
    SmallVector<unsigned> positions;
  };
  SmallVector<Parameter> parameters;
  auto sameEverywhere = [&](unsigned i, unsigned j) {
    return llvm::all_of(roots, [&](const Root &root) {
      return bodyOwner(root.uses[i]) == bodyOwner(root.uses[j]) && numberOf(root.uses[i]->get()) == numberOf(root.uses[j]->get());
    });
  };
  for (unsigned i : positions) {
    auto *found = llvm::find_if(parameters, [&](const Parameter &parameter) { return sameEverywhere(parameter.first, i); });
    if (found != parameters.end())
      found->positions.push_back(i);
    else
      parameters.push_back({i, 0, {i}});
  }
  for (const Root &root : roots) {
    llvm::MapVector<Operation *, SmallVector<const Parameter *>> byOwner;
    for (const Parameter &parameter : parameters)
      byOwner[bodyOwner(root.uses[parameter.first])].push_back(&parameter);
    for (auto &[owner, list] : byOwner) {
      rewriter.setInsertionPoint(root.op);
      SmallVector<Value> tensors;
      for (const Parameter *parameter : list) {
        TypedAttr number = numberOf(root.uses[parameter->first]->get());
        auto type = RankedTensorType::get({}, number.getType());
        tensors.push_back(ConstantOp::create(rewriter, owner->getLoc(), type, DenseElementsAttr::get(type, Attribute(number))));
      }
      SmallVector<Value> arguments = Extender(rewriter).extend(owner, tensors);
      for (auto [parameter, argument] : llvm::zip(list, arguments))
        for (unsigned i : parameter->positions) {
          Operation *constant = root.uses[i]->get().getDefiningOp();
          root.uses[i]->set(argument);
          if (constant->use_empty()) // a dead one would still tell kernels apart
            rewriter.eraseOp(constant);
        }
    }
  }
}

struct ShareKernelsPass : public laic::impl::ShareKernelsBase<ShareKernelsPass> {
  using ShareKernelsBase::ShareKernelsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !function.getBody().hasOneBlock())
      return;
    llvm::MapVector<size_t, SmallVector<Root>> groups;
    for (Operation &op : function.getBody().front())
      if (isa<ContractOp, linalg::GenericOp, RowsOp>(op)) {
        Root root{&op, {}};
        size_t hash = hashOf(root);
        groups[hash].push_back(std::move(root));
      }
    IRRewriter rewriter(&getContext());
    for (auto &group : groups)
      share(rewriter, group.second);
  }

private:
  void share(IRRewriter &rewriter, ArrayRef<Root> roots) {
    size_t uses = roots.front().uses.size();
    if (llvm::any_of(roots, [&](const Root &root) { return root.uses.size() != uses; }))
      return;
    SmallVector<unsigned> positions = differing(roots);
    bool haveOwners = llvm::all_of(
        roots, [&](const Root &root) { return llvm::all_of(positions, [&](unsigned i) { return bodyOwner(root.uses[i]); }); });
    llvm::SetVector<Value> read(roots.front().op->operand_begin(), roots.front().op->operand_end());
    getUsedValuesDefinedAbove(roots.front().op->getRegions(), read);
    if (haveOwners && !positions.empty() && read.size() + positions.size() <= mostOperands)
      turnToOperands(rewriter, roots, positions);
  }
};

} // namespace
