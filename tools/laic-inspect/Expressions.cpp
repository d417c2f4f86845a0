// Formats size programs.
#include "Expressions.h"

#include "laic/runtime.h"

using namespace laic;
using namespace laic::inspect;
using namespace laic::artifact;

static constexpr size_t kLongestInline = 40;

static bool isAtom(ScalarOp op) {
  return op == ScalarOp::Const || op == ScalarOp::InputDim || op == ScalarOp::InputElement || op == ScalarOp::Min ||
         op == ScalarOp::Max || op == ScalarOp::CeilDiv;
}

static std::string dimName(const Tensor &input, uint32_t dim) {
  const Dim &size = *input.shape()->Get(dim);
  if (size.value() >= 0)
    return std::to_string(size.value());
  return text(size.symbol()).empty() ? text(input.name()) + ".dim" + std::to_string(dim) : text(size.symbol());
}

std::string Expressions::operand(uint32_t scalar) const { return atomic[scalar] ? uses[scalar] : "(" + uses[scalar] + ")"; }

std::string Expressions::formula(const Entry &entry, const Scalar &scalar) const {
  auto binary = [&](const char *symbol) { return operand(scalar.a()) + " " + symbol + " " + operand(scalar.b()); };
  auto call = [&](const char *name) { return std::string(name) + "(" + uses[scalar.a()] + ", " + uses[scalar.b()] + ")"; };
  switch (scalar.op()) {
  case ScalarOp::Const:
    return std::to_string(scalar.value());
  case ScalarOp::InputDim:
    return dimName(*entry.inputs()->Get(scalar.a()), scalar.b());
  case ScalarOp::InputElement:
    return text(entry.inputs()->Get(scalar.a())->name()) + "[" + std::to_string(scalar.b()) + "]";
  case ScalarOp::ReadElement:
    return "read" + std::to_string(scalar.a()) + "[" + std::to_string(scalar.b()) + "]";
  case ScalarOp::Add:
    return binary("+");
  case ScalarOp::Sub:
    return binary("-");
  case ScalarOp::Mul:
    return binary("*");
  case ScalarOp::FloorDiv:
    return binary("/");
  case ScalarOp::CeilDiv:
    return call("ceildiv");
  case ScalarOp::Mod:
    return binary("mod");
  case ScalarOp::Min:
    return call("min");
  case ScalarOp::Max:
    return call("max");
  case ScalarOp::Equal:
    return binary("==");
  case ScalarOp::Less:
    return binary("<");
  case ScalarOp::Select:
    return operand(static_cast<uint32_t>(scalar.value())) + " ? " + operand(scalar.a()) + " : " + operand(scalar.b());
  }
  return "?";
}

Expressions::Expressions(const Entry &entry, const Plan &plan) {
  for (uint32_t i = 0; i < count(plan.scalars()); ++i) {
    const Scalar &scalar = *plan.scalars()->Get(i);
    std::string whole = formula(entry, scalar);
    if (whole.size() <= kLongestInline) {
      uses.push_back(whole);
      atomic.push_back(isAtom(scalar.op()));
      continue;
    }
    uses.push_back("s" + std::to_string(i));
    atomic.push_back(true);
    named.emplace_back(uses.back(), whole);
  }
}

std::string Expressions::shape(const flatbuffers::Vector<uint32_t> *scalars) const {
  std::string out = "[";
  for (uint32_t i = 0; i < count(scalars); ++i)
    out += (i ? ", " : "") + uses[scalars->Get(i)];
  return out + "]";
}

std::string inspect::signatureType(const Tensor &tensor) {
  std::string out = std::string(laic_type_name(static_cast<laic_type_t>(tensor.type()))) + "[";
  for (uint32_t i = 0; i < count(tensor.shape()); ++i) {
    const Dim &dim = *tensor.shape()->Get(i);
    const std::string symbol = text(dim.symbol());
    out += (i ? ", " : "") + (dim.value() >= 0 ? std::to_string(dim.value()) : symbol.empty() ? "?" : symbol);
  }
  return out + "]";
}
