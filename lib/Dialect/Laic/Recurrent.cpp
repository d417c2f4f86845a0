// LSTM, GRU, RNN: one contraction for the input projections of all steps, one `laic.recurrence` per direction.
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/RecurrentOps.h"
#include "laic/Dialect/Laic/StructuredOps.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace laic;

namespace {

/// What the three layers share, read off the operation's attributes.
struct Layer {
  llvm::StringRef cell; // lstm, gru, rnn
  llvm::StringRef direction;
  int64_t layout = 0;
  std::optional<ArrayAttr> activations;
  std::optional<llvm::ArrayRef<float>> alpha, beta;
  float clip = 0;
  bool inputForget = false, linearBeforeReset = false;

  int64_t gates() const { return cell == "lstm" ? 4 : cell == "gru" ? 3 : 1; }
  int64_t directions() const { return direction == "bidirectional" ? 2 : 1; }
  bool isReverse(int64_t d) const { return direction == "reverse" || d == 1; }
};

template <typename Op> Layer commonLayer(Op op, llvm::StringRef cell) {
  Layer layer;
  layer.cell = cell;
  layer.direction = op.getDirection();
  layer.layout = static_cast<int64_t>(op.getLayout());
  layer.activations = op.getActivations();
  layer.alpha = op.getActivationAlpha();
  layer.beta = op.getActivationBeta();
  layer.clip = op.getClip() ? op.getClip()->convertToFloat() : 0;
  return layer;
}
Layer layerOf(LSTMOp op) {
  Layer layer = commonLayer(op, "lstm");
  layer.inputForget = op.getInputForget() != 0;
  return layer;
}
Layer layerOf(GRUOp op) {
  Layer layer = commonLayer(op, "gru");
  layer.linearBeforeReset = op.getLinearBeforeReset() != 0;
  return layer;
}
Layer layerOf(RNNOp op) { return commonLayer(op, "rnn"); }

// ---- activations ----

struct Activation {
  const char *name;
  bool hasAlpha, hasBeta;
  float alpha, beta; // defaults of the ONNX operators
};
constexpr Activation kActivations[] = {
    {"Affine", true, true, 1, 0},
    {"Elu", true, false, 1, 0},
    {"HardSigmoid", true, true, 0.2f, 0.5f},
    {"LeakyRelu", true, false, 0.01f, 0},
    {"Relu", false, false, 0, 0},
    {"ScaledTanh", true, true, 1, 1},
    {"Sigmoid", false, false, 0, 0},
    {"Softplus", false, false, 0, 0},
    {"Softsign", false, false, 0, 0},
    {"Tanh", false, false, 0, 0},
    {"ThresholdedRelu", true, false, 1, 0},
};

struct ActivationList {
  llvm::SmallVector<llvm::StringRef> names;
  llvm::SmallVector<float> alpha, beta;
};

// The activations of all directions; `unknown` receives a name that ONNX does not define.
ActivationList activationsOf(const Layer &layer, llvm::StringRef &unknown) {
  llvm::SmallVector<llvm::StringRef> asked;
  if (layer.activations) {
    for (Attribute a : *layer.activations)
      asked.push_back(cast<StringAttr>(a).getValue());
  } else {
    for (int64_t d = 0; d < layer.directions(); ++d) {
      if (layer.cell != "rnn")
        asked.push_back("Sigmoid");
      asked.push_back("Tanh");
      if (layer.cell == "lstm")
        asked.push_back("Tanh");
    }
  }
  ActivationList list;
  size_t nextAlpha = 0, nextBeta = 0;
  for (llvm::StringRef name : asked) {
    const Activation *found = llvm::find_if(kActivations, [&](const Activation &a) { return name.equals_insensitive(a.name); });
    if (found == std::end(kActivations)) {
      unknown = name;
      return list;
    }
    list.names.push_back(found->name);
    bool givenAlpha = found->hasAlpha && layer.alpha && nextAlpha < layer.alpha->size();
    bool givenBeta = found->hasBeta && layer.beta && nextBeta < layer.beta->size();
    list.alpha.push_back(givenAlpha ? (*layer.alpha)[nextAlpha++] : found->alpha);
    list.beta.push_back(givenBeta ? (*layer.beta)[nextBeta++] : found->beta);
  }
  return list;
}

// ---- inference ----

LogicalResult expectSize(ShapeContext &ctx, unsigned i, int64_t dim, AffineExpr expected, llvm::StringRef what) {
  AffineExpr have = ctx.shape(i)[dim];
  return ctx.equal(have, expected, "dim " + Twine(dim) + " of '" + what + "' must fit the input and the hidden size",
                   "expects dim " + Twine(dim) + " of '" + what + "' to be " + Twine(constantSize(expected).value_or(0)) +
                       ", got " + Twine(constantSize(have).value_or(0)));
}

LogicalResult checkWeights(ShapeContext &ctx, const Layer &layer, AffineExpr inputs, AffineExpr hidden) {
  AffineExpr directions = ctx.cst(layer.directions()), rows = canonicalSize(hidden * layer.gates());
  if (failed(expectSize(ctx, 1, 0, directions, "W")) || failed(expectSize(ctx, 1, 1, rows, "W")) ||
      failed(expectSize(ctx, 1, 2, inputs, "W")) || failed(expectSize(ctx, 2, 0, directions, "R")) ||
      failed(expectSize(ctx, 2, 1, rows, "R")))
    return failure();
  if (!ctx.has(3))
    return success();
  if (ctx.rank(3) != 2)
    return ctx.fail("expects 'B' of rank 2, two biases per gate row, got rank " + Twine(ctx.rank(3)));
  return expectSize(ctx, 3, 1, canonicalSize(rows * 2), "B");
}

LogicalResult inferLayer(ShapeContext &ctx, const Layer &layer, unsigned results) {
  if (!llvm::is_contained({"forward", "reverse", "bidirectional"}, layer.direction))
    return ctx.fail("expects direction 'forward', 'reverse' or 'bidirectional', got '" + layer.direction + "'");
  if (ctx.rank(0) != 3 || ctx.rank(1) != 3 || ctx.rank(2) != 3)
    return ctx.fail("expects 'X', 'W' and 'R' of rank 3");
  constexpr unsigned kLengths = 4;
  if (ctx.has(kLengths) && !ctx.element(kLengths).isInteger(32))
    return ctx.fail("expects 'sequence_lens' to have element type i32, got " + elementTypeName(ctx.element(kLengths)));
  llvm::StringRef unknown;
  ActivationList activations = activationsOf(layer, unknown);
  if (!unknown.empty())
    return ctx.fail("names the unknown activation '" + unknown + "'");
  size_t wanted = layer.directions() * (layer.cell == "lstm" ? 3 : layer.cell == "gru" ? 2 : 1);
  // An RNN's default lists two activations whatever its direction.
  if (activations.names.size() < wanted)
    return ctx.fail("expects " + Twine(wanted) + " activations, got " + Twine(activations.names.size()));
  AffineExpr hidden = ctx.shape(2)[2];
  if (!constantSize(hidden))
    return ctx.fail("expects the last dim of 'R' to be known when compiling");
  if (failed(checkWeights(ctx, layer, ctx.shape(0)[2], hidden)))
    return failure();
  AffineExpr steps = ctx.shape(0)[layer.layout ? 1 : 0], batch = ctx.shape(0)[layer.layout ? 0 : 1];
  AffineExpr directions = ctx.cst(layer.directions());
  Type element = ctx.element(0);
  SymShape all = layer.layout ? SymShape{batch, steps, directions, hidden} : SymShape{steps, directions, batch, hidden};
  SymShape last = layer.layout ? SymShape{batch, directions, hidden} : SymShape{directions, batch, hidden};
  ctx.set(0, all, element);
  for (unsigned i = 1; i < results; ++i)
    ctx.set(i, last, element);
  return success();
}

// ---- lowering ----

class LayerLowering {
public:
  LayerLowering(LowerContext &ctx, const Layer &layer)
      : ctx(ctx), layer(layer), element(ctx.element(0)), compute(ctx.accumulator(ctx.element(0))) {
    llvm::ArrayRef<AffineExpr> x = ctx.shape(0);
    steps = x[layer.layout ? 1 : 0];
    batch = x[layer.layout ? 0 : 1];
    inputs = x[2];
    hidden = ctx.shape(2)[2];
    rows = canonicalSize(hidden * layer.gates());
    llvm::StringRef unknown;
    activations = activationsOf(layer, unknown);
    flat = ctx.symbols.mul(steps, batch);
  }

