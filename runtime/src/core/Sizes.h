// The size program of a plan: i64 expressions over input dims and input elements, with overflow caught.
#ifndef LAIC_RUNTIME_SIZES_H
#define LAIC_RUNTIME_SIZES_H

#include "Memory.h"

#include "laic/Artifact/artifact_generated.h"

namespace laic {
namespace rt {

// Why a scalar has no value. It is an error only where the value is used, so that Select can guard what it does not choose.
enum class Fault : uint8_t { None = 0, Overflow, Divisor, NoData, Element, Late, Unknown };

const char *describe(Fault fault);

// a op b; what is not arithmetic yields Fault::Unknown.
Fault computeScalar(artifact::ScalarOp op, int64_t a, int64_t b, int64_t *out);

// Where the program's leaves come from.
struct SizeSource {
  void *self;
  Fault (*dim)(void *self, uint32_t input, uint32_t dim, int64_t *out);
  Fault (*element)(void *self, uint32_t input, uint32_t element, int64_t *out);
  Fault (*read)(void *self, uint32_t read, uint32_t element, int64_t *out);
};

// Values of one plan's scalars.
struct SizeValues {
  const artifact::Plan *plan = nullptr;
  Array<int64_t> values;
  Array<Fault> faults;
  bool readsElements = false;

  bool allocate(Allocator &allocator, const artifact::Plan &source);
  void release(Allocator &allocator);
  void evaluate(const SizeSource &source);
  // Would evaluate give other values for the input elements?
  bool elementsChanged(const SizeSource &source) const;
  // Does the scalar wait for a read that has not run?
  bool isLate(uint32_t scalar) const { return faults[scalar] == Fault::Late; }
  // NULL, or a status that says which size (`what`) has no value.
  laic_status_t *get(uint32_t scalar, const char *what, int64_t *out) const;
};

} // namespace rt
} // namespace laic
#endif
