// Shape inference helpers that the operator families share.
#include "laic/Dialect/Laic/ShapeContext.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/HostCalls.h"
#include "laic/Dialect/Laic/LogicOps.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/StringsOps.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace laic;

LogicalResult ShapeContext::fail(const Twine &message) { return op->emitError(message); }

LogicalResult ShapeContext::replace(Build build) {
  IRRewriter rewriter(op->getContext());
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(op, build(rewriter));
  op = nullptr;
  return success();
}

// What a failed call says: the node, or the operation where it has no name.
std::string ShapeContext::named(const Twine &what) const {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return ("node '" + name.getName().getValue() + "': " + what).str();
  return (op->getName().stripDialect() + ": " + what).str();
}

LogicalResult ShapeContext::equal(AffineExpr got, AffineExpr want, const Twine &what, const Twine &otherwise) {
  auto a = constantSize(got), b = constantSize(want);
  if (a && b)
    return *a == *b ? success() : fail(otherwise);
  symbols.requireEqual(got, want, named(what));
  return success();
}

LogicalResult ShapeContext::atLeast(AffineExpr got, AffineExpr want, const Twine &what, const Twine &otherwise) {
  auto a = constantSize(got), b = constantSize(want);
  if (a && b)
    return *a >= *b ? success() : fail(otherwise);
  symbols.requireAtLeast(got, want, named(what));
  return success();
}

LogicalResult ShapeContext::multiple(AffineExpr size, int64_t factor, const Twine &what, const Twine &otherwise) {
  if (auto c = constantSize(size))
    return *c % factor == 0 ? success() : fail(otherwise);
  symbols.requireEqual(size, symbols.mul(symbols.floorDiv(size, cst(factor)), cst(factor)), named(what));
  return success();
}

static llvm::SmallVector<AffineExpr, 4> readContents(SizeSymbols &symbols, int64_t read, int64_t count) {
  llvm::SmallVector<AffineExpr, 4> contents;
  for (int64_t i = 0; i < count; ++i)
    contents.push_back(symbols.readElement(read, i));
  return contents;
}

// The first one: two tensors that were found to be equal may each have had theirs.
static ReadSizesOp findRead(Value tensor) {
  ReadSizesOp first;
  for (Operation *user : tensor.getUsers())
    if (auto read = dyn_cast<ReadSizesOp>(user); read && (!first || read->isBeforeInBlock(first)))
      first = read;
  return first;
}

// How many elements a call may read back from a tensor; -1: it cannot.
static int64_t readableElements(const ValueFacts &facts) {
  if (!facts.element.isSignlessInteger())
    return -1;
  int64_t count = 1;
  for (AffineExpr dim : *facts.shape) {
    auto size = constantSize(dim);
    if (!size || (count *= *size) > kMaxReadElements)
      return -1;
  }
  return count;
}

void laic::addReadContents(Value tensor, ValueFacts &facts, SizeSymbols &symbols) {
  if (facts.ints || !facts.shape)
    return;
  if (ReadSizesOp read = findRead(tensor))
    if (int64_t count = readableElements(facts); count > 0)
      facts.ints = readContents(symbols, read.getRead(), count);
}

bool laic::isReadBack(Value tensor, const ValueFacts &facts, SizeSymbols &symbols) {
  ReadSizesOp read = findRead(tensor);
  return read && facts.ints && !facts.ints->empty() && facts.ints->front() == symbols.readElement(read.getRead(), 0);
}

FailureOr<llvm::SmallVector<AffineExpr, 4>> ShapeContext::elements(unsigned i, llvm::StringRef what, int64_t most) {
  ValueFacts &facts = *operands[i];
  if (facts.ints || !facts.argument)
    return sizes(i, what);
  AffineExpr length = facts.shape->front();
  symbols.requireAtLeast(cst(most), length, named("'" + what + "' must have at most " + Twine(most) + " elements"));
  facts.padded.emplace();
  for (int64_t k = 0; k < most; ++k) {
    AffineExpr element = symbols.inputElement(*facts.argument, k);
    facts.padded->push_back(symbols.select(symbols.less(cst(k), length), element, cst(kAbsent)));
  }
  return *facts.padded;
}

