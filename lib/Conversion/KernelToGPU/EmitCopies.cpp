// Roots that move data without computing: one thread per element of the result.
#include "Emitter.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace laic;
using namespace laic::gpu;

FailureOr<SmallVector<Value>> Emitter::valuesOf(ArrayRef<OpFoldResult> sizes) {
  SmallVector<Value> values;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> constant = getConstantIntValue(size)) {
      values.push_back(index(*constant));
      continue;
    }
    FailureOr<Value> scalar = scalarOf(cast<Value>(size));
    if (failed(scalar))
      return fail("a size is neither a constant nor computed from index arguments");
    values.push_back(*scalar);
  }
  return values;
}

LogicalResult Emitter::emitTranspose(linalg::TransposeOp op) {
  FailureOr<Operand> source = operandOf(op.getInput());
  if (failed(source))
    return fail("linalg.transpose reads something that is no argument");
  ArrayRef<int64_t> permutation = op.getPermutation();
  return perElement(resultOf(0), [&](ArrayRef<Value> ivs) -> FailureOr<SmallVector<Value>> {
    SmallVector<Value> from(ivs.size());
    for (auto [i, dim] : llvm::enumerate(permutation))
      from[dim] = ivs[i];
    return SmallVector<Value>{load(*source, from)};
  });
}

LogicalResult Emitter::emitFill(linalg::FillOp op) {
  FailureOr<Value> scalar = scalarOf(op.getInputs()[0]);
  if (failed(scalar))
    return fail("its fill value is neither a constant nor computed from index arguments");
  return perElement(resultOf(0), [&](ArrayRef<Value>) -> FailureOr<SmallVector<Value>> { return SmallVector<Value>{*scalar}; });
}

LogicalResult Emitter::emitWindow(const Operand &result, ArrayRef<Value> low, ArrayRef<Value> sizes, const Operand &inner,
                                  const Operand &outside) {
  return perElement(result, [&](ArrayRef<Value> ivs) -> FailureOr<SmallVector<Value>> {
    Value inside;
    SmallVector<Value> from;
    for (auto [d, iv] : llvm::enumerate(ivs)) {
      from.push_back(sub(iv, low[d]));
      bool whole = getConstantIntValue(low[d]) == 0 && sizes[d] == value(result.dims[d]);
      if (!whole)
        inside = both(inside, less(from.back(), sizes[d])); // below `low` wraps to a large number
    }
    if (!inside)
      return SmallVector<Value>{load(inner, from)};
    return choose(
        inside, result.element, [&] { return SmallVector<Value>{load(inner, from)}; },
        [&] { return SmallVector<Value>{load(outside, ivs)}; });
  });
}

LogicalResult Emitter::emitPad(tensor::PadOp op) {
  Value padding = op.getConstantPaddingValue();
  FailureOr<Value> scalar = padding ? scalarOf(padding) : FailureOr<Value>();
  FailureOr<Operand> source = operandOf(op.getSource());
  FailureOr<SmallVector<Value>> low = valuesOf(op.getMixedLowPad());
  if (failed(scalar) || failed(source) || failed(low))
    return fail("tensor.pad needs a constant value and an argument to pad");
  Operand outside;
  outside.scalar = *scalar;
  SmallVector<Value> sizes = llvm::map_to_vector(source->dims, [&](Extent e) { return value(e); });
  return emitWindow(resultOf(0), *low, sizes, *source, outside);
}

LogicalResult Emitter::emitInsertSlice(tensor::InsertSliceOp op) {
  FailureOr<Operand> source = operandOf(op.getSource()), outside = readOf(op.getDest());
  if (failed(source) || failed(outside))
    return fail("tensor.insert_slice reads something that is no argument");
  FailureOr<SmallVector<Value>> low = valuesOf(op.getMixedOffsets()), sizes = valuesOf(op.getMixedSizes());
  if (failed(low) || failed(sizes))
    return failure();
  for (OpFoldResult stride : op.getMixedStrides())
    if (getConstantIntValue(stride) != 1)
      return fail("tensor.insert_slice with a stride other than 1");
  // Dims that the source lacks have one index.
  Operand inner = *source;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<Extent> dims;
  unsigned next = 0;
  for (unsigned d = 0; d < dropped.size(); ++d)
    dims.push_back(dropped[d] ? Extent{1} : inner.dims[next++]);
  inner.dims = dims;
  return emitWindow(resultOf(0), *low, *sizes, inner, *outside);
}

LogicalResult Emitter::emitExtractSlice(tensor::ExtractSliceOp op) {
  FailureOr<Operand> source = operandOf(op.getSource());
  if (failed(source))
    return fail("tensor.extract_slice reads something that is no argument");
  FailureOr<SmallVector<Value>> offsets = valuesOf(op.getMixedOffsets()), steps = valuesOf(op.getMixedStrides());
  if (failed(offsets) || failed(steps))
    return failure();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  return perElement(resultOf(0), [&](ArrayRef<Value> ivs) -> FailureOr<SmallVector<Value>> {
    SmallVector<Value> from;
    unsigned next = 0;
    for (unsigned d = 0; d < dropped.size(); ++d)
      from.push_back(dropped[d] ? (*offsets)[d] : add((*offsets)[d], mul(ivs[next++], (*steps)[d])));
    return SmallVector<Value>{load(*source, from)};
  });
}

LogicalResult Emitter::emitConcat(tensor::ConcatOp op) {
  unsigned axis = op.getDim();
  SmallVector<Operand> parts;
  for (Value input : op.getInputs()) {
    FailureOr<Operand> part = readOf(input);
    if (failed(part))
      return fail("tensor.concat reads something that is no argument");
    parts.push_back(*part);
  }
  Operand result = resultOf(0);
  return perElement(result, [&](ArrayRef<Value> ivs) -> FailureOr<SmallVector<Value>> {
    // The parts one after the other: the first whose end lies behind the index.
    std::function<SmallVector<Value>(unsigned, Value)> pick = [&](unsigned i, Value at) -> SmallVector<Value> {
      SmallVector<Value> from(ivs);
      from[axis] = at;
      auto here = [&] { return SmallVector<Value>{load(parts[i], from)}; };
      if (i + 1 == parts.size())
        return here();
      Value size = value(parts[i].dims[axis]);
      return choose(less(at, size), result.element, here, [&] { return pick(i + 1, sub(at, size)); });
    };
    return pick(0, ivs[axis]);
  });
}

LogicalResult Emitter::emitSizesTensor(SizesTensorOp op) {
  Operand result = resultOf(0);
  SmallVector<Value> elements;
  for (Value element : op.getElements()) {
    FailureOr<Value> scalar = scalarOf(element);
    if (failed(scalar))
      return fail("an element of laic.sizes_tensor is not computed from index arguments");
    elements.push_back(*scalar);
  }
  return perElement(result, [&](ArrayRef<Value> ivs) -> FailureOr<SmallVector<Value>> {
    Value at = linearize(ivs, result.dims), picked = elements.empty() ? index(0) : elements.front();
    for (unsigned i = 1; i < elements.size(); ++i) {
      Value here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, at, index(i));
      picked = arith::SelectOp::create(b, loc, here, elements[i], picked);
    }
    return SmallVector<Value>{arith::IndexCastOp::create(b, loc, result.element, picked)};
  });
}
