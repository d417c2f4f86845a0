// Evaluates size programs.
#include "Sizes.h"

#include "Status.h"

using namespace laic;
using namespace laic::rt;
using artifact::ScalarOp;

const char *rt::describe(Fault fault) {
  switch (fault) {
  case Fault::None:
    return "has a value";
  case Fault::Overflow:
    return "overflows 64 bits; the inputs are too large";
  case Fault::Divisor:
    return "divides by a size that is not positive";
  case Fault::NoData:
    return "depends on an input without data";
  case Fault::Element:
    return "reads an element that the input does not have";
  case Fault::Late:
    return "is known only when the call has computed it";
  case Fault::Unknown:
    return "is not constant";
  }
  return "";
}

static int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); } // b > 0

Fault rt::computeScalar(ScalarOp op, int64_t a, int64_t b, int64_t *out) {
  switch (op) {
  case ScalarOp::Add:
    return __builtin_add_overflow(a, b, out) ? Fault::Overflow : Fault::None;
  case ScalarOp::Sub:
    return __builtin_sub_overflow(a, b, out) ? Fault::Overflow : Fault::None;
  case ScalarOp::Mul:
    return __builtin_mul_overflow(a, b, out) ? Fault::Overflow : Fault::None;
  case ScalarOp::FloorDiv:
  case ScalarOp::CeilDiv:
  case ScalarOp::Mod:
    if (b <= 0)
      return Fault::Divisor;
    if (op == ScalarOp::FloorDiv)
      *out = floorDivide(a, b);
    else if (op == ScalarOp::CeilDiv)
      *out = a / b + (a % b > 0 ? 1 : 0);
    else
      *out = a % b + (a % b < 0 ? b : 0);
    return Fault::None;
  case ScalarOp::Min:
    *out = a < b ? a : b;
    return Fault::None;
  case ScalarOp::Max:
    *out = a > b ? a : b;
    return Fault::None;
  case ScalarOp::Equal:
    *out = a == b;
    return Fault::None;
  case ScalarOp::Less:
    *out = a < b;
    return Fault::None;
  default:
    return Fault::Unknown;
  }
}

bool SizeValues::allocate(Allocator &allocator, const artifact::Plan &source) {
  plan = &source;
  size_t scalars = source.scalars() ? source.scalars()->size() : 0;
  if (!values.allocate(allocator, scalars) || !faults.allocate(allocator, scalars))
    return false;
  for (size_t i = 0; i < scalars; ++i)
    readsElements |= source.scalars()->Get(i)->op() == ScalarOp::InputElement;
  return true;
}

void SizeValues::release(Allocator &allocator) {
  values.release(allocator);
  faults.release(allocator);
}

void SizeValues::evaluate(const SizeSource &source) {
  for (uint32_t i = 0; i < values.size(); ++i) {
    const artifact::Scalar &scalar = *plan->scalars()->Get(i);
    int64_t value = 0;
    Fault fault = Fault::None;
    switch (scalar.op()) {
    case ScalarOp::Const:
      value = scalar.value();
      break;
    case ScalarOp::InputDim:
      fault = source.dim(source.self, scalar.a(), scalar.b(), &value);
      break;
    case ScalarOp::InputElement:
      fault = source.element(source.self, scalar.a(), scalar.b(), &value);
      break;
    case ScalarOp::ReadElement:
      fault = source.read(source.self, scalar.a(), scalar.b(), &value);
      break;
    case ScalarOp::Select: {
      uint32_t condition = static_cast<uint32_t>(scalar.value());
      uint32_t chosen = values[condition] ? scalar.a() : scalar.b();
      fault = faults[condition] != Fault::None ? faults[condition] : faults[chosen];
      value = values[chosen];
      break;
    }
    default:
      fault = faults[scalar.a()] != Fault::None ? faults[scalar.a()] : faults[scalar.b()];
      if (fault == Fault::None)
        fault = computeScalar(scalar.op(), values[scalar.a()], values[scalar.b()], &value);
    }
    values[i] = fault == Fault::None ? value : 0;
    faults[i] = fault;
  }
}

bool SizeValues::elementsChanged(const SizeSource &source) const {
  if (!readsElements)
    return false;
  for (uint32_t i = 0; i < values.size(); ++i) {
    const artifact::Scalar &scalar = *plan->scalars()->Get(i);
    if (scalar.op() != ScalarOp::InputElement)
      continue;
    int64_t value = 0;
    Fault fault = source.element(source.self, scalar.a(), scalar.b(), &value);
    if (fault != faults[i] || (fault == Fault::None && value != values[i]))
      return true;
  }
  return false;
}

laic_status_t *SizeValues::get(uint32_t scalar, const char *what, int64_t *out) const {
  if (faults[scalar] != Fault::None)
    return fail(LAIC_INVALID_ARGUMENT, "%s (scalar %u of the plan) %s", what, scalar, describe(faults[scalar]));
  *out = values[scalar];
  return nullptr;
}
