// Building blocks of lowering: sizes, generics, reshapes, padding.
#include "laic/Dialect/Laic/LowerContext.h"

#include "laic/Dialect/Laic/OnnxTypes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace laic;

Type laic::lowerElement(Type element) {
  if (isNarrowFloat(element))
    return IntegerType::get(element.getContext(), 8);
  if (isa<StringType>(element))
    return IntegerType::get(element.getContext(), 128);
  if (auto i = dyn_cast<IntegerType>(element))
    return IntegerType::get(element.getContext(), std::max(i.getWidth(), 8u));
  return element;
}

LogicalResult LowerContext::fail(const Twine &message) { return op->emitError(message); }

// ---- sizes ----

Value LowerContext::size(AffineExpr expr) {
  expr = canonicalSize(expr);
  if (auto c = constantSize(expr))
    return arith::ConstantIndexOp::create(b, *c);
  return SizeOp::create(b, b.getIndexType(), AffineMapAttr::get(symbols.map({expr})));
}

OpFoldResult LowerContext::fold(AffineExpr expr) {
  expr = canonicalSize(expr);
  if (auto c = constantSize(expr))
    return b.getIndexAttr(*c);
  return size(expr);
}

llvm::SmallVector<OpFoldResult> LowerContext::folds(llvm::ArrayRef<AffineExpr> exprs) {
  llvm::SmallVector<OpFoldResult> result;
  for (AffineExpr e : exprs)
    result.push_back(fold(e));
  return result;
}

RankedTensorType LowerContext::type(llvm::ArrayRef<AffineExpr> shape, Type element) {
  return RankedTensorType::get(staticShape(shape), lowerElement(element));
}

Value LowerContext::empty(llvm::ArrayRef<AffineExpr> shape, Type element) {
  return tensor::EmptyOp::create(b, folds(shape), lowerElement(element));
}

Value LowerContext::filled(llvm::ArrayRef<AffineExpr> shape, Type element, double value) {
  ScalarBuilder s(b, b.getLoc());
  return filled(shape, s.cst(value, lowerElement(element)));
}

Value LowerContext::filled(llvm::ArrayRef<AffineExpr> shape, Value scalar) {
  return linalg::FillOp::create(b, scalar, empty(shape, scalar.getType())).getResult(0);
}

Value LowerContext::constantTensor(DenseElementsAttr value) { return ConstantOp::create(b, value.getType(), value); }

// ---- generics ----

namespace {

Value buildGeneric(ImplicitLocOpBuilder &b, Value init, ValueRange inputs, llvm::ArrayRef<AffineMap> maps,
                   llvm::ArrayRef<utils::IteratorType> iterators, LowerContext::Body body, bool isUnsigned,
                   bool withAccumulator) {
  auto op = linalg::GenericOp::create(b, TypeRange{init.getType()}, inputs, ValueRange{init}, maps, iterators,
                                      [&](OpBuilder &nested, Location loc, ValueRange args) {
                                        ScalarBuilder s(nested, loc, isUnsigned);
                                        Value out = body(s, withAccumulator ? args : args.drop_back());
                                        linalg::YieldOp::create(nested, loc, out);
                                      });
  return op.getResult(0);
}

} // namespace

Value LowerContext::generic(llvm::ArrayRef<AffineExpr> shape, Type element, ValueRange inputs, llvm::ArrayRef<AffineMap> maps,
                            Body body, bool isUnsigned) {
  llvm::SmallVector<AffineMap> all(maps.begin(), maps.end());
  all.push_back(b.getMultiDimIdentityMap(shape.size()));
  llvm::SmallVector<utils::IteratorType> iterators(shape.size(), utils::IteratorType::parallel);
  return buildGeneric(b, empty(shape, element), inputs, all, iterators, body, isUnsigned, false);
}

