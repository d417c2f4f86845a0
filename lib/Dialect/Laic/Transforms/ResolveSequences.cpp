// Replaces operations on sequences and optionals whose structure is known when compiling.
#include "Resolver.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LogicOps.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/ShapeOps.h"

using namespace mlir;
using namespace laic;

//===-- building blocks ---------------------------------------------------------------------------------------===//

Value Resolver::integers(Indices values, bool isScalar) {
  Type element = b.getI64Type();
  auto type = isScalar ? RankedTensorType::get({}, element) : RankedTensorType::get({int64_t(values.size())}, element);
  return ConstantOp::create(b, type, DenseElementsAttr::get(type, values));
}

Value Resolver::truth(bool value) {
  auto type = RankedTensorType::get({}, b.getI1Type());
  return ConstantOp::create(b, type, DenseElementsAttr::get(type, value));
}

Value Resolver::unsqueeze(Value value, int64_t axis) { return UnsqueezeOp::create(b, tensor, value, integers({axis})); }

Value Resolver::concat(ValueRange values, int64_t axis) { return ConcatOp::create(b, tensor, values, axis); }

Value Resolver::stack(ValueRange values, int64_t axis) {
  return concat(llvm::map_to_vector(values, [&](Value v) { return unsqueeze(v, axis); }), axis);
}

Value Resolver::pick(Value value, int64_t axis, int64_t index) {
  Value none = NoneOp::create(b, b.getNoneType());
  Value slice = SliceOp::create(b, tensor, value, integers({index}), integers({index + 1}), integers({axis}), none);
  return SqueezeOp::create(b, tensor, slice, integers({axis}));
}

Value Resolver::construct(ValueRange elements) {
  return SequenceConstructOp::create(b, SequenceType::get(b.getContext(), tensor), elements);
}

LogicalResult Resolver::replace(Operation *op, ValueRange values) {
  op->replaceAllUsesWith(values);
  op->erase();
  return success();
}

const ValueFacts *Resolver::factsOf(Value value) const {
  auto it = facts.find(value);
  return it == facts.end() ? nullptr : &it->second;
}

std::optional<int64_t> Resolver::constant(Value value) const {
  const ValueFacts *known = factsOf(value);
  if (!known || !known->ints || known->ints->size() != 1)
    return std::nullopt;
  return constantSize(known->ints->front());
}

//===-- sequences ---------------------------------------------------------------------------------------------===//

bool Resolver::isKnownPosition(Value position) const { return isa<NoneType>(position.getType()) || constant(position); }

// A known position in [-length, end), non-negative; the last one where it is absent.
FailureOr<int64_t> Resolver::position(Operation *op, Value position, int64_t length, int64_t end) {
  if (isa<NoneType>(position.getType()))
    return end - 1;
  std::optional<int64_t> at = constant(position);
  if (*at < -length || *at >= end)
    return op->emitError() << "expects a position in [" << -length << ", " << end - 1 << "], got " << *at;
  return *at < 0 ? *at + length : *at;
}

// a where the condition, a size of the call, is not 0, and otherwise c; both of one rank. Where their shapes differ, their elements
// are laid one behind the other, and those of one are cut out.
Value Resolver::choose(Value cond, Value a, Value c, bool haveOneShape) {
  if (haveOneShape)
    return WhereOp::create(b, tensor, cond, a, c);
  auto flat = [&](Value v) -> Value { return ReshapeOp::create(b, tensor, v, integers({-1})); };
  auto count = [&](Value v) -> Value { return ReshapeOp::create(b, tensor, SizeOfOp::create(b, tensor, v), integers({1})); };
  auto shape = [&](Value v) -> Value { return ShapeOp::create(b, tensor, v, IntegerAttr()); };
  Value start = WhereOp::create(b, tensor, cond, integers({0}), count(a));
  Value end = AddOp::create(b, tensor, start, WhereOp::create(b, tensor, cond, count(a), count(c)));
  Value none = NoneOp::create(b, b.getNoneType());
  Value part = SliceOp::create(b, tensor, concat({flat(a), flat(c)}, 0), start, end, integers({0}), none);
  return ReshapeOp::create(b, tensor, part, WhereOp::create(b, tensor, cond, shape(a), shape(c)), /*allowzero=*/1);
}