  void run() {
    Value data = widen(ctx.operand(0), ctx.shape(0));
    if (layer.layout)
      data = ctx.transpose(data, {1, 0, 2});
    data = ctx.reshape(data, {steps, batch, inputs}, {flat, inputs});
    llvm::SmallVector<Value> ys, hs, cs;
    for (int64_t d = 0; d < layer.directions(); ++d) {
      RecurrenceOp op = direction(data, d);
      ys.push_back(ctx.reshape(op.getY(), {steps, batch, hidden}, {steps, ctx.cst(1), batch, hidden}));
      hs.push_back(ctx.reshape(op.getH(), {batch, hidden}, {ctx.cst(1), batch, hidden}));
      if (op.getC())
        cs.push_back(ctx.reshape(op.getC(), {batch, hidden}, {ctx.cst(1), batch, hidden}));
    }
    AffineExpr directions = ctx.cst(layer.directions());
    finish(0, join(ys, 1, {steps, directions, batch, hidden}), {2, 0, 1, 3});
    finish(1, join(hs, 0, {directions, batch, hidden}), {1, 0, 2});
    if (!cs.empty())
      finish(2, join(cs, 0, {directions, batch, hidden}), {1, 0, 2});
  }

private:
  Value convert(Value value, llvm::ArrayRef<AffineExpr> shape, Type to) {
    if (cast<RankedTensorType>(value.getType()).getElementType() == to)
      return value;
    return ctx.generic(shape, to, value, ctx.b.getMultiDimIdentityMap(shape.size()),
                       [&](ScalarBuilder &s, ValueRange in) { return s.cast(in[0], to, false, false); });
  }
  Value widen(Value value, llvm::ArrayRef<AffineExpr> shape) { return convert(value, shape, compute); }

