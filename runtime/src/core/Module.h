// A loaded artifact: mapped, verified, immutable, shared by contexts.
#ifndef LAIC_RUNTIME_MODULE_H
#define LAIC_RUNTIME_MODULE_H

#include "Memory.h"
#include "Platform.h"

#include "laic/Artifact/Format.h"
#include "laic/Artifact/artifact_generated.h"

#include <pthread.h>

namespace laic {
namespace rt {

struct Driver;

// A weight or code segment of the program, inside the mapped bytes.
struct SegmentView {
  artifact::SegmentKind kind;
  const uint8_t *data;
  uint64_t offset; // in the file
  uint64_t length;
};

// One plan of the main entry on one device. The host's are opened when the module is loaded, others when a context first asks for them,
// so that nobody loads a driver that is not used.
struct PlanChoice {
  bool opened;
  void *state; // the driver's; NULL when the plan cannot run here
  Text reason; // why it cannot
};

constexpr int32_t kMaxOrdinals = 8; // devices of one kind

struct PlanChoices {
  const Driver *driver;                  // NULL: no driver for the plan's device
  PlanChoice ordinals[1 + kMaxOrdinals]; // the best device, then device 0, 1, ...
};

// The text of an optional string.
inline const char *textOf(const flatbuffers::String *string) { return string ? string->c_str() : ""; }

template <typename T> uint32_t count(const flatbuffers::Vector<T> *vector) { return vector ? vector->size() : 0; }

} // namespace rt
} // namespace laic

struct laic_module {
  explicit laic_module(const laic::rt::Allocator &source) : allocator(source) {}

  laic::rt::Allocator allocator; // used while loading and under `lock`
  std::atomic<uint32_t> references{1};
  laic::rt::MappedFile file; // descriptor < 0: the caller's memory
  bool ownsFile = false;

  laic::rt::Array<laic::artifact::SectionEntry> sections;
  laic::rt::Array<laic::rt::SegmentView> segments;
  const laic::artifact::Program *program = nullptr;
  const laic::artifact::Entry *entry = nullptr; // the main one

  laic::rt::Array<laic::rt::PlanChoices> plans;
  laic::rt::Text explain;

  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;     // guards `code`
  pthread_mutex_t planLock = PTHREAD_MUTEX_INITIALIZER; // guards `plans` and `explain` after loading
  laic::rt::Array<laic::rt::CodeMapping> code;          // per segment, mapped when a context first needs it
};

namespace laic {
namespace rt {

// Checks header, table, gaps and hashes of module.file; fills module.sections and says where the program's bytes are.
laic_status_t *verifyFile(laic_module &module, laic_verify_t level, const uint8_t **program, size_t *programSize);

// Checks that the program means something: every index, size and alignment that running relies on. Fills module.program, entry
// and segments.
laic_status_t *verifyProgram(laic_module &module, const uint8_t *bytes, size_t size);

// Asks the driver of plan `plan` about device `ordinal` (-1: the best) unless it has been asked. Returns a status only where memory ran
// out; a plan that cannot run has no state and a reason.
laic_status_t *openChoice(laic_module &module, uint32_t plan, int32_t ordinal, const PlanChoice **out);

// Does a device have what one word of a variant's `requires` asks for? Otherwise `lacks` says what is missing.
typedef bool (*HasFeature)(const void *device, const char *word, char *lacks, size_t capacity);
// Picks the first variant whose requirements hold; `missing` lists what the others before it lack.
bool pickVariant(const artifact::Kernel &kernel, HasFeature has, const void *device, uint32_t *out, char *missing,
                 size_t capacity);

// The executable image of a code segment, mapped at the first call.
laic_status_t *codeOf(laic_module &module, uint32_t segment, const uint8_t **out);

} // namespace rt
} // namespace laic
#endif
