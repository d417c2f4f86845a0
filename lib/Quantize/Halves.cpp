// Decides operation by operation which ones are computed in 16-bit floats, and rewrites those:
//
//   y = op(x, constants)  ->  y16 = op(cast(x), constants in 16 bits), y = cast(y16)
//
// A value has at most one narrow and one wide form: operations take the one that they need, and casts that nothing needs are not left.
#include "Halves.h"

#include "GraphEdit.h"
#include "Widening.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

/// What is left of the range of f16 for inputs that the samples do not show.
constexpr double kMargin = 4;
/// Constants must keep this much; rounding alone leaves 73 dB (f16) and 55 dB (bf16) of those that are not too small for the type.
constexpr double kLeastOfConstants = 50;

/// Reads sizes alone, whatever the elements are.
bool readsSizes(Operation *op) { return isa<ShapeOp, SizeOfOp>(op); }

/// The operations that are decided about, in their order.
llvm::SmallVector<Operation *> findOperations(func::FuncOp main) {
  llvm::SmallVector<Operation *> found;
  for (Operation &op : main.getBody().front().without_terminator())
    if (!isa<ConstantOp, NoneOp, CastOp>(op) && !readsSizes(&op) &&
        (llvm::any_of(op.getOperands(), isFloatTensor) || llvm::any_of(op.getResults(), isFloatTensor)))
      found.push_back(&op);
  return found;
}

/// Constants of these are bounds: infinity does as well as any number beyond the range.
bool boundsByConstants(Operation *op) { return isa<ClipOp, MinOp, MaxOp>(op); }

/// Whether a cast gives away a float's digits.
bool castsToFloat(Operation *op) { return isa<CastOp>(op) && isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())); }

/// Moved values have the type that they come in: with one of them in f32, all of them.
void followMoves(func::FuncOp main, std::vector<HalfPlan> &decided) {
  llvm::DenseSet<Value> narrow;
  for (auto [op, one] : llvm::zip_equal(findOperations(main), decided)) {
    if (!one.kept.empty())
      continue;
    if (one.moves() && llvm::any_of(one.known->operands(op), [&](OpOperand *operand) {
          return !narrow.contains(operand->get()) && !operand->get().getDefiningOp<ConstantOp>();
        })) {
      one.kept = "what it moves is in f32";
      continue;
    }
    llvm::SmallVector<OpResult> results = one.known->results(op);
    narrow.insert(results.begin(), results.end());
  }
}

/// Keeps the two forms of values while operations are rewritten.
class HalfRewriter {
public:
  using NarrowConstant = llvm::function_ref<TypedAttr(ConstantOp)>;
  HalfRewriter(func::FuncOp main, FloatType narrow, NarrowConstant constant)
      : b(main.getContext()), narrow(narrow), constant(constant) {}

  void rewrite(Operation *op, const HalfOperator &known) {
    llvm::SmallVector<OpResult> results = known.results(op);
    for (OpOperand *operand : known.operands(op))
      operand->set(narrowed(operand->get()));
    for (OpResult result : results) {
      auto type = cast<RankedTensorType>(result.getType());
      result.setType(type.clone(narrow));
      auto wide = castTo(result, b.getF32Type()).getDefiningOp<CastOp>();
      result.replaceAllUsesExcept(wide.getResult(), wide);
      forms[wide.getResult()] = result;
      wides.push_back(wide);
    }
  }

  /// Sizes are those of either form.
  void readNarrow(Operation *op) {
    if (Value half = forms.lookup(op->getOperand(0)))
      op->setOperand(0, half);
  }

  /// A cast of the model itself to the narrow type.
  void skip(CastOp op) {
    Value half = forms.lookup(op.getX());
    if (!half || half.getType() != op.getType())
      return;
    op.getResult().replaceAllUsesWith(half);
    op.erase();
  }

