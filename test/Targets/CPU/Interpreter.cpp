// Evaluates linalg, tensor, arith and laic.contract by their definitions, slowly and without sharing code
// with the compiler.
#include "Interpreter.h"

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace laic;
using namespace laic::test;

namespace {

using Index = SmallVector<int64_t>;

int64_t elements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// Calls `visit` for every index below `shape`, in row-major order.
template <typename Visit> void forEach(ArrayRef<int64_t> shape, Visit visit) {
  Index index(shape.size(), 0);
  for (int64_t count = elements(shape); count > 0; --count) {
    visit(ArrayRef<int64_t>(index));
    for (int64_t d = shape.size() - 1; d >= 0 && ++index[d] == shape[d]; --d)
      index[d] = 0;
  }
}

class Machine {
public:
  explicit Machine(ArrayRef<int64_t> symbols) : symbols(symbols) {}
  std::string error;

  std::vector<Array> run(func::FuncOp func, ArrayRef<Array> arguments) {
    Block &block = func.getBody().front();
    for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments))
      if (argument.getType().isIndex())
        scalars[argument] = value.data[0];
      else
        tensors[argument] = value;
    for (Operation &op : block.without_terminator()) {
      step(&op);
      if (!error.empty())
        return {};
    }
    std::vector<Array> results;
    for (Value value : block.getTerminator()->getOperands())
      results.push_back(tensors[value]);
    return results;
  }

