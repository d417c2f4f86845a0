// LabelEncoder and CategoryMapper: keys sorted when compiling, looked up by halving.
#include "DynamicSizes.h"
#include "HostFunctions.h"
#include "LoopBuilder.h"
#include "MlAttributes.h"
#include "WeightTensor.h"
#include "laic/Dialect/Laic/MlLabelsOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace laic;

namespace {

constexpr int64_t kBlock = 256; // elements in a tile of look_up

Type elementOf(Attribute tensor) { return cast<RankedTensorType>(cast<TypedAttr>(tensor).getType()).getElementType(); }

// One side of the table, whichever of the attributes says it: an element type and its strings or numbers, as f64 or i64.
struct Column {
  Type element; // null: none of the attributes is there
  std::vector<double> floats;
  std::vector<int64_t> ints;
  std::vector<llvm::StringRef> strings;
  size_t size() const { return isa<FloatType>(element) ? floats.size() : isString(element) ? strings.size() : ints.size(); }
};

// The strings of an attribute of tensor kind.
std::vector<llvm::StringRef> textsOf(Attribute tensor) {
  auto dense = cast<DenseStringElementsAttr>(tensor);
  llvm::ArrayRef<llvm::StringRef> raw = dense.getRawStringData();
  return dense.isSplat() ? std::vector<llvm::StringRef>(dense.getNumElements(), raw[0]) : raw.vec();
}

Column column(MLIRContext *mlir, std::optional<ArrayRef<float>> floats, std::optional<ArrayRef<int64_t>> ints,
              std::optional<ArrayAttr> strings, std::optional<Attribute> tensor) {
  Column column;
  if (floats) {
    column.element = Float32Type::get(mlir);
    column.floats.assign(floats->begin(), floats->end());
  } else if (ints) {
    column.element = IntegerType::get(mlir, 64);
    column.ints = ints->vec();
  } else if (strings) {
    column.element = StringType::get(mlir);
    llvm::append_range(column.strings, stringsOf(*strings));
  } else if (tensor) {
    column.element = elementOf(*tensor);
    if (isString(column.element))
      column.strings = textsOf(*tensor);
    else if (isa<FloatType>(column.element))
      column.floats = numbersOf<double>(mlir, *tensor);
    else
      column.ints = numbersOf<int64_t>(mlir, *tensor);
  }
  return column;
}

Column keysOf(LabelEncoderOp op) {
  return column(op.getContext(), op.getKeysFloats(), op.getKeysInt64s(), op.getKeysStrings(), op.getKeysTensor());
}

// The values, and last the default.
Column valuesOf(LabelEncoderOp op) {
  Column values =
      column(op.getContext(), op.getValuesFloats(), op.getValuesInt64s(), op.getValuesStrings(), op.getValuesTensor());
  if (!values.element)
    return values;
  if (op.getDefaultTensor() && elementOf(*op.getDefaultTensor()) == values.element) {
    Column other = column(op.getContext(), std::nullopt, std::nullopt, std::nullopt, op.getDefaultTensor());
    llvm::append_range(values.floats, other.floats);
    llvm::append_range(values.ints, other.ints);
    llvm::append_range(values.strings, other.strings);
  } else if (isString(values.element)) {
    values.strings.push_back(op.getDefaultString());
  } else if (isa<FloatType>(values.element)) {
    values.floats.push_back(op.getDefaultFloat().convertToDouble());
  } else {
    values.ints.push_back(static_cast<int64_t>(op.getDefaultInt64()));
  }
  return values;
}

// Positions of the keys in ascending order, the first of equal ones only; NaN last.
template <typename T> std::vector<size_t> sorted(const std::vector<T> &keys) {
  auto less = [&](size_t a, size_t b) {
    bool aIsNumber = keys[a] == keys[a], bIsNumber = keys[b] == keys[b];
    return aIsNumber && bIsNumber ? keys[a] < keys[b] : aIsNumber && !bIsNumber;
  };
  std::vector<size_t> order(keys.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](size_t a, size_t b) { return less(a, b) || (!less(b, a) && a < b); });
  order.erase(std::unique(order.begin(), order.end(), [&](size_t a, size_t b) { return !less(a, b) && !less(b, a); }),
              order.end());
  return order;
}

