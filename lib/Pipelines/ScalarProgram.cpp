// The size program of a plan.
#include "ScalarProgram.h"

using namespace mlir;
using namespace laic;
using artifact::ScalarOp;

uint32_t ScalarProgram::add(ScalarOp op, uint32_t a, uint32_t b, int64_t value) {
  auto [it, inserted] = known.try_emplace(std::make_tuple(int(op), a, b, value), list.size());
  if (inserted)
    list.emplace_back(op, a, b, value);
  return it->second;
}

uint32_t ScalarProgram::constant(int64_t value) { return add(ScalarOp::Const, 0, 0, value); }
uint32_t ScalarProgram::negate(uint32_t a) { return add(ScalarOp::Sub, constant(0), a); }
uint32_t ScalarProgram::select(uint32_t condition, uint32_t a, uint32_t b) { return add(ScalarOp::Select, a, b, condition); }

/// Rounds toward zero. The size program only divides by what is positive.
uint32_t ScalarProgram::truncatingDivision(uint32_t a, uint32_t b, bool positive) {
  if (positive)
    return add(ScalarOp::FloorDiv, a, b);
  uint32_t zero = constant(0);
  uint32_t flip = add(ScalarOp::Less, b, zero);
  uint32_t numerator = select(flip, negate(a), a), denominator = select(flip, negate(b), b);
  uint32_t magnitude = add(ScalarOp::FloorDiv, add(ScalarOp::Max, numerator, negate(numerator)), denominator);
  return select(add(ScalarOp::Less, numerator, zero), negate(magnitude), magnitude);
}

/// Has the sign of the divisor.
uint32_t ScalarProgram::floorModulo(uint32_t a, uint32_t b) {
  uint32_t flip = add(ScalarOp::Less, b, constant(0));
  uint32_t rest = add(ScalarOp::Mod, select(flip, negate(a), a), select(flip, negate(b), b));
  return select(flip, negate(rest), rest);
}

uint32_t ScalarProgram::symbol(unsigned position) {
  const SizeSymbol &s = symbols[position];
  if (s.kind == "dim")
    return add(ScalarOp::InputDim, s.arg, s.index);
  if (s.kind == "element")
    return add(ScalarOp::InputElement, s.arg, s.index);
  if (s.kind == "read") {
    assert(reads.contains(s.arg) && "a size waits for a read that is gone");
    return add(ScalarOp::ReadElement, reads.lookup(s.arg), s.index);
  }
  llvm::SmallVector<uint32_t, 3> v;
  for (AffineExpr arg : s.args)
    v.push_back(get(arg));
  if (s.kind == "min")
    return add(ScalarOp::Min, v[0], v[1]);
  if (s.kind == "max")
    return add(ScalarOp::Max, v[0], v[1]);
  if (s.kind == "equal")
    return add(ScalarOp::Equal, v[0], v[1]);
  if (s.kind == "less")
    return add(ScalarOp::Less, v[0], v[1]);
  if (s.kind == "select")
    return select(v[0], v[1], v[2]);
  bool positive = symbols.knownAtLeast(s.args[0], 0) && symbols.knownAtLeast(s.args[1], 0);
  if (s.kind == "div")
    return truncatingDivision(v[0], v[1], positive);
  return symbols.knownAtLeast(s.args[1], 0) ? add(ScalarOp::Mod, v[0], v[1]) : floorModulo(v[0], v[1]);
}

uint32_t ScalarProgram::binary(AffineBinaryOpExpr expr) {
  uint32_t a = get(expr.getLHS());
  bool divides = expr.getKind() != AffineExprKind::Add && expr.getKind() != AffineExprKind::Mul;
  uint32_t b = get(expr.getRHS());
  // Tile counts divide by sizes that may be zero for empty tensors; what they then say does not matter.
  if (divides && !isa<AffineConstantExpr>(expr.getRHS()))
    b = add(ScalarOp::Max, b, constant(1));
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return add(ScalarOp::Add, a, b);
  case AffineExprKind::Mul:
    return add(ScalarOp::Mul, a, b);
  case AffineExprKind::FloorDiv:
    return add(ScalarOp::FloorDiv, a, b);
  case AffineExprKind::CeilDiv:
    return add(ScalarOp::CeilDiv, a, b);
  default:
    return add(ScalarOp::Mod, a, b);
  }
}

uint32_t ScalarProgram::get(AffineExpr expr) {
  if (auto it = exprs.find(expr); it != exprs.end())
    return it->second;
  uint32_t index;
  if (auto c = dyn_cast<AffineConstantExpr>(expr))
    index = constant(c.getValue());
  else if (auto s = dyn_cast<AffineSymbolExpr>(expr))
    index = symbol(s.getPosition());
  else
    index = binary(cast<AffineBinaryOpExpr>(expr));
  return exprs[expr] = index;
}