Value LowerContext::reduce(llvm::ArrayRef<AffineExpr> shape, Type element, double init, unsigned reductions, ValueRange inputs,
                           llvm::ArrayRef<AffineMap> maps, Body body, bool isUnsigned) {
  llvm::SmallVector<AffineMap> all(maps.begin(), maps.end());
  unsigned loops = shape.size() + reductions;
  llvm::SmallVector<AffineExpr> kept; // getMajorSubMap gives no map at all for a scalar
  for (unsigned d = 0; d < shape.size(); ++d)
    kept.push_back(b.getAffineDimExpr(d));
  all.push_back(AffineMap::get(loops, 0, kept, b.getContext()));
  llvm::SmallVector<utils::IteratorType> iterators(shape.size(), utils::IteratorType::parallel);
  iterators.append(reductions, utils::IteratorType::reduction);
  return buildGeneric(b, filled(shape, element, init), inputs, all, iterators, body, isUnsigned, true);
}

AffineMap LowerContext::broadcastMap(llvm::ArrayRef<AffineExpr> from, llvm::ArrayRef<AffineExpr> to) {
  llvm::SmallVector<AffineExpr> results;
  size_t skip = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i) {
    bool one = constantSize(from[i]) == 1 && constantSize(to[skip + i]) != 1;
    results.push_back(one ? b.getAffineConstantExpr(0) : b.getAffineDimExpr(skip + i));
  }
  return AffineMap::get(to.size(), 0, results, b.getContext());
}

bool LowerContext::needsDynamicBroadcast(llvm::ArrayRef<AffineExpr> from, llvm::ArrayRef<AffineExpr> to) {
  size_t skip = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != to[skip + i] && constantSize(from[i]) != 1)
      return true;
  return false;
}

Value LowerContext::dynamicBroadcast(Value value, llvm::ArrayRef<AffineExpr> from, llvm::ArrayRef<AffineExpr> to) {
  size_t skip = to.size() - from.size();
  llvm::SmallVector<Value> sizes;
  for (AffineExpr e : from)
    sizes.push_back(size(e));
  return gather(to, cast<RankedTensorType>(value.getType()).getElementType(), [&](ScalarBuilder &s, ValueRange at) {
    llvm::SmallVector<Value> index;
    for (size_t i = 0; i < from.size(); ++i) {
      Value zero = arith::ConstantIndexOp::create(s.b, s.loc, 0);
      Value one = arith::ConstantIndexOp::create(s.b, s.loc, 1);
      Value isOne = arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::eq, sizes[i], one);
      index.push_back(arith::SelectOp::create(s.b, s.loc, isOne, zero, at[skip + i]));
    }
    return Value(tensor::ExtractOp::create(s.b, s.loc, value, index));
  });
}

Value LowerContext::gather(llvm::ArrayRef<AffineExpr> shape, Type element, IndexBody body) {
  return generic(shape, element, {}, {}, [&](ScalarBuilder &s, ValueRange) {
    llvm::SmallVector<Value> at;
    for (size_t i = 0; i < shape.size(); ++i)
      at.push_back(linalg::IndexOp::create(s.b, s.loc, i));
    return body(s, at);
  });
}

// ---- data movement ----