template <typename To, typename From> Value picked(LowerContext &ctx, const std::vector<From> &from, ArrayRef<size_t> order) {
  std::vector<To> values;
  for (size_t i : order)
    values.push_back(static_cast<To>(from[i]));
  return weightTensor<To>(ctx, values);
}

// The entries of a column in this order, as a constant of the column's type.
Value entries(LowerContext &ctx, const Column &column, ArrayRef<size_t> order) {
  Type element = column.element;
  if (element.isF64())
    return picked<double>(ctx, column.floats, order);
  if (isa<FloatType>(element))
    return picked<float>(ctx, column.floats, order);
  switch (element.getIntOrFloatBitWidth()) {
  case 8:
    return picked<int8_t>(ctx, column.ints, order);
  case 16:
    return picked<int16_t>(ctx, column.ints, order);
  case 32:
    return picked<int32_t>(ctx, column.ints, order);
  default:
    return picked<int64_t>(ctx, column.ints, order);
  }
}

bool isSupported(Type element) { return element.isF32() || element.isF64() || element.isSignlessInteger() || isString(element); }

// The values that x finds among the keys; the last value is for what it does not find. Both may be numbers or strings.
LogicalResult lowerTable(LowerContext &ctx, const Column &keys, const Column &values) {
  SymShape flat{ctx.cst(1)};
  for (AffineExpr dim : ctx.resultShape())
    flat[0] = ctx.symbols.mul(flat[0], dim);
  Value x = ctx.reshape(ctx.operand(0), ctx.shape(0), flat), found;
  std::vector<size_t> order;
  Type i64 = ctx.b.getI64Type();
  if (isString(keys.element)) {
    SortedStrings texts(keys.strings);
    order = texts.firsts;
    found = findStrings(ctx, x, flat, texts);
  } else {
    order = isa<FloatType>(keys.element) ? sorted(keys.floats) : sorted(keys.ints);
  }
  std::vector<int64_t> places(order.size() + 1);
  std::iota(places.begin(), places.end(), 0);
  Value keyTable = found ? Value() : entries(ctx, keys, order);
  order.push_back(values.size() - 1);
  auto lookUp = [&](Value table, Type element) {
    return LookUpOp::create(ctx.b, ctx.type(flat, element), x, keyTable, table, dynamicSizes(ctx, flat)).getY();
  };
  Value y;
  if (isString(values.element)) {
    llvm::SmallVector<llvm::StringRef> texts;
    for (size_t i : order)
      texts.push_back(values.strings[i]);
    found = found ? found : Value(lookUp(weightTensor<int64_t>(ctx, places), i64));
    y = pick(ctx, stringTable(ctx, texts), found, flat, values.element);
  } else if (found) {
    y = pick(ctx, entries(ctx, values, order), found, flat, values.element);
  } else {
    y = lookUp(entries(ctx, values, order), values.element);
  }
  ctx.set(0, ctx.reshape(y, flat, ctx.resultShape()));
  return success();
}

} // namespace

LogicalResult LabelEncoderOp::inferShapes(ShapeContext &ctx) {
  Column keys = keysOf(*this), values = valuesOf(*this);
  if (!keys.element || !values.element)
    return ctx.fail("expects keys and values");
  if (keys.element != ctx.element(0))
    return ctx.fail("expects keys of the input's element type " + elementTypeName(ctx.element(0)) + ", got " +
                    elementTypeName(keys.element));
  if (!isSupported(values.element))
    return ctx.fail("does not support values of element type " + elementTypeName(values.element));
  if (keys.size() == 0 || values.size() != keys.size() + 1)
    return ctx.fail("expects as many values as keys, at least one");
  ctx.set(0, ctx.shape(0), values.element);
  return success();
}