  // Entry d of the leading dim, from `offset` on in the next one.
  Value part(unsigned i, int64_t d, AffineExpr offset, AffineExpr size) {
    llvm::ArrayRef<AffineExpr> shape = ctx.shape(i);
    SymShape offsets(shape.size(), ctx.cst(0)), sizes(shape);
    offsets[0] = ctx.cst(d);
    offsets[1] = offset;
    sizes[0] = ctx.cst(1);
    sizes[1] = size;
    Value value = ctx.operand(i);
    if (llvm::ArrayRef<AffineExpr>(sizes) != shape) {
      llvm::SmallVector<OpFoldResult> ones(shape.size(), ctx.b.getIndexAttr(1));
      value = tensor::ExtractSliceOp::create(ctx.b, value, ctx.folds(offsets), ctx.folds(sizes), ones);
    }
    SymShape rest(llvm::ArrayRef<AffineExpr>(sizes).drop_front());
    return widen(ctx.reshape(value, sizes, rest), rest);
  }

  // An initial state [batch, hidden]; layout 1 keeps the batch first.
  Value initial(unsigned i, int64_t d) {
    if (!ctx.has(i))
      return ctx.filled({batch, hidden}, compute, 0);
    if (!layer.layout)
      return part(i, d, ctx.cst(0), batch);
    llvm::SmallVector<OpFoldResult> ones(3, ctx.b.getIndexAttr(1));
    SymShape sizes{batch, ctx.cst(1), hidden};
    Value value = ctx.operand(i);
    if (layer.directions() > 1)
      value =
          tensor::ExtractSliceOp::create(ctx.b, value, ctx.folds({ctx.cst(0), ctx.cst(d), ctx.cst(0)}), ctx.folds(sizes), ones);
    return widen(ctx.reshape(value, sizes, {batch, hidden}), {batch, hidden});
  }

  AffineMap map3(llvm::ArrayRef<unsigned> dims) {
    llvm::SmallVector<AffineExpr> exprs;
    for (unsigned d : dims)
      exprs.push_back(ctx.b.getAffineDimExpr(d));
    return AffineMap::get(3, 0, exprs, ctx.b.getContext());
  }

  // X * W^T + biases for all steps: [steps * batch, gates * hidden].
  Value project(Value data, int64_t d) {
    Value weights = part(1, d, ctx.cst(0), rows);
    Value product = ctx.reduce({flat, rows}, compute, 0, 1, {data, weights}, {map3({0, 2}), map3({1, 2})},
                               [](ScalarBuilder &s, ValueRange in) { return s.add(in[2], s.mul(in[0], in[1])); });
    if (!ctx.has(3))
      return product;
    // With linear_before_reset the recurrent bias of gate h is added inside the recurrence.
    int64_t inside = layer.linearBeforeReset ? 2 * *constantSize(hidden) : -1;
    AffineMap identity = ctx.b.getMultiDimIdentityMap(1);
    Value bias = ctx.generic({rows}, compute, {part(3, d, ctx.cst(0), rows), part(3, d, rows, rows)}, {identity, identity},
                             [&](ScalarBuilder &s, ValueRange in) {
                               Value sum = s.add(in[0], in[1]);
                               if (inside < 0)
                                 return sum;
                               Value at = linalg::IndexOp::create(s.b, s.loc, 0);
                               Value limit = arith::ConstantIndexOp::create(s.b, s.loc, inside);
                               return s.select(s.lt(at, limit), sum, in[0]);
                             });
    AffineMap pairs = ctx.b.getMultiDimIdentityMap(2), columns = AffineMap::get(2, 0, ctx.b.getAffineDimExpr(1));
    return ctx.generic({flat, rows}, compute, {product, bias}, {pairs, columns},
                       [](ScalarBuilder &s, ValueRange in) { return s.add(in[0], in[1]); });
  }