namespace {

// Splits two shapes with equal products into the finest groups of dims with equal products; false when that cannot be shown.
bool matchGroups(SizeSymbols &symbols, llvm::ArrayRef<AffineExpr> from, llvm::ArrayRef<AffineExpr> to,
                 llvm::SmallVector<ReassociationIndices> &fromGroups, llvm::SmallVector<ReassociationIndices> &toGroups) {
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices a{static_cast<int64_t>(i)}, c{static_cast<int64_t>(j)};
    AffineExpr x = from[i++], y = to[j++];
    while (x != y) {
      auto cx = constantSize(x), cy = constantSize(y);
      bool growFrom = cx && cy ? *cx < *cy : symbols.knownAtLeast(canonicalSize(y - x), 0);
      bool growTo = cx && cy ? *cy < *cx : symbols.knownAtLeast(canonicalSize(x - y), 0);
      if ((growFrom || !growTo) && i < from.size()) {
        a.push_back(i);
        x = symbols.mul(x, from[i++]);
      } else if (j < to.size()) {
        c.push_back(j);
        y = symbols.mul(y, to[j++]);
      } else {
        return false;
      }
    }
    fromGroups.push_back(a);
    toGroups.push_back(c);
  }
  // Trailing ones join the last group.
  for (; i < from.size(); ++i) {
    if (fromGroups.empty() || constantSize(from[i]) != 1)
      return false;
    fromGroups.back().push_back(i);
  }
  for (; j < to.size(); ++j) {
    if (toGroups.empty() || constantSize(to[j]) != 1)
      return false;
    toGroups.back().push_back(j);
  }
  return true;
}

} // namespace