  void eraseUnused() {
    for (CastOp wide : wides)
      if (wide->use_empty())
        wide.erase();
    for (ConstantOp op : replaced)
      if (op->use_empty())
        op.erase();
  }

private:
  Value narrowed(Value value) {
    Value &form = forms[value];
    if (form)
      return form;
    if (auto op = value.getDefiningOp<ConstantOp>()) {
      b.setInsertionPoint(op);
      form = ConstantOp::create(b, op.getLoc(), cast<RankedTensorType>(value.getType()).clone(narrow), constant(op));
      replaced.push_back(op);
      return form;
    }
    if (auto op = value.getDefiningOp<CastOp>(); op && getElementTypeOrSelf(op.getX().getType()) == narrow)
      return form = op.getX();
    return form = castTo(value, narrow);
  }

  Value castTo(Value value, Type element) {
    b.setInsertionPointAfterValue(value);
    return GraphEditor(b, value.getLoc()).castTo(value, element);
  }

  OpBuilder b;
  FloatType narrow;
  NarrowConstant constant;
  llvm::DenseMap<Value, Value> forms; // of a value in f32, its narrow one
  llvm::SmallVector<CastOp> wides;
  llvm::SmallVector<ConstantOp> replaced;
};

} // namespace

Halves::Halves(ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, const Samples *samples)
    : module(module), options(options), runner(runner), samples(samples) {
  MLIRContext *context = module.getContext();
  narrow = options.kind == QuantizeKind::F16 ? FloatType(Float16Type::get(context)) : FloatType(BFloat16Type::get(context));
  typeName = elementTypeName(narrow);
}

LogicalResult Halves::run() {
  if (narrow.isF16() && !samples)
    mainOf(module)
            .emitWarning("--quantize=f16: nothing guards against values beyond the range of f16 without samples")
            .attachNote()
        << "give some with --calibration=FILE.npz, or use --quantize=bf16, which has the range of f32";
  if (failed(decide()))
    return failure();
  if (samples && failed(widen()))
    return failure();
  apply(mainOf(module), plan);
  releaseConstants();
  return success();
}

LogicalResult Halves::decide() {
  operations = findOperations(mainOf(module));
  for (Operation *op : operations)
    plan.push_back(planOf(op));
  keepIntegers();
  keepWhatIsReadWide();
  if (narrow.isF16())
    keepBeyondRange();
  if (samples && failed(keepPeaks()))
    return failure();
  followMoves(mainOf(module), plan);
  return success();
}

HalfPlan Halves::planOf(Operation *op) {
  const OnnxOpRow *row = findOnnxOp(op->getName());
  HalfPlan decided;
  decided.name = nodeName(op);
  decided.kind = row ? row->onnx : op->getName().stripDialect().str();
  decided.known = findHalfOperator(op, narrow);
  if (!decided.known) {
    decided.kept = "it is not among the operators that are converted to " + typeName;
    decided.exact = true;
    return decided;
  }
  std::string problem = checkConstants(op, decided);
  decided.kept = matchesGlob(options.keepFloat, decided.name) ? kNamed.str() : problem;
  return decided;
}

std::string Halves::checkConstants(Operation *op, HalfPlan &decided) {
  std::string problem;
  for (OpOperand *operand : decided.known->operands(op)) {
    auto constant = operand->get().getDefiningOp<ConstantOp>();
    if (!constant)
      continue;
    const Constant &rounded = constantOf(constant);
    decided.weightBytes += cast<RankedTensorType>(constant.getType()).getNumElements() * 4;
    decided.signal += rounded.signal;
    decided.noise += rounded.noise;
    if (narrow.isF16() && rounded.largest > kLargestF16 && !boundsByConstants(op)) {
      decided.large = true;
      problem = llvm::formatv("its constants reach {0:E1}, and f16 ends at 65504", rounded.largest).str();
    } else if (rounded.vanishes || (rounded.signal > 0 && decibels(rounded.signal, rounded.noise) < kLeastOfConstants)) {
      problem = "its constants are too small for " + typeName;
    }
  }
  return problem;
}

