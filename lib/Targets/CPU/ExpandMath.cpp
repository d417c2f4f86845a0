// Mathematical functions as arithmetic: our own, and upstream's expansions into these.
#include "FloatMath.h"
#include "LowerToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace {

Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

/// Replaces single operations; nothing that it makes is visited again.
class Expander {
public:
  Expander(ModuleOp module, const Level &level) : module(module), level(level), b(module.getContext()) {}

  void run() {
    SmallVector<arith::DivFOp> quotients;
    module.walk([&](arith::DivFOp op) { quotients.push_back(op); });
    for (arith::DivFOp op : quotients)
      replaceSigmoid(op);
    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) {
      noteRange(op);
      if (op->getNumResults() == 1 && (isConversion(op) || isNarrowSelect(op) || isa<arith::RemFOp>(op) || isMath(op)))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      b.setInsertionPoint(op);
      blocks.insert(op->getBlock());
      if (Value made = isNarrowSelect(op) ? selectBits(op) : isConversion(op) ? convert(op) : function(op)) {
        op->getResult(0).replaceAllUsesWith(made);
        op->erase();
      }
    }
  }

  ArrayRef<Block *> expanded() const { return blocks.getArrayRef(); }

private:
  // The float that all elements are, whether a constant or one broadcast.
  static std::optional<double> constantOf(Value v) {
    if (auto broadcast = v.getDefiningOp<vector::BroadcastOp>())
      v = broadcast.getSource();
    llvm::APFloat value(0.0);
    if (!matchPattern(v, m_ConstantFloat(&value)))
      return std::nullopt;
    return value.convertToDouble();
  }

  // y <= 0 or NaN: -|x| and -c x x.
  static bool isNonPositive(Value y) {
    if (auto negated = y.getDefiningOp<arith::NegFOp>())
      return negated.getOperand().getDefiningOp<math::AbsFOp>() != nullptr;
    auto product = y.getDefiningOp<arith::MulFOp>();
    auto isNegativeTimes = [](Value v, Value x) {
      auto inner = v.getDefiningOp<arith::MulFOp>();
      return inner && inner.getLhs() == x && constantOf(inner.getRhs()).value_or(1) <= 0;
    };
    return product &&
           (isNegativeTimes(product.getLhs(), product.getRhs()) || isNegativeTimes(product.getRhs(), product.getLhs()));
  }

  // What is known of arguments is known before they are expanded.
  void noteRange(Operation *op) {
    if (isa<math::ExpOp>(op) && isNonPositive(op->getOperand(0)))
      bounded.insert(op);
    if (auto log1p = dyn_cast<math::Log1pOp>(op); log1p && bounded.contains(log1p.getOperand().getDefiningOp()))
      bounded.insert(op);
  }

  // (x < 0 ? e : 1) / (1 + e), e = exp(-|x|): ScalarBuilder::sigmoid. As one function it needs a multiplication less.
  void replaceSigmoid(arith::DivFOp op) {
    auto numerator = op.getLhs().getDefiningOp<arith::SelectOp>();
    auto denominator = op.getRhs().getDefiningOp<arith::AddFOp>();
    if (!numerator || !denominator || !getElementTypeOrSelf(op.getType()).isF32())
      return;
    auto exp = numerator.getTrueValue().getDefiningOp<math::ExpOp>();
    auto negated = exp ? exp.getOperand().getDefiningOp<arith::NegFOp>() : nullptr;
    auto magnitude = negated ? negated.getOperand().getDefiningOp<math::AbsFOp>() : nullptr;
    auto below = numerator.getCondition().getDefiningOp<arith::CmpFOp>();
    if (!magnitude || !below || below.getPredicate() != arith::CmpFPredicate::OLT || below.getLhs() != magnitude.getOperand() ||
        constantOf(below.getRhs()) != 0.0 || constantOf(numerator.getFalseValue()) != 1.0)
      return;
    Value lhs = denominator.getLhs(), rhs = denominator.getRhs(), e = exp.getResult();
    if (!(lhs == e && constantOf(rhs) == 1.0) && !(rhs == e && constantOf(lhs) == 1.0))
      return;
    b.setInsertionPoint(op);
    blocks.insert(op->getBlock());
    SingleMath f(b, op.getLoc(), op.getType(), level.fma);
    op.replaceAllUsesWith(f.sigmoid(magnitude.getOperand()));
    for (Operation *dead : {op.getOperation(), numerator.getOperation(), denominator.getOperation(), exp.getOperation()})
      if (dead->use_empty())
        dead->erase();
  }

  static bool isMath(Operation *op) { return op->getDialect() && isa<math::MathDialect>(op->getDialect()); }

  static bool isConversion(Operation *op) { return isa<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp>(op); }

  // The code generator would choose between halves as f32 and convert back by a library's function.
  static bool isNarrowSelect(Operation *op) {
    if (!isa<arith::SelectOp>(op))
      return false;
    Type element = getElementTypeOrSelf(op->getResult(0).getType());
    return element.isBF16() || element.isF16();
  }

  Value selectBits(Operation *op) {
    Type type = op->getResult(0).getType(), bits = withElement(type, b.getI16Type());
    auto asBits = [&](Value v) { return arith::BitcastOp::create(b, op->getLoc(), bits, v).getResult(); };
    Value chosen =
        arith::SelectOp::create(b, op->getLoc(), op->getOperand(0), asBits(op->getOperand(1)), asBits(op->getOperand(2)));
    return arith::BitcastOp::create(b, op->getLoc(), type, chosen);
  }

  // Integers go through f32: canonicalisation takes it out where it stood.
  Value convertInteger(Operation *op) {
    Type type = op->getResult(0).getType(), to = getElementTypeOrSelf(type);
    if (!to.isBF16() && !(to.isF16() && !level.f16))
      return nullptr;
    FloatMath f(b, op->getLoc(), type, level.fma);
    Type f32 = withElement(type, b.getF32Type());
    Value x = isa<arith::SIToFPOp>(op) ? arith::SIToFPOp::create(b, op->getLoc(), f32, op->getOperand(0)).getResult()
                                       : arith::UIToFPOp::create(b, op->getLoc(), f32, op->getOperand(0)).getResult();
    return to.isBF16() ? f.truncateToBrain(x) : f.truncateToHalf(x);
  }

  Value convert(Operation *op) {
    if (isa<arith::SIToFPOp, arith::UIToFPOp>(op))
      return convertInteger(op);
    Value x = op->getOperand(0);
    Type from = getElementTypeOrSelf(x.getType()), to = getElementTypeOrSelf(op->getResult(0).getType());
    FloatMath f(b, op->getLoc(), x.getType(), level.fma);
    Type f32 = b.getF32Type();
    auto plain = [&](Value v, Type element) -> Value {
      Type type = withElement(v.getType(), element);
      if (v.getType() == type)
        return v;
      if (getElementTypeOrSelf(v.getType()).getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
        return arith::ExtFOp::create(b, op->getLoc(), type, v);
      return arith::TruncFOp::create(b, op->getLoc(), type, v);
    };
    if (from.isBF16())
      return plain(f.extendBrain(x), to);
    if (to.isBF16())
      return f.truncateToBrain(plain(x, f32));
    if (level.f16 && (from == f32 || to == f32))
      return nullptr;
    if (from.isF16())
      return plain(level.f16 ? plain(x, f32) : f.extendHalf(x), to);
    if (to.isF16())
      return level.f16 ? plain(plain(x, f32), to) : f.truncateToHalf(plain(x, f32));
    return nullptr;
  }

  // Those that need no f64.
  Value functionOfSingle(Operation *op) {
    SingleMath f(b, op->getLoc(), op->getResult(0).getType(), level.fma);
    return llvm::TypeSwitch<Operation *, Value>(op)
        .Case(
            [&](math::ExpOp) { return bounded.contains(op) ? f.expOfNonPositive(op->getOperand(0)) : f.exp(op->getOperand(0)); })
        .Case([&](math::LogOp) { return f.log(op->getOperand(0)); })
        .Case([&](math::Log1pOp) {
          return bounded.contains(op) ? f.log1pOfFraction(op->getOperand(0)) : f.log1p(op->getOperand(0));
        })
        .Case([&](math::TanhOp) { return f.tanh(op->getOperand(0)); })
        .Case([&](math::ErfOp) { return f.erf(op->getOperand(0)); })
        .Default([](Operation *) { return Value(); });
  }

  // Functions of f64, and those of f32 that are computed there.
  Value function(Operation *op) {
    Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
    bool wide = element.isF64();
    if (!wide && !element.isF32())
      return nullptr;
    if (Value single = wide ? Value() : functionOfSingle(op))
      return single;
    Type f64 = withElement(type, b.getF64Type());
    auto operand = [&](unsigned i) -> Value {
      return wide ? op->getOperand(i) : arith::ExtFOp::create(b, op->getLoc(), f64, op->getOperand(i)).getResult();
    };
    FloatMath f(b, op->getLoc(), type, level.fma);
    Value result = llvm::TypeSwitch<Operation *, Value>(op)
                       .Case([&](math::ExpOp) { return f.exp(operand(0)); })
                       .Case([&](math::LogOp) { return f.log(operand(0)); })
                       .Case([&](math::Log1pOp) { return f.log1p(operand(0)); })
                       .Case([&](math::SinOp) { return f.sin(operand(0), wide ? Value() : op->getOperand(0)); })
                       .Case([&](math::CosOp) { return f.cos(operand(0), wide ? Value() : op->getOperand(0)); })
                       .Case([&](math::AtanOp) { return f.atan(operand(0)); })
                       .Case([&](math::AsinOp) { return f.asin(operand(0)); })
                       .Case([&](math::AcosOp) { return f.acos(operand(0)); })
                       .Case([&](math::TanhOp) { return f.tanh(operand(0)); })
                       .Case([&](math::ErfOp) { return f.erf(operand(0)); })
                       .Case([&](math::ErfcOp) { return f.erfc(operand(0)); })
                       .Case([&](math::PowFOp) { return f.pow(operand(0), operand(1)); })
                       .Case([&](arith::RemFOp) { return f.fmod(operand(0), operand(1)); })
                       .Default([](Operation *) { return Value(); });
    if (!result || wide)
      return result;
    return arith::TruncFOp::create(b, op->getLoc(), type, result);
  }

  ModuleOp module;
  const Level &level;
  OpBuilder b;
  llvm::SetVector<Block *> blocks;
  llvm::DenseSet<Operation *> bounded; // exp of what is not positive, and log1p of that
};

