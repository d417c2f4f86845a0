// Evaluates constants of the graph and scalar bodies by folding.
#include "Constants.h"

#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace laic;
using namespace laic::hls;

// ---- scalar functions ----

std::optional<ScalarFunction> ScalarFunction::create(Operation *op) {
  auto scalar = dyn_cast<ScalarBodyInterface>(op);
  if (!scalar || op->getNumResults() != 1)
    return std::nullopt;
  for (Type type : op->getOperandTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type); !tensor || !isa<FloatType>(tensor.getElementType()))
      return std::nullopt;
  ScalarFunction function;
  function.holder = ModuleOp::create(op->getLoc());
  OpBuilder b = OpBuilder::atBlockBegin(function.holder->getBody());
  // Constants that a body makes stand at the arguments' type; f32 is what targets compute in.
  function.body = new Block;
  function.holder->getBodyRegion().push_back(function.body);
  llvm::SmallVector<Value> arguments;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    arguments.push_back(function.body->addArgument(b.getF32Type(), op->getLoc()));
  b.setInsertionPointToEnd(function.body);
  ScalarBuilder builder(b, op->getLoc());
  function.result = scalar.scalarBody(builder, arguments);
  if (!function.result || !function.result.getType().isF32())
    return std::nullopt;
  return function;
}

std::optional<double> ScalarFunction::operator()(llvm::ArrayRef<double> arguments) {
  llvm::DenseMap<Value, Attribute> known;
  Builder b(holder->getContext());
  for (auto [argument, value] : llvm::zip(body->getArguments(), arguments))
    known[argument] = b.getF32FloatAttr(static_cast<float>(value));
  for (Operation &op : *body) {
    llvm::SmallVector<Attribute> operands;
    for (Value operand : op.getOperands())
      operands.push_back(known.lookup(operand));
    Attribute constant;
    llvm::SmallVector<OpFoldResult> folded;
    if (matchPattern(&op, m_Constant(&constant)))
      folded.push_back(constant);
    else if (failed(op.fold(operands, folded)) || folded.size() != 1)
      return std::nullopt;
    Attribute value = dyn_cast<Attribute>(folded[0]);
    known[op.getResult(0)] = value ? value : known.lookup(cast<Value>(folded[0]));
  }
  auto value = dyn_cast_or_null<FloatAttr>(known.lookup(result));
  if (!value)
    return std::nullopt;
  return value.getValueAsDouble();
}

// ---- constants ----

namespace {

llvm::SmallVector<int64_t> shapeOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? llvm::SmallVector<int64_t>(type.getShape()) : llvm::SmallVector<int64_t>();
}

template <typename T> void append(llvm::ArrayRef<char> bytes, std::vector<double> &out) {
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    out.push_back(static_cast<double>(value));
  }
}

bool appendNumbers(Type element, llvm::ArrayRef<char> bytes, std::vector<double> &out) {
  if (element.isF32())
    return append<float>(bytes, out), true;
  if (element.isF64())
    return append<double>(bytes, out), true;
  if (auto narrow = dyn_cast<FloatType>(element); narrow && narrow.getWidth() == 16) {
    for (size_t at = 0; at + 2 <= bytes.size(); at += 2) {
      uint16_t bits;
      std::memcpy(&bits, bytes.data() + at, 2);
      llvm::APFloat value(narrow.getFloatSemantics(), llvm::APInt(16, bits));
      bool lost;
      value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lost);
      out.push_back(value.convertToDouble());
    }
    return true;
  }
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return false;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 8:
    return isUnsigned ? append<uint8_t>(bytes, out) : append<int8_t>(bytes, out), true;
  case 16:
    return isUnsigned ? append<uint16_t>(bytes, out) : append<int16_t>(bytes, out), true;
  case 32:
    return isUnsigned ? append<uint32_t>(bytes, out) : append<int32_t>(bytes, out), true;
  case 64:
    return append<int64_t>(bytes, out), true;
  }
  return false;
}

std::optional<RealTensor> fromConstant(laic::ConstantOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type)
    return std::nullopt;
  std::vector<char> scratch;
  WeightStore &store = op->getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  RealTensor tensor;
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  if (!appendNumbers(type.getElementType(), constantBytes(store, op.getValue(), scratch), tensor.values) ||
      tensor.elements() != type.getNumElements())
    return std::nullopt;
  return tensor;
}

std::optional<RealTensor> fromDequantize(DequantizeLinearOp op) {
  std::optional<RealTensor> x = evaluateConstant(op.getX()), scale = evaluateConstant(op.getXScale());
  if (!x || !scale || scale->elements() == 0 || op.getBlockSize() != 0)
    return std::nullopt;
  std::vector<double> zeros(scale->values.size(), 0);
  if (auto zero = evaluateConstant(op.getXZeroPoint()); zero && zero->elements() == scale->elements())
    zeros = zero->values;
  int64_t rank = x->shape.size(), axis = static_cast<int64_t>(op.getAxis()), inner = 1;
  if (axis < 0)
    axis += rank;
  bool perAxis = scale->elements() > 1;
  if (perAxis && (axis >= rank || x->shape[axis] != scale->elements()))
    return std::nullopt;
  for (int64_t i = axis + 1; i < rank; ++i)
    inner *= x->shape[i];
  RealTensor tensor;
  tensor.shape = x->shape;
  tensor.scales = scale->values;
  tensor.axis = perAxis ? axis : 0;
  for (int64_t i = 0; i < x->elements(); ++i) {
    size_t channel = perAxis ? (i / inner) % x->shape[axis] : 0;
    tensor.raw.push_back(static_cast<int64_t>(x->values[i] - zeros[channel]));
    tensor.values.push_back(static_cast<double>(tensor.raw.back()) * scale->values[channel]);
  }
  return tensor;
}