// Positions and sizes: what is made of integers and constants before anything else is mixed in.
void Halves::keepIntegers() {
  llvm::DenseSet<Value> exact;
  for (Operation &op : mainOf(module).getBody().front())
    if (auto cast = dyn_cast<CastOp>(op); cast && isa<IntegerType>(getElementTypeOrSelf(cast.getX().getType())))
      exact.insert(cast.getResult());
  for (auto [op, one] : llvm::zip_equal(operations, plan)) {
    if (!one.known || one.sums())
      continue;
    bool some = false, all = true;
    for (OpOperand *operand : one.known->operands(op)) {
      bool is = exact.contains(operand->get());
      some = some || is;
      all = all && (is || operand->get().getDefiningOp<ConstantOp>());
    }
    if (!some || !all)
      continue;
    exact.insert(op->result_begin(), op->result_end());
    one.exact = true;
    if (one.kept.empty())
      one.kept = "it computes with integers, of which " + typeName + " holds few digits";
  }
}

// From the end: operations that stay in f32 for the sake of digits should get them, be it from the last product on.
void Halves::keepWhatIsReadWide() {
  llvm::DenseMap<Operation *, size_t> numbers;
  for (auto [i, op] : llvm::enumerate(operations))
    numbers[op] = i;
  auto isWide = [&](OpOperand &use) {
    auto reader = numbers.find(use.getOwner());
    if (reader == numbers.end()) // casts, results, and what reads it from within a region
      return !castsToFloat(use.getOwner()) && !use.getOwner()->hasTrait<OpTrait::IsTerminator>();
    const HalfPlan &one = plan[reader->second];
    return one.exact || !llvm::is_contained(one.known->operands(use.getOwner()), &use);
  };
  for (size_t i = plan.size(); i-- > 0;) {
    HalfPlan &one = plan[i];
    if (!one.known || one.sums() || one.exact)
      continue;
    bool used = false, wide = true;
    for (OpResult result : one.known->results(operations[i]))
      for (OpOperand &use : result.getUses()) {
        if (readsSizes(use.getOwner()))
          continue;
        used = true;
        wide = wide && isWide(use);
      }
    if (!used || !wide)
      continue;
    one.exact = true;
    if (one.kept.empty())
      one.kept = "what reads it stays in f32";
  }
}

// What large constants were put into is large until something sums, normalises or bounds it, also where no sample shows it: masks.
void Halves::keepBeyondRange() {
  llvm::DenseSet<Value> large;
  for (auto [op, one] : llvm::zip_equal(operations, plan)) {
    bool reads = llvm::any_of(op->getOperands(), [&](Value v) { return large.contains(v); });
    if (reads && one.kept.empty())
      one.kept = "what it reads may be beyond the range of f16";
    if ((reads || one.large) && one.known && !one.sums() && !isa<ClipOp>(op))
      large.insert(op->result_begin(), op->result_end());
  }
}

// Whether the range of what it yields follows from the values that it reads.
bool Halves::isBounded(Operation *op, const HalfPlan &one) {
  if (!one.known || one.known->range != HalfRange::Operands)
    return one.known && one.known->range == HalfRange::One;
  return llvm::none_of(one.known->operands(op), [&](OpOperand *operand) {
    auto constant = operand->get().getDefiningOp<ConstantOp>();
    return constant && constantOf(constant).largest > kLargestF16 / kMargin;
  });
}

llvm::SmallVector<Value> Halves::findWatched() {
  llvm::DenseSet<Value> bounded;
  llvm::SetVector<Value> watched;
  for (auto [op, one] : llvm::zip_equal(operations, plan)) {
    if (!one.known)
      continue;
    for (OpOperand *operand : one.known->operands(op))
      if (Value v = operand->get(); !v.getDefiningOp<ConstantOp>() && !bounded.contains(v))
        watched.insert(v);
    llvm::SmallVector<OpResult> results = one.known->results(op);
    if (isBounded(op, one))
      bounded.insert(results.begin(), results.end());
    else
      watched.insert(results.begin(), results.end());
  }
  return watched.takeVector();
}