/// Weaves independent computations of one kind that follow one another in a block, op by op in turn. Each instruction of an expanded function
/// waits for the last, a core sees few beyond that, and the code generator keeps their order.
class Weaver {
public:
  explicit Weaver(Block &block) {
    for (Operation &op : block) {
      if (op.getNumRegions() == 0 && op.getNumResults() == 1 &&
          (isMemoryEffectFree(&op) || hasSingleEffect<MemoryEffects::Read>(&op)))
        add(&op);
      else
        finish();
    }
    finish();
  }

private:
  using Chain = SmallVector<Operation *>;
  static constexpr size_t kTogether = 3, kLeast = 16; // chains at a time; operations from which on it pays

  // An operation belongs to the chain of its operands; indices that depend on none are shared.
  void add(Operation *op) {
    std::optional<size_t> chain;
    for (Value operand : op->getOperands())
      if (auto it = chainOf.find(operand.getDefiningOp()); it != chainOf.end())
        chain = chain ? join(*chain, it->second) : it->second;
    if (!chain && getElementTypeOrSelf(op->getResult(0).getType()).isIndex())
      return;
    if (!chain) {
      chain = chains.size();
      chains.emplace_back();
    }
    chains[*chain].push_back(op);
    chainOf[op] = *chain;
  }