LogicalResult LabelEncoderOp::lower(LowerContext &ctx) { return lowerTable(ctx, keysOf(*this), valuesOf(*this)); }

// ---- CategoryMapper: from strings to integers or back, by the input's type ----

LogicalResult CategoryMapperOp::inferShapes(ShapeContext &ctx) {
  if (!getCatsInt64s() || !getCatsStrings() || getCatsInt64s()->empty() || getCatsInt64s()->size() != getCatsStrings()->size())
    return ctx.fail("expects as many 'cats_int64s' as 'cats_strings', at least one");
  Type i64 = IntegerType::get(getContext(), 64), text = StringType::get(getContext());
  ctx.set(0, ctx.shape(0), isString(ctx.element(0)) ? i64 : text);
  return success();
}

LogicalResult CategoryMapperOp::lower(LowerContext &ctx) {
  Column ints = column(getContext(), std::nullopt, getCatsInt64s(), std::nullopt, std::nullopt);
  Column texts = column(getContext(), std::nullopt, std::nullopt, getCatsStrings(), std::nullopt);
  if (isString(ctx.element(0))) {
    ints.ints.push_back(static_cast<int64_t>(getDefaultInt64()));
    return lowerTable(ctx, texts, ints);
  }
  texts.strings.push_back(getDefaultString());
  return lowerTable(ctx, ints, texts);
}

// ---- look_up: a block of elements per tile ----

AffineMap LookUpOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0].ceilDiv(kBlock); });
}

namespace {

// a < b, with NaN above all numbers.
Value below(const LoopBuilder &lb, Value a, Value b) {
  if (!isa<FloatType>(a.getType()))
    return lb.lt(a, b);
  auto compare = [&](arith::CmpFPredicate p, Value x, Value y) { return Value(arith::CmpFOp::create(lb.b, lb.loc, p, x, y)); };
  Value less = compare(arith::CmpFPredicate::OLT, a, b);
  Value numberAndNaN = lb.both(compare(arith::CmpFPredicate::ORD, a, a), compare(arith::CmpFPredicate::UNO, b, b));
  return lb.either(less, numberAndNaN);
}

} // namespace

LogicalResult LookUpOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value x = buffers[0], keys = buffers[1], values = buffers[2], y = buffers[3], one = lb.cst(1);
  int64_t count = cast<MemRefType>(keys.getType()).getDimSize(0);
  int64_t steps = llvm::Log2_64_Ceil(count) + 1;
  lb.loop(begin, end, [&](Value tile) {
    Value from = lb.mul(tile, lb.cst(kBlock)), to = lb.min(lb.add(from, lb.cst(kBlock)), lb.dim(x, 0));
    lb.loop(from, to, [&](Value i) {
      Value item = lb.load(x, {i});
      // The first key that is not below the item.
      auto found = lb.loop(lb.cst(0), lb.cst(steps), one, {lb.cst(0), lb.cst(count)}, [&](Value, ValueRange range) {
        Value middle = lb.div(lb.add(range[0], range[1]), lb.cst(2)), open = lb.lt(range[0], range[1]);
        Value safe = lb.min(middle, lb.cst(count - 1));
        Value isBelow = lb.both(open, below(lb, lb.load(keys, {safe}), item));
        return LoopBuilder::Values{lb.select(isBelow, lb.add(middle, one), range[0]), lb.select(isBelow, range[1], middle)};
      });
      Value safe = lb.min(found[0], lb.cst(count - 1));
      Value other = below(lb, item, lb.load(keys, {safe}));
      Value missed = lb.either(lb.le(lb.cst(count), found[0]), other);
      lb.store(lb.load(values, {lb.select(missed, lb.cst(count), safe)}), y, {i});
    });
  });
  return success();
}