private:
  void fail(Operation *op) {
    if (error.empty())
      error = "cannot evaluate " + op->getName().getStringRef().str();
  }

  double &at(Array &array, ArrayRef<int64_t> index) {
    int64_t offset = 0;
    if (index.size() != array.shape.size() && error.empty())
      error = "index of the wrong rank";
    for (size_t d = 0; d < array.shape.size() && error.empty(); ++d) {
      if (index[d] < 0 || index[d] >= array.shape[d])
        error = "index out of bounds";
      offset = offset * array.shape[d] + index[d];
    }
    static double nothing;
    return error.empty() ? array.data[offset] : nothing;
  }

  static double attribute(Attribute value) {
    if (auto number = dyn_cast<FloatAttr>(value))
      return number.getValueAsDouble();
    return cast<IntegerAttr>(value).getInt();
  }

  Array dense(Attribute value) {
    auto dense = cast<DenseElementsAttr>(value);
    Array array{Index(dense.getType().getShape()), {}};
    if (isa<FloatType>(dense.getElementType()))
      for (APFloat element : dense.getValues<APFloat>())
        array.data.push_back(element.convertToDouble());
    else
      for (APInt element : dense.getValues<APInt>())
        array.data.push_back(element.getSExtValue());
    return array;
  }

  Index sizes(ArrayRef<OpFoldResult> mixed) {
    Index values;
    for (OpFoldResult size : mixed)
      values.push_back(isa<Attribute>(size) ? *getConstantIntValue(size) : int64_t(scalars[cast<Value>(size)]));
    return values;
  }

  static Array make(ArrayRef<int64_t> shape, double value) { return {Index(shape), std::vector<double>(elements(shape), value)}; }

  // ---- scalar bodies ----

  double scalar(Operation *op, ArrayRef<int64_t> loops) {
    auto in = [&](unsigned i) { return scalars[op->getOperand(i)]; };
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return attribute(constant.getValue());
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      return loops[index.getDim()];
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      Index index;
      for (Value i : extract.getIndices())
        index.push_back(scalars[i]);
      return at(tensors[extract.getTensor()], index);
    }
    if (isa<arith::AddFOp, arith::AddIOp>(op))
      return in(0) + in(1);
    if (isa<arith::SubFOp, arith::SubIOp>(op))
      return in(0) - in(1);
    if (isa<arith::MulFOp, arith::MulIOp>(op))
      return in(0) * in(1);
    if (isa<arith::DivFOp>(op))
      return in(0) / in(1);
    if (isa<arith::DivSIOp, arith::DivUIOp>(op))
      return std::trunc(in(0) / in(1));
    if (isa<arith::RemSIOp, arith::RemUIOp>(op))
      return std::fmod(in(0), in(1));
    if (isa<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(op))
      return std::max(in(0), in(1));
    if (isa<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(op))
      return std::min(in(0), in(1));
    if (isa<arith::ExtFOp, arith::TruncFOp, arith::ExtSIOp, arith::SIToFPOp, arith::IndexCastOp>(op))
      return in(0);
    if (isa<arith::ExtUIOp>(op))
      return in(0) < 0 ? in(0) + 256 : in(0);
    if (isa<arith::FPToSIOp, arith::FPToUIOp>(op))
      return std::trunc(in(0));
    if (isa<arith::TruncIOp>(op))
      return int8_t(int64_t(in(0)));
    if (isa<arith::SelectOp>(op))
      return in(0) != 0 ? in(1) : in(2);
    if (op->getDialect() && isa<math::MathDialect>(op->getDialect()))
      return mathematical(op, in(0), op->getNumOperands() > 1 ? in(1) : 0);
    if (isa<arith::NegFOp>(op))
      return -in(0);
    if (isa<arith::OrIOp>(op))
      return in(0) != 0 || in(1) != 0;
    if (isa<arith::AndIOp>(op))
      return in(0) != 0 && in(1) != 0;
    if (isa<arith::RemFOp>(op))
      return std::fmod(in(0), in(1));
    if (isa<CheckIndexOp>(op))
      return in(0) >= 0 && in(0) < in(1) ? in(0) : 0;
    if (auto compare = dyn_cast<arith::CmpIOp>(op))
      return this->compare(compare.getPredicate(), in(0), in(1));
    if (auto compare = dyn_cast<arith::CmpFOp>(op))
      return compare.getPredicate() == arith::CmpFPredicate::OGT ? in(0) > in(1) : in(0) < in(1);
    fail(op);
    return 0;
  }

  double mathematical(Operation *op, double x, double y) {
    using Function = double (*)(double);
    static const std::pair<StringRef, Function> functions[] = {
        {"exp", std::exp},     {"exp2", std::exp2},   {"expm1", std::expm1},        {"log", std::log},     {"log1p", std::log1p},
        {"log2", std::log2},   {"log10", std::log10}, {"tanh", std::tanh},          {"erf", std::erf},     {"sin", std::sin},
        {"cos", std::cos},     {"tan", std::tan},     {"asin", std::asin},          {"acos", std::acos},   {"atan", std::atan},
        {"sinh", std::sinh},   {"cosh", std::cosh},   {"asinh", std::asinh},        {"acosh", std::acosh}, {"atanh", std::atanh},
        {"sqrt", std::sqrt},   {"cbrt", std::cbrt},   {"absf", std::fabs},          {"floor", std::floor}, {"ceil", std::ceil},
        {"trunc", std::trunc}, {"round", std::round}, {"roundeven", std::nearbyint}};
    StringRef name = op->getName().stripDialect();
    for (auto [known, function] : functions)
      if (name == known)
        return function(x);
    if (name == "rsqrt")
      return 1 / std::sqrt(x);
    if (name == "powf")
      return std::pow(x, y);
    if (name == "atan2")
      return std::atan2(x, y);
    fail(op);
    return 0;
  }

  bool compare(arith::CmpIPredicate predicate, double l, double r) {
    using P = arith::CmpIPredicate;
    if (predicate == P::slt || predicate == P::ult)
      return l < r;
    if (predicate == P::sge || predicate == P::uge)
      return l >= r;
    if (predicate == P::sgt || predicate == P::ugt)
      return l > r;
    if (predicate == P::sle || predicate == P::ule)
      return l <= r;
    return (predicate == P::eq) == (l == r);
  }

  SmallVector<double> body(Block &block, ArrayRef<double> arguments, ArrayRef<int64_t> loops) {
    for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments))
      scalars[argument] = value;
    for (Operation &op : block.without_terminator())
      scalars[op.getResult(0)] = scalar(&op, loops);
    SmallVector<double> values;
    for (Value value : block.getTerminator()->getOperands())
      values.push_back(scalars[value]);
    return values;
  }

  Index apply(AffineMap map, ArrayRef<int64_t> dims) {
    Index result;
    for (AffineExpr expr : map.getResults())
      result.push_back(evaluate(expr, dims));
    return result;
  }
  int64_t evaluate(AffineExpr expr, ArrayRef<int64_t> dims) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return constant.getValue();
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return dims[dim.getPosition()];
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      return symbols[symbol.getPosition()];
    auto binary = cast<AffineBinaryOpExpr>(expr);
    int64_t l = evaluate(binary.getLHS(), dims), r = evaluate(binary.getRHS(), dims);
    if (expr.getKind() == AffineExprKind::Add)
      return l + r;
    if (expr.getKind() == AffineExprKind::Mul)
      return l * r;
    if (expr.getKind() == AffineExprKind::CeilDiv)
      return (l + r - 1) / r;
    return expr.getKind() == AffineExprKind::FloorDiv ? l / r : l % r;
  }

  // ---- tensor operations ----

  void step(Operation *op) {
    if (isa<arith::ConstantOp, ConstantOp>(op))
      return constant(op);
    if (auto size = dyn_cast<SizeOp>(op)) {
      scalars[size.getResult()] = evaluate(size.getMap().getResult(0), {});
      return;
    }
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      scalars[dim.getResult()] = tensors[dim.getSource()].shape[*dim.getConstantIndex()];
      return;
    }
    if (auto empty = dyn_cast<tensor::EmptyOp>(op))
      return set(op, make(sizes(empty.getMixedSizes()), std::numeric_limits<double>::quiet_NaN()));
    if (auto fill = dyn_cast<linalg::FillOp>(op))
      return set(op, make(tensors[fill.getOutputs()[0]].shape, scalars[fill.getInputs()[0]]));
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      return run(generic);
    if (auto contract = dyn_cast<ContractOp>(op))
      return run(contract);
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
      return run(transpose);
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op))
      return reshape(op);
    if (auto pad = dyn_cast<tensor::PadOp>(op))
      return run(pad);
    if (auto concat = dyn_cast<tensor::ConcatOp>(op))
      return run(concat);
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      return run(slice);
    if (auto slice = dyn_cast<tensor::InsertSliceOp>(op))
      return run(slice);
    fail(op);
  }

  void set(Operation *op, Array array) { tensors[op->getResult(0)] = std::move(array); }

  void constant(Operation *op) {
    Attribute value = op->getAttr("value");
    if (isa<RankedTensorType>(op->getResult(0).getType()))
      return set(op, dense(value));
    scalars[op->getResult(0)] = attribute(value);
  }

  void run(linalg::GenericOp op) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    Index loops(op.getNumLoops(), -1);
    for (OpOperand &operand : op->getOpOperands())
      for (auto [i, expr] : llvm::enumerate(maps[operand.getOperandNumber()].getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          loops[dim.getPosition()] = tensors[operand.get()].shape[i];
    SmallVector<Array> outputs;
    for (Value init : op.getOutputs())
      outputs.push_back(tensors[init]);
    forEach(loops, [&](ArrayRef<int64_t> index) {
      if (!error.empty())
        return;
      SmallVector<double> arguments;
      for (auto [i, input] : llvm::enumerate(op.getInputs()))
        arguments.push_back(at(tensors[input], apply(maps[i], index)));
      for (auto [i, output] : llvm::enumerate(outputs))
        arguments.push_back(at(output, apply(maps[op.getNumDpsInputs() + i], index)));
      SmallVector<double> values = body(*op.getBody(), arguments, index);
      for (auto [i, output] : llvm::enumerate(outputs))
        at(output, apply(maps[op.getNumDpsInputs() + i], index)) = values[i];
    });
    for (auto [result, output] : llvm::zip_equal(op.getResults(), outputs))
      tensors[result] = output;
  }

  void run(ContractOp op) {
    Array &a = tensors[op.getA()], &b = tensors[op.getB()];
    unsigned parallel = op.getParallel(), batches = op.getBBatch().size();
    auto type = op.getC().getType();
    Index shape;
    unsigned dynamic = 0;
    for (int64_t size : type.getShape())
      shape.push_back(ShapedType::isDynamic(size) ? int64_t(scalars[op.getResultSizes()[dynamic++]]) : size);
    int64_t group = op.getGroup();
    Index reductions(b.shape.begin() + batches + 1, b.shape.end() - (group == 1 ? 1 : 2));
    reductions.back() *= group;
    Array c = make(shape, 0);
    forEach(shape, [&](ArrayRef<int64_t> outer) {
      double sum = 0;
      forEach(reductions, [&](ArrayRef<int64_t> inner) {
        if (!error.empty())
          return;
        Index loops(outer), packed;
        loops.append(inner.begin(), inner.end());
        for (int64_t batch : op.getBBatch())
          packed.push_back(outer[batch]);
        packed.push_back(outer.back() / 32);
        packed.append(inner.begin(), inner.end());
        packed.back() /= group;
        packed.push_back(outer.back() % 32);
        if (group != 1)
          packed.push_back(inner.back() % group);
        double x = at(a, apply(op.getAMap(), loops)), y = at(b, packed);
        x = op.getUnsignedA() && x < 0 ? x + 256 : x;
        y = op.getUnsignedB() && y < 0 ? y + 256 : y;
        sum += x * y;
      });
      SmallVector<double> arguments{sum};
      for (auto [extra, map] : llvm::zip_equal(op.getExtras(), op.getExtraMaps()))
        arguments.push_back(at(tensors[extra], apply(cast<AffineMapAttr>(map).getValue(), outer)));
      at(c, outer) = body(op.getEpilogue().front(), arguments, outer)[0];
    });
    if (shape.size() != parallel)
      fail(op);
    set(op, c);
  }

  void run(linalg::TransposeOp op) {
    Array &source = tensors[op.getInput()];
    Index shape;
    for (int64_t i : op.getPermutation())
      shape.push_back(source.shape[i]);
    Array result = make(shape, 0);
    forEach(shape, [&](ArrayRef<int64_t> index) {
      Index from(index.size());
      for (auto [i, p] : llvm::enumerate(op.getPermutation()))
        from[p] = index[i];
      at(result, index) = at(source, from);
    });
    set(op, result);
  }

  void reshape(Operation *op) {
    Array array = tensors[op->getOperand(0)];
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      array.shape = sizes(getMixedValues(expand.getStaticOutputShape(), expand.getOutputShape(), op->getContext()));
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
      Index shape;
      for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
        shape.push_back(1);
        for (int64_t d : group)
          shape.back() *= array.shape[d];
      }
      array.shape = shape;
    }
    if (elements(array.shape) != int64_t(array.data.size()))
      fail(op);
    set(op, array);
  }

  void run(tensor::PadOp op) {
    Array &source = tensors[op.getSource()];
    Index low = sizes(op.getMixedLowPad()), high = sizes(op.getMixedHighPad()), shape;
    for (size_t d = 0; d < low.size(); ++d)
      shape.push_back(source.shape[d] + low[d] + high[d]);
    Value padding = op.getConstantPaddingValue();
    if (!padding)
      return fail(op);
    Attribute value;
    (void)matchPattern(padding, m_Constant(&value));
    Array result = make(shape, value ? attribute(value) : scalars[padding]);
    forEach(source.shape, [&](ArrayRef<int64_t> index) {
      Index to(index);
      for (size_t d = 0; d < low.size(); ++d)
        to[d] += low[d];
      at(result, to) = at(source, index);
    });
    set(op, result);
  }

  void run(tensor::ConcatOp op) {
    Index shape = tensors[op.getInputs()[0]].shape;
    shape[op.getDim()] = 0;
    for (Value input : op.getInputs())
      shape[op.getDim()] += tensors[input].shape[op.getDim()];
    Array result = make(shape, 0);
    int64_t offset = 0;
    for (Value input : op.getInputs()) {
      Array &source = tensors[input];
      forEach(source.shape, [&](ArrayRef<int64_t> index) {
        Index to(index);
        to[op.getDim()] += offset;
        at(result, to) = at(source, index);
      });
      offset += source.shape[op.getDim()];
    }
    set(op, result);
  }

  void run(tensor::ExtractSliceOp op) {
    Array &source = tensors[op.getSource()];
    Index offsets = sizes(op.getMixedOffsets()), extents = sizes(op.getMixedSizes()), strides = sizes(op.getMixedStrides());
    Array full = make(extents, 0);
    forEach(extents, [&](ArrayRef<int64_t> index) {
      Index from;
      for (size_t d = 0; d < index.size(); ++d)
        from.push_back(offsets[d] + index[d] * strides[d]);
      at(full, index) = at(source, from);
    });
    llvm::SmallBitVector dropped = op.getDroppedDims();
    Index shape;
    for (size_t d = 0; d < extents.size(); ++d)
      if (!dropped[d])
        shape.push_back(extents[d]);
    full.shape = shape;
    set(op, full);
  }

  void run(tensor::InsertSliceOp op) {
    Array source = tensors[op.getSource()], result = tensors[op.getDest()];
    Index offsets = sizes(op.getMixedOffsets()), extents = sizes(op.getMixedSizes()), strides = sizes(op.getMixedStrides());
    source.shape = extents;
    forEach(extents, [&](ArrayRef<int64_t> index) {
      Index to;
      for (size_t d = 0; d < index.size(); ++d)
        to.push_back(offsets[d] + index[d] * strides[d]);
      at(result, to) = at(source, index);
    });
    set(op, result);
  }

  SmallVector<int64_t> symbols;
  llvm::DenseMap<Value, Array> tensors;
  llvm::DenseMap<Value, double> scalars;
};

} // namespace

Interpretation laic::test::interpret(func::FuncOp func, ArrayRef<Array> arguments, ArrayRef<int64_t> symbols) {
  Machine machine(symbols);
  Interpretation result;
  result.results = machine.run(func, arguments);
  result.error = machine.error;
  return result;
}
