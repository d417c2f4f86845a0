// Runs compiled kernels in the compiler's own process.
#include "KernelRunner.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Memory.h"
#include "llvm/Support/Threading.h"

#include <algorithm>
#include <cstring>
#include <thread>

using namespace laic;

void KernelCall::add(llvm::ArrayRef<int64_t> shape, char *data) {
  Operand operand;
  operand.sizes.assign(shape.begin(), shape.end());
  operand.strides.resize(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= std::max<int64_t>(shape[d], 1))
    operand.strides[d] = stride;
  operand.data = data;
  operands.push_back(std::move(operand));
}

std::vector<laic_tensor_t> KernelCall::tensors() const {
  std::vector<laic_tensor_t> list;
  for (const Operand &operand : operands)
    list.push_back({operand.data, operand.sizes.data(), operand.strides.data()});
  return list;
}

std::unique_ptr<KernelRunner> KernelRunner::create(llvm::ArrayRef<char> code, unsigned threads, std::string &error) {
  using llvm::sys::Memory;
  std::error_code ec;
  llvm::sys::MemoryBlock block =
      Memory::allocateMappedMemory(std::max<size_t>(code.size(), 1), nullptr, Memory::MF_READ | Memory::MF_WRITE, ec);
  if (!ec) {
    std::memcpy(block.base(), code.data(), code.size());
    ec = Memory::protectMappedMemory(block, Memory::MF_READ | Memory::MF_EXEC);
    Memory::InvalidateInstructionCache(block.base(), code.size());
  }
  if (ec) {
    error = "cannot map code to fold constants: " + ec.message();
    return nullptr;
  }
  unsigned count = threads ? threads : llvm::hardware_concurrency().compute_thread_count();
  return std::unique_ptr<KernelRunner>(
      new KernelRunner(static_cast<char *>(block.base()), block.allocatedSize(), std::max(count, 1u)));
}

KernelRunner::~KernelRunner() {
  llvm::sys::MemoryBlock block(code, size);
  llvm::sys::Memory::releaseMappedMemory(block);
}

// A kernel carries no type information for the sanitizer to look at.
__attribute__((no_sanitize("function"))) static int32_t runTiles(laic_kernel_fn kernel, const std::vector<laic_tensor_t> &tensors,
                                                                 int64_t begin, int64_t end, void *workspace,
                                                                 laic_kernel_error_t &error) {
  return kernel(tensors.data(), nullptr, begin, end, workspace, &error);
}

static std::string describe(const laic_kernel_error_t &error) {
  std::string value = std::to_string(error.value);
  switch (error.code) {
  case LAIC_KERNEL_INDEX_OUT_OF_RANGE:
    return "index " + value + " is out of range";
  case LAIC_KERNEL_BAD_AXIS:
    return "axis " + value + " does not exist";
  case LAIC_KERNEL_BAD_SIZE:
    return "size " + value + " is impossible";
  case LAIC_KERNEL_DIVISION_BY_ZERO:
    return value + " is divided by zero";
  default:
    return "kernel error " + std::to_string(error.code);
  }
}

std::string KernelRunner::run(uint64_t offset, const KernelCall &call, int64_t tiles, int64_t workspace, int64_t bytes) const {
  constexpr int64_t kBytesPerThread = 1 << 18;
  auto kernel = reinterpret_cast<laic_kernel_fn>(code + offset);
  std::vector<laic_tensor_t> tensors = call.tensors();
  int64_t parts = std::clamp<int64_t>(std::min(tiles, bytes / kBytesPerThread), 1, threads);
  std::vector<laic_kernel_error_t> errors(parts, laic_kernel_error_t{});
  auto work = [&](int64_t part) {
    constexpr size_t kAlignment = 64;
    size_t space = workspace + kAlignment;
    std::unique_ptr<char[]> scratch(new char[space]);
    void *aligned = scratch.get();
    std::align(kAlignment, workspace, aligned, space);
    int64_t begin = tiles * part / parts, end = tiles * (part + 1) / parts;
    if (begin < end && runTiles(kernel, tensors, begin, end, aligned, errors[part]) != 0 && errors[part].code == 0)
      errors[part].code = -1;
  };
  std::vector<std::thread> helpers;
  for (int64_t part = 1; part < parts; ++part)
    helpers.emplace_back(work, part);
  work(0);
  for (std::thread &helper : helpers)
    helper.join();
  for (const laic_kernel_error_t &error : errors)
    if (error.code != 0)
      return describe(error);
  return "";
}