// A position that only the call knows, as a scalar >= 0; every call is checked. Null after a diagnostic.
Value Resolver::positionOfCall(Operation *op, Value position, int64_t length, int64_t end) {
  const ValueFacts &known = *factsOf(position);
  if (!known.ints || known.ints->size() != 1) {
    op->emitError("needs its position to be known before anything is computed");
    return {};
  }
  std::string message = ("expects a position in [" + Twine(-length) + ", " + Twine(end - 1) + "]").str();
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    message = ("node '" + name.getName().getValue() + "': " + message).str();
  AffineExpr at = known.ints->front();
  symbols.requireAtLeast(at, symbols.constant(-length), message);
  symbols.requireAtLeast(symbols.constant(end - 1), at, message);
  Value wide = CastOp::create(b, tensor, position, onnxElementCode(b.getI64Type()));
  Value scalar = ReshapeOp::create(b, tensor, wide, integers({}));
  Value isNegative = LessOp::create(b, tensor, scalar, integers({0}, /*isScalar=*/true));
  Value fromEnd = AddOp::create(b, tensor, scalar, integers({length}, /*isScalar=*/true));
  return WhereOp::create(b, tensor, isNegative, fromEnd, scalar);
}

// Whether all tensors have one shape; fails where they differ in rank or element type.
FailureOr<bool> Resolver::haveOneShape(Operation *op, ValueRange tensors) {
  const ValueFacts *first = factsOf(tensors.front());
  bool same = true;
  for (Value other : tensors) {
    const ValueFacts *facts = factsOf(other);
    if (!first || !facts)
      return failure(); // reported there
    if (facts->shape->size() != first->shape->size() || facts->element != first->element)
      return op->emitError("expects elements of one rank and element type, since its position is known at run time only");
    same &= facts->shape == first->shape;
  }
  return same;
}

// At a position of the call, element i of the result is e[i] before it, the new one there, and e[i - 1] behind it.
LogicalResult Resolver::resolveInsert(SequenceInsertOp op) {
  llvm::SmallVector<Value> elements(elementsOf(op.getInputSequence()).getInputs());
  int64_t length = elements.size();
  if (isKnownPosition(op.getPosition())) {
    auto at = position(op, op.getPosition(), length, length + 1);
    if (failed(at))
      return failure();
    elements.insert(elements.begin() + *at, op.getTensor());
    return replace(op, construct(elements));
  }
  elements.push_back(op.getTensor());
  auto same = haveOneShape(op, elements);
  Value at = failed(same) ? Value() : positionOfCall(op, op.getPosition(), length, length + 1);
  if (!at)
    return failure();
  llvm::SmallVector<Value> result;
  for (int64_t i = 0; i <= length; ++i) {
    Value index = integers({i}, /*isScalar=*/true), next = op.getTensor();
    if (i > 0)
      next = choose(EqualOp::create(b, tensor, index, at), next, elements[i - 1], *same);
    if (i < length)
      next = choose(LessOp::create(b, tensor, index, at), elements[i], next, *same);
    result.push_back(next);
  }
  return replace(op, construct(result));
}

LogicalResult Resolver::resolveErase(SequenceEraseOp op) {
  llvm::SmallVector<Value> elements(elementsOf(op.getInputSequence()).getInputs());
  int64_t length = elements.size();
  if (elements.empty())
    return op.emitError("erases an element of an empty sequence");
  if (isKnownPosition(op.getPosition())) {
    auto at = position(op, op.getPosition(), length, length);
    if (failed(at))
      return failure();
    elements.erase(elements.begin() + *at);
    return replace(op, construct(elements));
  }
  auto same = haveOneShape(op, elements);
  Value at = failed(same) ? Value() : positionOfCall(op, op.getPosition(), length, length);
  if (!at)
    return failure();
  llvm::SmallVector<Value> result;
  for (int64_t i = 0; i + 1 < length; ++i) {
    Value isBefore = LessOp::create(b, tensor, integers({i}, /*isScalar=*/true), at);
    result.push_back(choose(isBefore, elements[i], elements[i + 1], *same));
  }
  return replace(op, construct(result));
}

// At a position that the call brings, the elements are stacked and one is gathered, which checks the position.
LogicalResult Resolver::resolveAt(SequenceAtOp op) {
  auto elements = elementsOf(op.getInputSequence()).getInputs();
  if (elements.empty())
    return op.emitError("takes an element of an empty sequence");
  Value at = op.getPosition();
  if (!constant(at)) {
    if (!factsOf(at)->shape->empty())
      at = SqueezeOp::create(b, tensor, at, NoneOp::create(b, b.getNoneType()));
    return replace(op, Value(GatherOp::create(b, tensor, stack(elements, 0), at, /*axis=*/0)));
  }
  auto known = position(op, at, elements.size(), elements.size());
  return failed(known) ? failure() : replace(op, Value(elements[*known]));
}

LogicalResult Resolver::resolveConcat(ConcatFromSequenceOp op) {
  auto elements = elementsOf(op.getInputSequence()).getInputs();
  if (elements.empty())
    return op.emitError("concatenates an empty sequence");
  int64_t axis = static_cast<int64_t>(op.getAxis());
  return replace(op, op.getNewAxis() ? stack(elements, axis) : concat(elements, axis));
}

