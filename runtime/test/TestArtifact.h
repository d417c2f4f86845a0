// Artifacts made by hand for the runtime's tests.
#ifndef LAIC_TEST_ARTIFACT_H
#define LAIC_TEST_ARTIFACT_H

#include "Kernels.h"

#include "laic/Artifact/Writer.h"
#include "laic/runtime.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace laic {
namespace test {

using artifact::ElementType;
using artifact::ScalarOp;
using artifact::Storage;

// A program under construction with one plan for "cpu", and its segments. Everything is open, so that a test can break it.
struct TestArtifact {
  artifact::ProgramT program;
  std::vector<std::vector<uint8_t>> segments; // bytes; kinds are in program.segments

  TestArtifact();

  // The entry that everything below is added to: the first, or what `begin` started last until `end`.
  artifact::EntryT &entry() { return *program.entries[current]; }
  artifact::PlanT &plan() { return *entry().plans[0]; }

  // Each returns the index of what it adds.
  uint32_t scalar(ScalarOp op, uint32_t a, uint32_t b, int64_t value = 0);
  uint32_t constant(int64_t value) { return scalar(ScalarOp::Const, 0, 0, value); }
  uint32_t dim(uint32_t input, uint32_t dim) { return scalar(ScalarOp::InputDim, input, dim); }
  uint32_t input(const std::string &name, ElementType type, const std::vector<int64_t> &shape,
                 const std::vector<std::string> &symbols = {});
  // shape: scalars.
  uint32_t output(const std::string &name, ElementType type, const std::vector<uint32_t> &shape);
  uint32_t segment(artifact::SegmentKind kind, std::vector<uint8_t> bytes);
  uint32_t buffer(Storage storage, uint32_t index, ElementType type, const std::vector<uint32_t> &shape, uint64_t offset = 0,
                  uint32_t offsetScalar = 0);
  // A kernel of Kernels.h with one variant.
  uint32_t kernel(const std::string &name, laic_kernel_fn function, const std::vector<std::string> &needs = {"generic"});
  // Operands: the last `outputs` of them are written.
  uint32_t dispatch(uint32_t kernel, const std::vector<uint32_t> &operands, uint32_t outputs, uint32_t tiles,
                    const std::vector<uint32_t> &scalars = {}, int64_t workspace = 0);
  uint32_t copy(uint32_t from, uint32_t to);
  // A call of "library.name".
  uint32_t hostCall(const std::string &function, const std::vector<uint32_t> &operands, uint32_t outputs,
                    const std::vector<uint32_t> &scalars = {});
  // Reads the elements of a buffer as read `number`.
  uint32_t read(uint32_t buffer, uint32_t number);
  // An If or Loop step of the first entry; `late`: dims of the outputs that become the read.
  artifact::StepT &call(artifact::StepKind kind, const std::vector<uint32_t> &programs, const std::vector<uint32_t> &operands,
                        uint32_t outputs, uint32_t read, const std::vector<uint32_t> &late);
  // Starts an entry that a step runs, with one plan for "cpu"; returns its index.
  uint32_t begin(const std::string &name);
  void end() { current = 0; }

  std::vector<uint8_t> bytes() const;

private:
  size_t current = 0;
};

// y[n, 4] = 2 * (x[n, 4] + b), b = {1, 2, 3, 4} in a weight segment: two steps, one arena buffer, symbol "N".
TestArtifact makeAffine();
// y[n] = table[index[n]] with 10 floats 0..9.
TestArtifact makeGather();
// present[p + m, 4] = concat(past[p, 4], next[m, 4]); present may alias past.
TestArtifact makeAppend();
// past f32 [H, P, 4], next f32 [H, M, 4] -> present f32 [H, P + M, 4], which grows in place along P.
TestArtifact makeGrow();

// y[m] of i64 = c ? n values n : 2 n values 2 n, of x[n]: an If step (step 0) whose size comes late, programs 1 and 2.
TestArtifact makeBranch();
// s[n] = x[n] doubled `trips` times while c; z[k, n] stacks what was doubled: a Loop step (step 0), program 1.
TestArtifact makeLoop();

// Bytes that start on a page.
class PageBuffer {
public:
  explicit PageBuffer(const std::vector<uint8_t> &bytes);
  ~PageBuffer();
  PageBuffer(const PageBuffer &) = delete;
  PageBuffer &operator=(const PageBuffer &) = delete;
  uint8_t *data() const { return memory; }
  size_t size() const { return length; }

private:
  uint8_t *memory;
  size_t length;
};

// A file that vanishes with the object.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::vector<uint8_t> &bytes);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  const std::string &path() const { return name; }

private:
  std::string name;
};

// Recomputes the hashes of all sections and of the table after a test has changed bytes.
void resign(std::vector<uint8_t> &bytes);

// Frees the status and returns its code and message.
struct Outcome {
  laic_code_t code;
  std::string message;
};
Outcome outcome(laic_status_t *status);
std::string errorOf(laic_status_t *status); // message alone; empty on success

// ---- owners ----

struct Release {
  void operator()(laic_module_t *module) const { laic_module_release(module); }
  void operator()(laic_context_t *context) const { laic_context_release(context); }
  void operator()(laic_pool_t *pool) const { laic_pool_release(pool); }
};
using ModulePtr = std::unique_ptr<laic_module_t, Release>;
using ContextPtr = std::unique_ptr<laic_context_t, Release>;
using PoolPtr = std::unique_ptr<laic_pool_t, Release>;

// These fail the test and return NULL when the call fails.
ModulePtr loadFile(const std::string &path);
ContextPtr createContext(laic_module_t *module, laic_pool_t *pool = nullptr, const laic_allocator_t *allocator = nullptr);
PoolPtr createPool(uint32_t threads);

Outcome loadBytes(const std::vector<uint8_t> &bytes, laic_verify_t verify = LAIC_VERIFY_FULL);

// Bindings. The vectors must outlive the call alone, the data the binding.
laic_status_t *bindInput(laic_context_t *context, size_t index, laic_type_t type, void *data, const std::vector<int64_t> &sizes,
                         const std::vector<int64_t> &strides = {}, size_t capacity = 0);
laic_status_t *bindOutput(laic_context_t *context, size_t index, laic_type_t type, void *data, const std::vector<int64_t> &sizes,
                          const std::vector<int64_t> &strides = {}, size_t capacity = 0);
std::vector<float> floatsOf(laic_context_t *context, size_t output);

// A caller's allocator that counts, and fails on demand.
struct CountingAllocator {
  std::atomic<int64_t> made{0}, live{0};
  int64_t failAt = -1;
  laic_allocator_t functions = {sizeof(laic_allocator_t), this, allocate, release};

  static void *allocate(void *self, size_t size, size_t alignment) {
    CountingAllocator &all = *static_cast<CountingAllocator *>(self);
    if (all.made++ == all.failAt)
      return nullptr;
    ++all.live;
    void *pointer = nullptr;
    return posix_memalign(&pointer, alignment, size) == 0 ? pointer : nullptr;
  }
  static void release(void *self, void *pointer, size_t) {
    --static_cast<CountingAllocator *>(self)->live;
    free(pointer);
  }
};

} // namespace test
} // namespace laic
#endif