  size_t join(size_t x, size_t y) {
    if (x == y)
      return x;
    size_t into = std::min(x, y), from = std::max(x, y);
    for (Operation *op : chains[from])
      chainOf[op] = into;
    chains[into].append(chains[from]);
    chains[from].clear();
    return into;
  }

  static bool isSameKind(const Chain &x, const Chain &y) {
    return llvm::equal(x, y, [](Operation *a, Operation *b) {
      return a->getName() == b->getName() && a->getResult(0).getType() == b->getResult(0).getType();
    });
  }

  void finish() {
    SmallVector<Chain> run;
    for (Chain &chain : chains) {
      if (chain.size() < kLeast)
        continue;
      llvm::sort(chain, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
      if (!run.empty() && (!isSameKind(run.back(), chain) || chain.front()->isBeforeInBlock(run.back().back()))) {
        weaveGroups(run);
        run.clear();
      }
      run.push_back(chain);
    }
    weaveGroups(run);
    chains.clear();
    chainOf.clear();
  }

  // In groups that are as even as can be.
  static void weaveGroups(ArrayRef<Chain> run) {
    for (size_t groups = llvm::divideCeil(run.size(), kTogether); groups > 0; --groups) {
      size_t size = llvm::divideCeil(run.size(), groups);
      weave(run.take_front(size));
      run = run.drop_front(size);
    }
  }

  // Later is safe: what uses a chain's values is in it or behind all chains.
  static void weave(ArrayRef<Chain> group) {
    for (auto [i, last] : llvm::enumerate(group.back()))
      for (const Chain &chain : group.drop_back())
        chain[i]->moveBefore(last);
  }

  SmallVector<Chain> chains;
  llvm::DenseMap<Operation *, size_t> chainOf;
};

// What rounding takes from a product: x * y - (x * y rounded). Without FMA only f64 holds it.
bool isRoundingError(math::FmaOp op) {
  auto negated = op.getC().getDefiningOp<arith::NegFOp>();
  auto product = negated ? negated.getOperand().getDefiningOp<arith::MulFOp>() : nullptr;
  return product && product.getLhs() == op.getA() && product.getRhs() == op.getB() && getElementTypeOrSelf(op.getType()).isF32();
}

Value multiplyAndAdd(OpBuilder &b, math::FmaOp op) {
  Location loc = op.getLoc();
  Value x = op.getA(), y = op.getB(), z = op.getC();
  if (!isRoundingError(op))
    return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, y), z);
  Type f64 = withElement(op.getType(), b.getF64Type());
  auto wide = [&](Value v) -> Value { return arith::ExtFOp::create(b, loc, f64, v); };
  Value exact = arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, wide(x), wide(y)), wide(z));
  return arith::TruncFOp::create(b, loc, op.getType(), exact);
}

} // namespace