std::optional<RealTensor> fromTranspose(TransposeOp op) {
  std::optional<RealTensor> x = evaluateConstant(op.getData());
  llvm::SmallVector<int64_t> shape = shapeOf(op->getResult(0));
  if (!x || shape.size() != x->shape.size())
    return std::nullopt;
  int64_t rank = shape.size();
  llvm::SmallVector<int64_t> permutation;
  if (auto given = op.getPerm())
    permutation.assign(given->begin(), given->end());
  else
    for (int64_t i = rank; i-- > 0;)
      permutation.push_back(i);
  llvm::SmallVector<int64_t> strides(rank, 1);
  for (int64_t i = rank; i-- > 1;)
    strides[i - 1] = strides[i] * x->shape[i];
  RealTensor tensor = *x;
  tensor.shape = shape;
  tensor.axis = std::distance(permutation.begin(), llvm::find(permutation, x->axis)) % std::max<int64_t>(rank, 1);
  for (int64_t i = 0; i < x->elements(); ++i) {
    int64_t from = 0, rest = i;
    for (int64_t d = rank; d-- > 0; rest /= shape[d])
      from += rest % shape[d] * strides[permutation[d]];
    tensor.values[i] = x->values[from];
    if (x->isQuantized())
      tensor.raw[i] = x->raw[from];
  }
  return tensor;
}

std::optional<RealTensor> fromConstantOfShape(ConstantOfShapeOp op) {
  RealTensor tensor;
  auto type = cast<RankedTensorType>(op.getOutput().getType());
  auto value = dyn_cast_or_null<DenseFPElementsAttr>(op.getValue().value_or(ElementsAttr()));
  if (!isa<FloatType>(type.getElementType()) || (op.getValue() && !value))
    return std::nullopt;
  tensor.shape = shapeOf(op.getOutput());
  tensor.values.assign(type.getNumElements(), value ? (*value.begin()).convertToDouble() : 0);
  return tensor;
}

/// The same elements under another shape.
std::optional<RealTensor> reshaped(Value source, Value result) {
  std::optional<RealTensor> x = evaluateConstant(source);
  if (!x)
    return std::nullopt;
  x->shape = shapeOf(result);
  if (x->scales.size() > 1) { // the axis may be gone
    x->raw.clear();
    x->scales.clear();
  }
  return x;
}

std::optional<RealTensor> fromElementwise(Operation *op) {
  std::optional<ScalarFunction> function = ScalarFunction::create(op);
  if (!function)
    return std::nullopt;
  std::vector<RealTensor> operands;
  for (Value operand : op->getOperands()) {
    std::optional<RealTensor> one = evaluateConstant(operand);
    if (!one)
      return std::nullopt;
    operands.push_back(std::move(*one));
  }
  RealTensor tensor;
  tensor.shape = shapeOf(op->getResult(0));
  int64_t elements = 1;
  for (int64_t size : tensor.shape)
    elements *= size;
  for (int64_t i = 0; i < elements; ++i) {
    llvm::SmallVector<double> arguments;
    for (const RealTensor &operand : operands)
      arguments.push_back(operand.broadcast(tensor.shape, i));
    std::optional<double> value = (*function)(arguments);
    if (!value)
      return std::nullopt;
    tensor.values.push_back(*value);
  }
  return tensor;
}

} // namespace

double RealTensor::broadcast(llvm::ArrayRef<int64_t> to, int64_t element) const {
  int64_t at = 0, stride = 1, offset = to.size() - shape.size();
  for (int64_t d = to.size(); d-- > offset; element /= to[d]) {
    int64_t size = shape[d - offset];
    at += size == 1 ? 0 : element % to[d] * stride;
    stride *= size;
  }
  return values[at];
}

std::optional<RealTensor> laic::hls::evaluateConstant(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<RankedTensorType>(value.getType()))
    return std::nullopt;
  if (auto constant = dyn_cast<laic::ConstantOp>(op))
    return fromConstant(constant);
  if (auto dequantize = dyn_cast<DequantizeLinearOp>(op))
    return fromDequantize(dequantize);
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return fromTranspose(transpose);
  if (auto splat = dyn_cast<ConstantOfShapeOp>(op))
    return fromConstantOfShape(splat);
  if (isa<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp, IdentityOp>(op))
    return reshaped(op->getOperand(0), value);
  return fromElementwise(op);
}

std::optional<double> laic::hls::evaluateScalar(Value value) {
  std::optional<RealTensor> tensor = evaluateConstant(value);
  if (!tensor || tensor->elements() != 1)
    return std::nullopt;
  return tensor->values.front();
}