  RecurrenceOp direction(Value data, int64_t d) {
    Value xw = ctx.reshape(project(data, d), {flat, rows}, {steps, batch, rows});
    Value r = ctx.transpose(part(2, d, ctx.cst(0), rows), {1, 0});
    bool lstm = layer.cell == "lstm";
    Value h0 = initial(5, d), c0 = lstm ? initial(6, d) : Value();
    Value lens = ctx.has(4) ? ctx.operand(4) : Value();
    Value peephole = lstm && ctx.has(7) ? part(7, d, ctx.cst(0), canonicalSize(hidden * 3)) : Value();
    Value hiddenBias;
    if (layer.linearBeforeReset && ctx.has(3))
      hiddenBias = part(3, d, canonicalSize(rows + hidden * 2), hidden);
    SymShape all{steps, batch, hidden}, last{batch, hidden};
    llvm::SmallVector<Value> sizes;
    // Those of y, h and c.
    llvm::SmallVector<AffineExpr> dims{steps, batch, batch};
    if (lstm)
      dims.push_back(batch);
    for (AffineExpr e : dims)
      if (!constantSize(e))
        sizes.push_back(ctx.size(e));
    Type y = ctx.type(all, compute), state = ctx.type(last, compute);
    size_t count = lstm ? 3 : layer.cell == "gru" ? 2 : 1;
    llvm::ArrayRef<llvm::StringRef> names = llvm::ArrayRef(activations.names).slice(d * count, count);
    llvm::ArrayRef<float> alpha = llvm::ArrayRef(activations.alpha).slice(d * count, count);
    llvm::ArrayRef<float> beta = llvm::ArrayRef(activations.beta).slice(d * count, count);
    return RecurrenceOp::create(ctx.b, y, state, lstm ? state : Type(), xw, r, h0, c0, lens, peephole, hiddenBias, sizes,
                                layer.cell, ctx.b.getStrArrayAttr(names), alpha, beta, APFloat(layer.clip), layer.isReverse(d),
                                layer.inputForget, layer.linearBeforeReset);
  }

  Value join(llvm::ArrayRef<Value> parts, int64_t dim, llvm::ArrayRef<AffineExpr> shape) {
    return parts.size() == 1 ? parts[0] : Value(tensor::ConcatOp::create(ctx.b, ctx.type(shape, compute), dim, parts));
  }

  // `value` in layout 0 as result i.
  void finish(unsigned i, Value value, llvm::ArrayRef<int64_t> batchFirst) {
    value = layer.layout ? ctx.transpose(value, batchFirst) : value;
    ctx.set(i, convert(value, ctx.resultShape(i), element));
  }

  LowerContext &ctx;
  const Layer &layer;
  Type element, compute;
  AffineExpr steps, batch, inputs, hidden, rows, flat;
  ActivationList activations;
};

} // namespace

LogicalResult LSTMOp::inferShapes(ShapeContext &ctx) { return inferLayer(ctx, layerOf(*this), 3); }
LogicalResult LSTMOp::lower(LowerContext &ctx) {
  Layer layer = layerOf(*this);
  LayerLowering(ctx, layer).run();
  return success();
}
LogicalResult GRUOp::inferShapes(ShapeContext &ctx) { return inferLayer(ctx, layerOf(*this), 2); }
LogicalResult GRUOp::lower(LowerContext &ctx) {
  Layer layer = layerOf(*this);
  LayerLowering(ctx, layer).run();
  return success();
}
LogicalResult RNNOp::inferShapes(ShapeContext &ctx) { return inferLayer(ctx, layerOf(*this), 2); }
LogicalResult RNNOp::lower(LowerContext &ctx) {
  Layer layer = layerOf(*this);
  LayerLowering(ctx, layer).run();
  return success();
}