std::optional<int64_t> ShapeContext::declaredRank(unsigned i) const {
  auto ranks = op->getAttrOfType<DenseI64ArrayAttr>("laic.ranks");
  if (!ranks || i >= static_cast<unsigned>(ranks.size()) || ranks[i] < 0)
    return std::nullopt;
  return ranks[i];
}

FailureOr<llvm::SmallVector<AffineExpr, 4>> ShapeContext::sizes(unsigned i, llvm::StringRef what, std::optional<int64_t> count) {
  if (operands[i]->ints)
    return *operands[i]->ints;
  if (operands[i]->argument && count && *count >= 0) {
    symbols.requireEqual(operands[i]->shape->front(), cst(*count),
                         named("'" + what + "' must have " + Twine(*count) + " elements"));
    llvm::SmallVector<AffineExpr, 4> contents;
    for (int64_t k = 0; k < *count; ++k)
      contents.push_back(symbols.inputElement(*operands[i]->argument, k));
    operands[i]->padded = contents; // what lowering finds
    return contents;
  }
  if (int64_t count = readableElements(*operands[i]); count >= 0) {
    Value tensor = op->getOperand(i);
    ReadSizesOp read = findRead(tensor);
    if (!read && count > 0) {
      OpBuilder b(op);
      b.setInsertionPointAfterValue(tensor);
      read = ReadSizesOp::create(b, op->getLoc(), tensor, symbols.nextRead());
    }
    return *(operands[i]->ints = readContents(symbols, read ? read.getRead() : 0, count));
  }
  return fail("needs '" + what + "' to be known when compiling, but it depends on data that is computed at run time");
}

