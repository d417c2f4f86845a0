// Adagrad, Adam, Momentum: every new tensor and state is one elementwise computation over the old ones.
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/TrainingOps.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr unsigned kScalars = 2; // the learning rate R and the number of updates so far T come first

// What one step sees of one element: the rate and the update count in the tensor's type, then the element of each role.
struct Step {
  ScalarBuilder &s;
  Value rate, count;
  ValueRange x; // X, G and the states

  Value cst(const llvm::APFloat &v) const { return s.cst(v.convertToDouble(), x[0]); }
  Value cst(double v) const { return s.cst(v, x[0]); }
  Value square(Value v) const { return s.mul(v, v); }
  /// The gradient with its regularisation.
  Value gradient(const llvm::APFloat &norm) const { return s.add(s.mul(cst(norm), x[0]), x[1]); }
  Value isFirst() const { return s.le(count, cst(0)); }
  /// (1 - factor) as f32 arithmetic has it, for a factor that is an attribute.
  Value rest(const llvm::APFloat &factor) const { return cst(1.0 - factor.convertToDouble()); }
};

// The new X and the new states, for the old ones in `step`.
using Update = llvm::function_ref<llvm::SmallVector<Value>(const Step &step)>;

LogicalResult inferStep(ShapeContext &ctx, unsigned roles, unsigned results) {
  unsigned count = ctx.operandCount() - kScalars;
  if (count == 0 || count % roles != 0)
    return ctx.fail("expects " + Twine(roles) + " inputs for each tensor after R and T, got " + Twine(count));
  unsigned tensors = count / roles;
  if (results != tensors * (roles - 1))
    return ctx.fail("expects " + Twine(tensors * (roles - 1)) + " outputs for " + Twine(tensors) + " tensors, got " +
                    Twine(results));
  for (unsigned i = 0; i < kScalars; ++i)
    for (AffineExpr dim : ctx.shape(i))
      if (constantSize(dim) != 1)
        return ctx.fail("expects R and T to be scalars");
  for (unsigned i = 0; i < count; ++i) {
    unsigned tensor = kScalars + i % tensors, role = i / tensors;
    if (ctx.element(kScalars + i) != ctx.element(tensor))
      return ctx.fail("expects the gradient and the states of a tensor to have its element type");
    if (ctx.rank(kScalars + i) != ctx.rank(tensor))
      return ctx.fail("expects the gradient and the states of a tensor to have its rank");
    for (auto [got, want] : llvm::zip_equal(ctx.shape(kScalars + i), ctx.shape(tensor)))
      if (failed(ctx.equal(got, want, "the gradient and the states of a tensor must have its shape",
                           "expects the gradient and the states of a tensor to have its shape")))
        return failure();
    if (role != 1)
      ctx.set(i % tensors + (role == 0 ? 0 : role - 1) * tensors, ctx.shape(tensor), ctx.element(tensor));
  }
  return success();
}

LogicalResult lowerStep(LowerContext &ctx, unsigned roles, Update update) {
  unsigned tensors = (ctx.operandCount() - kScalars) / roles;
  for (unsigned i = 0; i < tensors; ++i) {
    llvm::ArrayRef<AffineExpr> shape = ctx.shape(kScalars + i);
    Type element = ctx.element(kScalars + i);
    MLIRContext *mlir = ctx.b.getContext();
    llvm::SmallVector<Value> inputs;
    llvm::SmallVector<AffineMap> maps;
    for (unsigned k = 0; k < kScalars; ++k) {
      inputs.push_back(ctx.operand(k));
      llvm::SmallVector<AffineExpr> zeros(ctx.rank(k), getAffineConstantExpr(0, mlir));
      maps.push_back(AffineMap::get(shape.size(), 0, zeros, mlir));
    }
    for (unsigned role = 0; role < roles; ++role) {
      inputs.push_back(ctx.operand(kScalars + role * tensors + i));
      maps.push_back(ctx.b.getMultiDimIdentityMap(shape.size()));
    }
    for (unsigned result = 0; result + 1 < roles; ++result)
      ctx.set(result * tensors + i, ctx.generic(shape, element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
        Step step{s, s.cast(in[0], element, false, false), s.cast(in[1], element, false, false), in.drop_front(kScalars)};
        return update(step)[result];
      }));
  }
  return success();
}

} // namespace

// ---- Adagrad: X, G, H (sum of squared gradients) ----

LogicalResult AdagradOp::inferShapes(ShapeContext &ctx) { return inferStep(ctx, 3, getNumResults()); }
LogicalResult AdagradOp::lower(LowerContext &ctx) {
  return lowerStep(ctx, 3, [&](const Step &step) -> llvm::SmallVector<Value> {
    ScalarBuilder &s = step.s;
    Value rate = s.div(step.rate, s.add(step.cst(1), s.mul(step.count, step.cst(getDecayFactor()))));
    Value gradient = step.gradient(getNormCoefficient());
    Value squares = s.add(step.x[2], step.square(gradient));
    Value scaled = s.div(s.mul(rate, gradient), s.add(s.sqrt(squares), step.cst(getEpsilon())));
    return {s.sub(step.x[0], scaled), squares};
  });
}

// ---- Adam: X, G, V (running gradient), H (running squared gradient) ----

LogicalResult AdamOp::inferShapes(ShapeContext &ctx) { return inferStep(ctx, 4, getNumResults()); }
LogicalResult AdamOp::lower(LowerContext &ctx) {
  return lowerStep(ctx, 4, [&](const Step &step) -> llvm::SmallVector<Value> {
    ScalarBuilder &s = step.s;
    Value gradient = step.gradient(getNormCoefficient());
    Value first = s.add(s.mul(step.cst(getAlpha()), step.x[2]), s.mul(step.rest(getAlpha()), gradient));
    Value second = s.add(s.mul(step.cst(getBeta()), step.x[3]), s.mul(step.rest(getBeta()), step.square(gradient)));
    // The averages start at 0; the rate makes up for that, but not before the first update.
    auto unbias = [&](const llvm::APFloat &factor) { return s.sub(step.cst(1), s.pow(step.cst(factor), step.count)); };
    Value adjusted = s.div(s.mul(step.rate, s.sqrt(unbias(getBeta()))), unbias(getAlpha()));
    Value rate = s.select(step.isFirst(), step.rate, adjusted);
    Value moved = s.sub(step.x[0], s.div(s.mul(rate, first), s.add(s.sqrt(second), step.cst(getEpsilon()))));
    return {s.mul(step.rest(getNormCoefficientPost()), moved), first, second};
  });
}

// ---- Momentum: X, G, V (momentum) ----

LogicalResult MomentumOp::inferShapes(ShapeContext &ctx) {
  if (getMode() != "standard" && getMode() != "nesterov")
    return ctx.fail("expects mode 'standard' or 'nesterov', got '" + getMode() + "'");
  return inferStep(ctx, 3, getNumResults());
}
LogicalResult MomentumOp::lower(LowerContext &ctx) {
  return lowerStep(ctx, 3, [&](const Step &step) -> llvm::SmallVector<Value> {
    ScalarBuilder &s = step.s;
    Value gradient = step.gradient(getNormCoefficient());
    Value weight = s.select(step.isFirst(), step.cst(1), step.cst(getBeta()));
    Value momentum = s.add(s.mul(step.cst(getAlpha()), step.x[2]), s.mul(weight, gradient));
    Value direction = getMode() == "nesterov" ? s.add(gradient, s.mul(step.cst(getAlpha()), momentum)) : momentum;
    return {s.sub(step.x[0], s.mul(step.rate, direction)), momentum};
  });
}