llvm::LogicalResult laic::cpu::expandMath(ModuleOp module, const Level &level) {
  Expander expander(module, level);
  expander.run();
  for (Block *block : expander.expanded())
    Weaver{*block};
  bool approximate = false;
  module.walk([&](Operation *op) {
    approximate |= isa<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op) ||
                   (op->getDialect() && isa<math::MathDialect>(op->getDialect()) &&
                    !isa<math::AbsFOp, math::AbsIOp, math::SqrtOp, math::FloorOp, math::CeilOp, math::RoundEvenOp, math::TruncOp,
                         math::FmaOp, math::CopySignOp>(op));
  });
  if (approximate) {
    RewritePatternSet patterns(module.getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    math::populateExpansionPatterns(patterns, {"sinh", "cosh", "tan", "asinh", "acosh", "atanh", "rsqrt", "exp2f"});
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef) { return true; });
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true);
    if (failed(applyPatternsGreedily(module, std::move(patterns), config)))
      return failure();
  }
  if (level.fma)
    return success();
  SmallVector<math::FmaOp> fused;
  module.walk([&](math::FmaOp op) { fused.push_back(op); });
  for (math::FmaOp op : fused) {
    OpBuilder b(op);
    op.replaceAllUsesWith(multiplyAndAdd(b, op));
    op.erase();
  }
  return success();
}