FailureOr<int64_t> ShapeContext::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return fail("expects an axis in [" + Twine(-rank) + ", " + Twine(rank - 1) + "], got " + Twine(axis));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<AffineExpr> ShapeContext::axis(AffineExpr axis, int64_t rank) {
  if (auto c = constantSize(axis)) {
    auto known = this->axis(*c, rank);
    if (failed(known))
      return failure();
    return cst(*known);
  }
  std::string message = named("expects an axis in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  symbols.requireAtLeast(axis, cst(-rank), message);
  symbols.requireAtLeast(cst(rank - 1), symbols.select(symbols.equal(axis, cst(kAbsent)), cst(0), axis), message);
  return symbols.wrapAxis(axis, rank);
}

FailureOr<SymShape> ShapeContext::axisMask(llvm::ArrayRef<AffineExpr> axes, int64_t rank) {
  for (AffineExpr given : axes)
    if (failed(this->axis(given, rank)))
      return failure();
  return symbols.axisMask(axes, rank);
}

SymShape ShapeContext::compact(llvm::ArrayRef<AffineExpr> dims, llvm::ArrayRef<AffineExpr> mask, int64_t count) {
  SymShape result(count, cst(1));
  AffineExpr before = cst(0); // how many dims have been taken
  for (auto [dim, masked] : llvm::zip(dims, mask)) {
    AffineExpr taken = symbols.equal(masked, cst(0));
    for (int64_t to = 0; to < count; ++to)
      result[to] = symbols.select(symbols.mul(taken, symbols.equal(before, cst(to))), dim, result[to]);
    before = canonicalSize(before + taken);
  }
  return result;
}

FailureOr<AffineExpr> ShapeContext::broadcast(AffineExpr a, AffineExpr b) {
  if (a == b)
    return a;
  auto ca = constantSize(a), cb = constantSize(b);
  if (ca == 1)
    return b;
  if (cb == 1)
    return a;
  if (ca && cb)
    return fail("cannot broadcast a dim of size " + Twine(*ca) + " with one of size " + Twine(*cb));
  std::string message = named("operands of these sizes do not broadcast");
  if (!ca && !cb)
    return symbols.broadcast(a, b, message);
  // A constant other than 1 decides; the other size is equal or 1.
  AffineExpr decided = ca ? a : b, unknown = ca ? b : a, one = cst(1);
  symbols.requireEqual(unknown, symbols.select(symbols.equal(unknown, one), one, decided), message);
  return decided;
}

FailureOr<SymShape> ShapeContext::broadcast(llvm::ArrayRef<AffineExpr> a, llvm::ArrayRef<AffineExpr> b) {
  SymShape result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {
    size_t fromEnd = result.size() - i;
    AffineExpr x = fromEnd <= a.size() ? a[a.size() - fromEnd] : cst(1);
    AffineExpr y = fromEnd <= b.size() ? b[b.size() - fromEnd] : cst(1);
    auto dim = broadcast(x, y);
    if (failed(dim))
      return failure();
    result[i] = *dim;
  }
  return result;
}

AffineExpr ShapeContext::product(llvm::ArrayRef<AffineExpr> dims) const {
  AffineExpr p = cst(1);
  for (AffineExpr d : dims)
    p = symbols.mul(p, d);
  return p;
}

void ShapeContext::set(unsigned i, llvm::ArrayRef<AffineExpr> shape, Type element) {
  results[i].shape.emplace();
  for (AffineExpr e : shape)
    results[i].shape->push_back(canonicalSize(e));
  results[i].element = element;
}

void ShapeContext::setInts(unsigned i, llvm::ArrayRef<AffineExpr> contents) {
  if (static_cast<int64_t>(contents.size()) > kMaxContents)
    return;
  results[i].ints.emplace();
  for (AffineExpr e : contents)
    results[i].ints->push_back(canonicalSize(e));
}

void ShapeContext::setFloats(unsigned i, llvm::ArrayRef<double> contents) {
  if (static_cast<int64_t>(contents.size()) <= kMaxContents)
    results[i].floats.emplace(contents.begin(), contents.end());
}

LogicalResult ShapeContext::same(unsigned i, bool contents) {
  set(0, shape(i), element(i));
  if (contents) {
    results[0].ints = operands[i]->ints;
    results[0].floats = operands[i]->floats;
  }
  return success();
}

namespace {

// What integer elementwise operations do to sizes; null where nothing is known.
AffineExpr foldInts(Operation *op, SizeSymbols &s, llvm::ArrayRef<AffineExpr> in) {
  llvm::StringRef name = op->getName().stripDialect();
  if (in.size() == 1) {
    if (name == "identity" || name == "cast")
      return in[0];
    if (name == "neg")
      return canonicalSize(-in[0]);
    if (name == "not")
      return s.equal(in[0], s.constant(0));
    if (name == "abs" && s.knownAtLeast(in[0], 0))
      return in[0];
    return {};
  }
  if (in.size() == 3)
    return name == "where" ? s.select(in[0], in[1], in[2]) : AffineExpr();
  if (in.size() != 2)
    return {};
  AffineExpr a = in[0], b = in[1];
  if (name == "add")
    return canonicalSize(a + b);
  if (name == "sub")
    return canonicalSize(a - b);
  if (name == "mul")
    return s.mul(a, b);
  if (name == "div")
    return constantSize(b) == 0 ? AffineExpr() : s.truncDiv(a, b);
  if (name == "mod" && constantSize(b) != 0) // fmod: the sign of the dividend
    return cast<ModOp>(op).getFmod() ? canonicalSize(a - s.mul(b, s.truncDiv(a, b))) : s.mod(a, b);
  if (name == "equal")
    return s.equal(a, b);
  if (name == "less")
    return s.less(a, b);
  if (name == "greater")
    return s.less(b, a);
  if (name == "less_or_equal")
    return s.equal(s.less(b, a), s.constant(0));
  if (name == "greater_or_equal")
    return s.equal(s.less(a, b), s.constant(0));
  if (name == "and")
    return s.mul(a, b);
  if (name == "or")
    return s.max(a, b);
  return {};
}

// The index into a broadcast operand of shape `from` for the flat result index over constant `to`.
int64_t broadcastIndex(int64_t flat, llvm::ArrayRef<int64_t> to, llvm::ArrayRef<int64_t> from) {
  int64_t index = 0, stride = 1, skip = to.size() - from.size();
  for (int64_t d = to.size() - 1; d >= 0; --d) {
    int64_t i = flat % to[d];
    flat /= to[d];
    if (d < skip)
      continue;
    index += (from[d - skip] == 1 ? 0 : i) * stride;
    stride *= from[d - skip];
  }
  return index;
}

// Float operations on known constants (Resize scales and the like).
std::optional<double> foldFloats(Operation *op, llvm::ArrayRef<double> in) {
  llvm::StringRef name = op->getName().stripDialect();
  if (in.size() == 1) {
    if (name == "identity" || name == "cast")
      return in[0];
    if (name == "neg")
      return -in[0];
    if (name == "floor")
      return std::floor(in[0]);
    if (name == "ceil")
      return std::ceil(in[0]);
    return std::nullopt;
  }
  if (in.size() != 2)
    return std::nullopt;
  if (name == "add")
    return in[0] + in[1];
  if (name == "sub")
    return in[0] - in[1];
  if (name == "mul")
    return in[0] * in[1];
  if (name == "div" && in[1] != 0)
    return in[0] / in[1];
  return std::nullopt;
}

} // namespace

namespace {

// Of types that text is not made of or read as: through f32.
bool isWrittenAsFloat(Type type) { return isNarrowFloat(type) || type.isF16() || type.isBF16(); }

// Cast from and to strings.
LogicalResult castStrings(ShapeContext &ctx, CastOp op) {
  MLIRContext *mlir = op.getContext();
  Type from = ctx.element(0), to = op.targetElement();
  if (!to)
    return ctx.fail("has an unsupported result type");
  AffineMap shape = AffineMap::getMultiDimIdentityMap(ctx.rank(0), mlir);
  auto castTo = [&](RewriterBase &b, Value x, Type type) -> Value {
    return CastOp::create(b, op.getLoc(), UnrankedTensorType::get(type), x, onnxElementCode(type), op.getSaturate(),
                          op.getRoundMode());
  };
  return ctx.replace([&](RewriterBase &b) -> llvm::SmallVector<Value> {
    Value x = op.getX();
    if (from == to)
      return {x};
    Type other = isa<StringType>(to) ? from : to, written = isWrittenAsFloat(other) ? Float32Type::get(mlir) : other;
    if (isa<StringType>(to))
      return createHostFunction(b, op.getLoc(), "text.from_numbers", from == written ? x : castTo(b, x, written),
                                onnxElementCode(written), HostResult{shape, to});
    Value numbers =
        createHostFunction(b, op.getLoc(), "text.to_numbers", x, onnxElementCode(written), HostResult{shape, written})[0];
    return {to == written ? numbers : castTo(b, numbers, to)};
  });
}

} // namespace

LogicalResult ShapeContext::inferElementwise(Operation *op) {
  auto isText = [](const ValueFacts *facts) { return isa<StringType>(facts->element); };
  if (auto cast = dyn_cast<CastOp>(op); cast && (isText(operands[0]) || isa_and_nonnull<StringType>(cast.targetElement())))
    return castStrings(*this, cast);
  if (isa<EqualOp>(op) && llvm::all_of(operands, isText))
    return replace([&](RewriterBase &b) -> llvm::SmallVector<Value> {
      auto type = UnrankedTensorType::get(b.getI1Type());
      return {StringEqualOp::create(b, op->getLoc(), type, op->getOperand(0), op->getOperand(1))};
    });
  SymShape shape;
  llvm::SmallVector<Type> elements;
  for (unsigned i = 0; i < operands.size(); ++i) {
    auto joined = broadcast(shape, this->shape(i));
    if (failed(joined))
      return failure();
    shape = *joined;
    elements.push_back(element(i));
  }
  unsigned firstValue = op->getName().stripDialect() == "where" ? 1 : 0;
  for (unsigned i = firstValue + 1; i < operands.size(); ++i)
    if (elements[i] != elements[firstValue] && op->getName().stripDialect() != "pow")
      return fail("expects operands of one element type, got " + debugTypes(elements[firstValue], elements[i]));
  Type result = cast<ScalarBodyInterface>(op).resultElement(elements);
  if (!result)
    return fail("has an unsupported result type");
  set(0, shape, result);

  auto dims = staticShape(shape);
  int64_t count = 1;
  for (int64_t d : dims)
    if (ShapedType::isDynamic(d) || (count *= d) > kMaxContents)
      return success();
  auto fold = [&](auto member, auto &&apply) {
    for (const ValueFacts *facts : operands)
      if (!(facts->*member))
        return;
    for (int64_t flat = 0; flat < count; ++flat)
      if (!apply(flat))
        return;
  };
  if (op->getName().stripDialect() == "cast") {
    foldCast(result);
    return success();
  }
  if (isa<IntegerType>(result)) {
    llvm::SmallVector<AffineExpr, 4> contents;
    fold(&ValueFacts::ints, [&](int64_t flat) {
      llvm::SmallVector<AffineExpr, 3> in;
      for (const ValueFacts *facts : operands)
        in.push_back((*facts->ints)[broadcastIndex(flat, dims, staticShape(*facts->shape))]);
      AffineExpr value = foldInts(op, symbols, in);
      if (value)
        contents.push_back(value);
      return static_cast<bool>(value);
    });
    if (static_cast<int64_t>(contents.size()) == count && allHaveInts())
      setInts(0, contents);
    return success();
  }
  llvm::SmallVector<double, 4> contents;
  fold(&ValueFacts::floats, [&](int64_t flat) {
    llvm::SmallVector<double, 3> in;
    for (const ValueFacts *facts : operands)
      in.push_back((*facts->floats)[broadcastIndex(flat, dims, staticShape(*facts->shape))]);
    auto value = foldFloats(op, in);
    if (value)
      contents.push_back(*value);
    return value.has_value();
  });
  if (static_cast<int64_t>(contents.size()) == count && count > 0)
    setFloats(0, contents);
  return success();
}

namespace {

// What an integer becomes in a type of fewer bits; null for a size, which is not known to fit.
AffineExpr wrapped(AffineExpr value, IntegerType type) {
  auto known = constantSize(value);
  if (!known)
    return type.getWidth() < 32 ? AffineExpr() : value;
  APInt bits = APInt(64, static_cast<uint64_t>(*known)).trunc(std::min(type.getWidth(), 64u));
  bool isSigned = !type.isUnsigned() || type.getWidth() == 64;
  return getAffineConstantExpr(isSigned ? bits.getSExtValue() : static_cast<int64_t>(bits.getZExtValue()), value.getContext());
}

double rounded(double value, FloatType type) {
  APFloat number(value);
  bool lost;
  number.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
  return number.convertToDouble();
}

} // namespace

void ShapeContext::foldCast(Type result) {
  const ValueFacts &in = *operands[0];
  if (isNarrowFloat(result))
    return;
  bool toInt = isa<IntegerType>(result), toBool = result.isInteger(1);
  llvm::SmallVector<AffineExpr, 4> ints;
  llvm::SmallVector<double, 4> floats;
  if (in.ints && toInt) {
    for (AffineExpr e : *in.ints) {
      ints.push_back(toBool ? symbols.equal(symbols.equal(e, cst(0)), cst(0)) : wrapped(e, cast<IntegerType>(result)));
      if (!ints.back())
        return;
    }
    setInts(0, ints);
  } else if (in.ints) {
    for (AffineExpr e : *in.ints) {
      auto c = constantSize(e);
      if (!c)
        return;
      floats.push_back(rounded(static_cast<double>(*c), cast<FloatType>(result)));
    }
    setFloats(0, floats);
  } else if (in.floats && toInt) {
    for (double d : *in.floats) {
      AffineExpr whole = cst(std::isnan(d) ? 0 : static_cast<int64_t>(std::clamp(d, -9.0e18, 9.0e18)));
      ints.push_back(toBool ? cst(d != 0) : wrapped(whole, cast<IntegerType>(result)));
    }
    setInts(0, ints);
  } else if (in.floats) {
    for (double d : *in.floats)
      floats.push_back(rounded(d, cast<FloatType>(result)));
    setFloats(0, floats);
  }
}

bool ShapeContext::allHaveInts() const {
  return llvm::all_of(operands, [](const ValueFacts *facts) { return facts->ints.has_value(); });
}

std::string ShapeContext::debugTypes(Type a, Type b) {
  std::string s;
  llvm::raw_string_ostream os(s);
  os << a << " and " << b;
  return s;
}
