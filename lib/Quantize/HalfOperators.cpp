// The list of operators that may be computed in 16-bit floats. What it leaves out stays in f32: comparisons, integers from floats, sines of
// large arguments, logarithms, square roots and whatever decides where something lies are about digits that 16 bits do not have; recurrences
// carry what they round from step to step.
#include "HalfOperators.h"

#include "laic/Dialect/Laic/OnnxElements.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr HalfManner Sum = HalfManner::Sum, Element = HalfManner::Element, Move = HalfManner::Move;
constexpr HalfRange Any = HalfRange::Any, Operands = HalfRange::Operands, One = HalfRange::One;
constexpr uint32_t kAllButFirst = ~1U;
constexpr uint32_t kStatistics = 0b11000; // mean and variance of BatchNormalization, whose types are their own

constexpr HalfOperator kOperators[] = {
    {"laic.attention", Sum},
    {"laic.average_pool", Sum, Operands},
    {"laic.batch_normalization", Sum, Any, kStatistics, kAllButFirst},
    {"laic.contrib_attention", Sum},
    {"laic.contrib_rotary_embedding", Sum},
    {"laic.conv", Sum},
    {"laic.conv_transpose", Sum},
    {"laic.einsum", Sum},
    {"laic.fused_conv", Sum},
    {"laic.fused_gemm", Sum},
    {"laic.fused_matmul", Sum},
    {"laic.gemm", Sum},
    {"laic.global_average_pool", Sum, Operands},
    {"laic.global_lp_pool", Sum},
    {"laic.group_norm", Sum},
    {"laic.group_normalization", Sum},
    {"laic.instance_normalization", Sum},
    {"laic.layer_normalization", Sum, Any, 0, kAllButFirst},
    {"laic.log_softmax", Sum},
    {"laic.lp_normalization", Sum},
    {"laic.lp_pool", Sum},
    {"laic.lrn", Sum},
    {"laic.matmul", Sum},
    {"laic.mean_variance_normalization", Sum},
    {"laic.multi_head_attention", Sum},
    {"laic.rms_normalization", Sum},
    {"laic.rotary_embedding", Sum},
    {"laic.skip_group_norm", Sum},
    {"laic.softmax", Sum, One},
    {"laic.swiglu", Sum},

    {"laic.abs", Element, Operands},
    {"laic.add", Element},
    {"laic.bias_gelu", Element},
    {"laic.bias_split_gelu", Element},
    {"laic.celu", Element},
    {"laic.clip", Element},
    {"laic.contrib_gelu", Element, Operands},
    {"laic.div", Element},
    {"laic.elu", Element},
    {"laic.erf", Element, One},
    {"laic.exp", Element},
    {"laic.fast_gelu", Element},
    {"laic.gelu", Element, Operands},
    {"laic.hard_sigmoid", Element, One},
    {"laic.hard_swish", Element, Operands},
    {"laic.leaky_relu", Element},
    {"laic.max", Element},
    {"laic.mean", Element, Operands},
    {"laic.min", Element},
    {"laic.mish", Element, Operands},
    {"laic.mul", Element},
    {"laic.neg", Element, Operands},
    {"laic.pow", Element},
    {"laic.prelu", Element},
    {"laic.quick_gelu", Element, Operands},
    {"laic.reciprocal", Element},
    {"laic.reduce_l1", Element},
    {"laic.reduce_l2", Element},
    {"laic.reduce_log_sum_exp", Element},
    {"laic.reduce_max", Element, Operands},
    {"laic.reduce_mean", Element, Operands},
    {"laic.reduce_min", Element, Operands},
    {"laic.reduce_sum", Element},
    {"laic.relu", Element, Operands},
    {"laic.resize", Element, Any, kAllButFirst},
    {"laic.selu", Element},
    {"laic.shrink", Element},
    {"laic.sigmoid", Element, One},
    {"laic.softplus", Element},
    {"laic.softsign", Element, One},
    {"laic.sub", Element},
    {"laic.sum", Element},
    {"laic.swish", Element},
    {"laic.tanh", Element, One},
    {"laic.thresholded_relu", Element},

    {"laic.concat", Move, Operands},
    {"laic.contrib_trilu", Move, Operands},
    {"laic.depth_to_space", Move, Operands},
    {"laic.dropout", Move, Operands, kAllButFirst},
    {"laic.expand", Move, Operands},
    {"laic.flatten", Move, Operands},
    {"laic.gather", Move, Operands},
    {"laic.gather_elements", Move, Operands},
    {"laic.gather_nd", Move, Operands},
    {"laic.global_max_pool", Move, Operands},
    {"laic.identity", Move, Operands},
    {"laic.max_pool", Move, Operands},
    {"laic.pad", Move, Operands},
    {"laic.reshape", Move, Operands},
    {"laic.scatter_elements", Move, Operands},
    {"laic.scatter_nd", Move, Operands},
    {"laic.slice", Move, Operands},
    {"laic.space_to_depth", Move, Operands},
    {"laic.split", Move, Operands},
    {"laic.squeeze", Move, Operands},
    {"laic.tile", Move, Operands},
    {"laic.transpose", Move, Operands},
    {"laic.trilu", Move, Operands},
    {"laic.unsqueeze", Move, Operands},
    {"laic.where", Move, Operands},
};

constexpr unsigned kMaskBits = 32;

// Behind the last bit of a mask, operands are as that bit says.
bool names(uint32_t mask, unsigned number) { return mask >> std::min(number, kMaskBits - 1) & 1; }

} // namespace

bool laic::isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

llvm::SmallVector<OpOperand *> HalfOperator::operands(Operation *op) const {
  llvm::SmallVector<OpOperand *> changing;
  for (OpOperand &operand : op->getOpOperands())
    if (!names(wideOperands, operand.getOperandNumber()) && isFloatTensor(operand.get()))
      changing.push_back(&operand);
  return changing;
}

llvm::SmallVector<OpResult> HalfOperator::results(Operation *op) const {
  llvm::SmallVector<OpResult> changing;
  for (OpResult result : op->getResults())
    if (!names(wideResults, result.getResultNumber()) && isFloatTensor(result))
      changing.push_back(result);
  return changing;
}

const HalfOperator *laic::findHalfOperator(Operation *op, Type narrow) {
  static const llvm::StringMap<const HalfOperator *> byMnemonic = [] {
    llvm::StringMap<const HalfOperator *> map;
    for (const HalfOperator &one : kOperators)
      map[one.mnemonic] = &one;
    return map;
  }();
  const HalfOperator *found = byMnemonic.lookup(op->getName().getStringRef());
  const OnnxOpRow *row = findOnnxOp(op->getName());
  if (!found || !row || !acceptsElement(*row, elementTypeName(narrow)) || found->results(op).empty())
    return nullptr;
  // Where the typed operand is no f32, the others are not of one type with it.
  unsigned typed = typedOperand(*row);
  return typed < op->getNumOperands() && isFloatTensor(op->getOperand(typed)) ? found : nullptr;
}