Value LowerContext::reshape(Value value, llvm::ArrayRef<AffineExpr> from, llvm::ArrayRef<AffineExpr> to) {
  if (from == to)
    return value;
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  llvm::SmallVector<ReassociationIndices> fromGroups, toGroups;
  if (!matchGroups(symbols, from, to, fromGroups, toGroups) || from.empty() || to.empty()) {
    // Through one flat dim: always right, since the element counts agree.
    AffineExpr count = cst(1);
    for (AffineExpr e : to.empty() ? from : to)
      count = symbols.mul(count, e);
    if (from.size() != 1) {
      if (from.empty())
        value =
            tensor::ExpandShapeOp::create(b, RankedTensorType::get({1}, element), value, llvm::ArrayRef<ReassociationIndices>{},
                                          llvm::ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
      else {
        ReassociationIndices all;
        for (size_t i = 0; i < from.size(); ++i)
          all.push_back(i);
        value = tensor::CollapseShapeOp::create(b, value, llvm::ArrayRef<ReassociationIndices>{all});
      }
    }
    if (to.empty())
      return tensor::CollapseShapeOp::create(b, RankedTensorType::get({}, element), value,
                                             llvm::ArrayRef<ReassociationIndices>{});
    if (to.size() == 1)
      return castTo(value, type(to, element));
    ReassociationIndices all;
    for (size_t i = 0; i < to.size(); ++i)
      all.push_back(i);
    value = castTo(value, type({count}, element));
    return tensor::ExpandShapeOp::create(b, type(to, element), value, llvm::ArrayRef<ReassociationIndices>{all}, folds(to));
  }
  SymShape middle;
  for (const ReassociationIndices &group : fromGroups) {
    AffineExpr product = cst(1);
    for (int64_t i : group)
      product = symbols.mul(product, from[i]);
    middle.push_back(product);
  }
  if (from.size() != middle.size())
    value = tensor::CollapseShapeOp::create(b, type(middle, element), value, fromGroups);
  if (to.size() != middle.size())
    value = tensor::ExpandShapeOp::create(b, type(to, element), value, toGroups, folds(to));
  return castTo(value, type(to, element));
}

Value LowerContext::castTo(Value value, RankedTensorType type) {
  return value.getType() == type ? value : Value(tensor::CastOp::create(b, type, value));
}

Value LowerContext::transpose(Value value, llvm::ArrayRef<int64_t> permutation) {
  bool identity = true;
  for (size_t i = 0; i < permutation.size(); ++i)
    identity &= permutation[i] == static_cast<int64_t>(i);
  if (identity)
    return value;
  auto from = cast<RankedTensorType>(value.getType());
  llvm::SmallVector<OpFoldResult> sizes;
  for (int64_t i : permutation)
    sizes.push_back(tensor::getMixedSize(b, b.getLoc(), value, i));
  Value init = tensor::EmptyOp::create(b, sizes, from.getElementType());
  return linalg::TransposeOp::create(b, value, init, permutation)->getResult(0);
}

Value LowerContext::pad(Value value, llvm::ArrayRef<AffineExpr> low, llvm::ArrayRef<AffineExpr> high,
                        llvm::ArrayRef<AffineExpr> resultShape, Value scalar) {
  auto zero = [](AffineExpr e) { return constantSize(e) == 0; };
  if (llvm::all_of(low, zero) && llvm::all_of(high, zero))
    return value;
  RankedTensorType result = type(resultShape, scalar.getType());
  auto op = tensor::PadOp::create(b, result, value, folds(low), folds(high));
  OpBuilder::InsertionGuard guard(b);
  llvm::SmallVector<Type> indices(low.size(), b.getIndexType());
  llvm::SmallVector<Location> locs(low.size(), b.getLoc());
  b.createBlock(&op.getRegion(), {}, indices, locs);
  tensor::YieldOp::create(b, scalar);
  return op;
}

// ---- element types ----

Value LowerContext::toCompute(ScalarBuilder &s, Value v, Type element) {
  if (element.isInteger(1))
    return s.cast(v, s.b.getI1Type(), true, false);
  if (element.isF16() || element.isBF16())
    return s.cast(v, s.b.getF32Type(), false, false);
  return v;
}

Value LowerContext::toStorage(ScalarBuilder &s, Value v, Type element) { return s.cast(v, lowerElement(element), true, false); }

Type LowerContext::accumulator(Type element) {
  if (element.isF16() || element.isBF16())
    return b.getF32Type();
  if (auto i = dyn_cast<IntegerType>(element))
    return i.getWidth() <= 32 ? b.getI32Type() : b.getI64Type();
  return element;
}

Type LowerContext::computeElement(Type element) {
  if (element.isF16() || element.isBF16())
    return b.getF32Type();
  return element.isInteger(1) ? element : lowerElement(element);
}

std::optional<double> LowerContext::scalarConstant(unsigned i) const {
  const ValueFacts &f = facts(i);
  if (f.floats && f.floats->size() == 1)
    return (*f.floats)[0];
  if (!f.ints || f.ints->size() != 1)
    return std::nullopt;
  auto c = constantSize((*f.ints)[0]);
  // Beyond 53 bits a double is not exact.
  if (!c || std::abs(*c) > (int64_t{1} << 53))
    return std::nullopt;
  return static_cast<double>(*c);
}

LogicalResult LowerContext::lowerElementwise(Operation *op) {
  llvm::SmallVector<Value> inputs;
  llvm::SmallVector<AffineMap> maps;
  bool isUnsigned = false;
  // One known element becomes a constant of the body: `x ** 2` is then a multiplication.
  llvm::SmallVector<std::optional<double>> scalarConstants(operandCount());
  for (unsigned i = 0; i < operandCount(); ++i) {
    isUnsigned |= isUnsignedElement(element(i));
    if ((scalarConstants[i] = scalarConstant(i)))
      continue;
    Value value = operand(i);
    llvm::ArrayRef<AffineExpr> from = shape(i);
    if (needsDynamicBroadcast(from, resultShape())) {
      value = dynamicBroadcast(value, from, resultShape());
      from = resultShape();
    }
    inputs.push_back(value);
    maps.push_back(broadcastMap(from, resultShape()));
  }
  set(0, generic(
             resultShape(), resultElement(), inputs, maps,
             [&](ScalarBuilder &s, ValueRange in) {
               llvm::SmallVector<Value> scalars;
               unsigned next = 0;
               for (unsigned i = 0; i < operandCount(); ++i)
                 scalars.push_back(scalarConstants[i] ? s.cst(*scalarConstants[i], computeElement(element(i)))
                                                      : toCompute(s, in[next++], element(i)));
               return toStorage(s, cast<ScalarBodyInterface>(op).scalarBody(s, scalars), resultElement());
             },
             isUnsigned));
  return success();
}