LogicalResult Halves::keepPeaks() {
  llvm::SmallVector<Value> watched;
  if (narrow.isF16())
    watched = findWatched();
  floats.emplace(module, runner, *samples);
  if (failed(floats->run(watched)))
    return failure();
  if (!narrow.isF16())
    return success();
  llvm::DenseMap<Value, double> peaks;
  for (auto [value, peak] : llvm::zip_equal(watched, floats->getPeaks()))
    peaks[value] = peak;
  for (auto [op, one] : llvm::zip_equal(operations, plan)) {
    if (!one.known)
      continue;
    double read = 0;
    for (OpOperand *operand : one.known->operands(op))
      read = std::max(read, peaks.lookup(operand->get()));
    double peak = read;
    for (OpResult result : one.known->results(op)) {
      if (isBounded(op, one))
        peaks[result] = one.known->range == HalfRange::One ? 1 : read;
      peak = std::max(peak, peaks.lookup(result));
    }
    if (one.kept.empty() && peak > kLargestF16 / kMargin)
      one.kept = llvm::formatv("it meets {0:E1} on the samples, too near the end of f16 at 65504", peak).str();
  }
  return success();
}

LogicalResult Halves::widen() {
  // Rounding a result adds about as much as rounding constants does, whose share is measured.
  const double rounding = narrow.isF16() ? 0x1p-25 : 0x1p-19;
  std::vector<Candidate> candidates;
  for (auto [i, one] : llvm::enumerate(plan))
    if (one.kept.empty() && !one.moves())
      candidates.push_back({i, rounding + one.noise / std::max(one.signal, 1e-30), one.weightBytes});
  Widening search(module, options, runner, *samples, floats->getReference());
  if (failed(search.widen(plan, std::move(candidates), [&](ModuleOp copy, std::vector<HalfPlan> decided) {
        followMoves(mainOf(copy), decided);
        apply(mainOf(copy), decided);
      })))
    return failure();
  losses = search.getLosses().vec();
  followMoves(mainOf(module), plan);
  return success();
}

void Halves::apply(func::FuncOp main, llvm::ArrayRef<HalfPlan> decided) {
  llvm::DenseMap<Operation *, const HalfOperator *> converted;
  for (auto [op, one] : llvm::zip_equal(findOperations(main), decided))
    if (one.kept.empty())
      converted[op] = one.known;
  llvm::SmallVector<Operation *> all;
  for (Operation &op : main.getBody().front())
    all.push_back(&op);
  auto constant = [&](ConstantOp op) { return constantOf(op).value; };
  HalfRewriter rewriter(main, narrow, constant);
  for (Operation *op : all) {
    if (const HalfOperator *known = converted.lookup(op))
      rewriter.rewrite(op, *known);
    else if (readsSizes(op))
      rewriter.readNarrow(op);
    else if (auto cast = dyn_cast<CastOp>(op))
      rewriter.skip(cast);
  }
  rewriter.eraseUnused();
}

const Halves::Constant &Halves::constantOf(ConstantOp op) {
  Constant &constant = constants[op.getValue()];
  if (constant.value)
    return constant;
  std::vector<char> scratch;
  HalfConstants rounded = roundToHalves(floatsOf(op.getResult(), scratch), narrow);
  llvm::ArrayRef<char> bytes(reinterpret_cast<const char *>(rounded.bits.data()), rounded.bits.size() * sizeof(uint16_t));
  WeightStore &store = module.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  constant.value = makeConstant(store, bytes, cast<RankedTensorType>(op.getType()).clone(narrow));
  constant.largest = rounded.largest;
  constant.signal = rounded.signal;
  constant.noise = rounded.noise;
  constant.vanishes = 2 * rounded.lost > rounded.nonZero;
  return constant;
}

// Memory of weights that only one of the forms is left of.
void Halves::releaseConstants() {
  llvm::DenseSet<Attribute> used;
  module.walk([&](ConstantOp op) { used.insert(op.getValue()); });
  WeightStore &store = module.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  for (auto &[wide, constant] : constants)
    for (Attribute form : {wide, Attribute(constant.value)})
      if (auto weight = dyn_cast<WeightAttr>(form); weight && !used.contains(form))
        store.release(weight);
}

std::vector<LayerReport> Halves::report() const {
  std::vector<LayerReport> result;
  for (const HalfPlan &one : plan) {
    LayerReport layer;
    layer.name = one.name;
    layer.kind = one.kind;
    layer.kept = one.kept;
    layer.floatBytes = layer.bytes = one.weightBytes;
    if (one.signal > 0)
      layer.alone = decibels(one.signal, one.noise);
    if (one.kept.empty())
      layer.bytes /= 2;
    result.push_back(std::move(layer));
  }
  return result;
}