LogicalResult Resolver::resolveSplit(SplitToSequenceOp op) {
  const ValueFacts &input = *factsOf(op.getInput());
  bool isGiven = !isa<NoneType>(op.getSplit().getType());
  int64_t rank = input.shape->size(), axis = static_cast<int64_t>(op.getAxis());
  if (axis < -rank || axis >= rank)
    return op.emitError() << "expects an axis in [" << -rank << ", " << rank - 1 << "], got " << axis;
  axis = axis < 0 ? axis + rank : axis;
  Value sizes = op.getSplit();
  std::optional<int64_t> count;
  if (isGiven && factsOf(sizes)->shape->size() == 1) {
    count = constantSize(factsOf(sizes)->shape->front());
  } else {
    std::optional<int64_t> dim = constantSize((*input.shape)[axis]), chunk = isGiven ? constant(sizes) : 1;
    if (!dim || !chunk)
      return op.emitError("makes a sequence whose length is known at run time only, which laic does not support yet");
    if (*chunk < 1)
      return op.emitError() << "expects a split of at least 1, got " << *chunk;
    llvm::SmallVector<int64_t> each;
    for (int64_t at = 0; at < *dim; at += *chunk)
      each.push_back(std::min(*chunk, *dim - at));
    count = each.size();
    sizes = integers(each);
  }
  if (!count)
    return op.emitError("makes a sequence whose length is known at run time only, which laic does not support yet");
  if (*count == 0)
    return replace(op, construct(ValueRange()));
  llvm::SmallVector<Type> types(*count, tensor);
  llvm::SmallVector<Value> parts(SplitOp::create(b, types, op.getInput(), sizes, axis, IntegerAttr()).getResults());
  if (!isGiven && !op.getKeepdims())
    for (Value &part : parts)
      part = SqueezeOp::create(b, tensor, part, integers({axis}));
  return replace(op, construct(parts));
}

//===-- optionals ---------------------------------------------------------------------------------------------===//

LogicalResult Resolver::resolveHasElement(OptionalHasElementOp op) {
  Value held = op.getInput();
  if (auto optional = held.getDefiningOp<OptionalOp>())
    held = optional.getInput();
  return replace(op, truth(!isa<NoneType>(held.getType())));
}

LogicalResult Resolver::resolveGetElement(OptionalGetElementOp op) {
  Value held = op.getInput();
  if (auto optional = held.getDefiningOp<OptionalOp>())
    held = optional.getInput();
  if (isa<NoneType>(held.getType()))
    return op.emitError("takes the element of an empty optional");
  return replace(op, held);
}

//===-- outputs of the model ----------------------------------------------------------------------------------===//

// A sequence becomes one output per element and its length, named as in an archive: `name/0`, `name/1`, ..., `name/len`. An
// optional becomes what it holds, or no output.
LogicalResult Resolver::flattenOutputs() {
  Operation *terminator = func.front().getTerminator();
  b.setInsertionPoint(terminator);
  llvm::SmallVector<Value> values;
  llvm::SmallVector<DictionaryAttr> attributes;
  auto add = [&](Value value, DictionaryAttr attrs, const Twine &suffix) {
    auto name = attrs ? attrs.getAs<StringAttr>("laic.name") : StringAttr();
    if (name && !suffix.isTriviallyEmpty())
      attrs = b.getDictionaryAttr({b.getNamedAttr("laic.name", b.getStringAttr(name.getValue() + suffix))});
    values.push_back(value);
    attributes.push_back(attrs ? attrs : b.getDictionaryAttr({}));
  };
  for (unsigned i = 0; i < terminator->getNumOperands(); ++i) {
    Value value = terminator->getOperand(i);
    DictionaryAttr attrs = func.getResultAttrDict(i);
    if (auto optional = value.getDefiningOp<OptionalOp>())
      value = optional.getInput();
    if (isa<NoneType>(value.getType()))
      continue;
    SequenceConstructOp sequence = elementsOf(value);
    if (!sequence) {
      add(value, attrs, "");
      continue;
    }
    for (auto [k, element] : llvm::enumerate(sequence.getInputs()))
      add(element, attrs, "/" + Twine(k));
    add(integers({int64_t(sequence.getInputs().size())}, /*isScalar=*/true), attrs, "/len");
  }
  terminator->setOperands(values);
  func.setFunctionType(b.getFunctionType(func.getArgumentTypes(), terminator->getOperandTypes()));
  func.setAllResultAttrs(attributes);
  return success();
}
