// Launches: checks the configuration and shares the blocks of a grid out to threads of the host.
#include "Interpreter.h"

#include "Warp.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

using namespace laic::ptx;

namespace {

constexpr uint32_t kMaxThreads = 1024;
constexpr uint64_t kMaxHostBytes = 1 << 30; // for one block

std::string shown(const uint32_t (&position)[3]) {
  return "(" + std::to_string(position[0]) + "," + std::to_string(position[1]) + "," + std::to_string(position[2]) + ")";
}

// What is wrong with a launch, or an empty string.
std::string complaint(const Kernel &kernel, const LaunchConfig &config) {
  const Dim3 &grid = config.grid, &block = config.block;
  const uint64_t threads = block.count();
  if (!grid.count() || !threads)
    return "grid and block must not be empty";
  if (grid.x > INT32_MAX || grid.y > 65535 || grid.z > 65535)
    return "the grid may have 2147483647 x 65535 x 65535 blocks at most";
  if (threads > kMaxThreads || block.z > 64)
    return "a block may have 1024 threads, and 64 in z, at most; got " + std::to_string(block.x) + " x " +
           std::to_string(block.y) + " x " + std::to_string(block.z);
  if (kernel.maxThreads && threads > kernel.maxThreads)
    return ".maxntid allows " + std::to_string(kernel.maxThreads) + " threads in a block, got " + std::to_string(threads);
  const uint32_t (&wanted)[3] = kernel.requiredThreads;
  if (wanted[0] && (wanted[0] != block.x || wanted[1] != block.y || wanted[2] != block.z))
    return ".reqntid asks for a block of " + std::to_string(wanted[0]) + " x " + std::to_string(wanted[1]) + " x " +
           std::to_string(wanted[2]) + " threads";
  const uint64_t own =
      ((threads + kWarpSize - 1) / kWarpSize) * (uint64_t(kernel.frameBytes) + uint64_t(kernel.localBytes) * kWarpSize);
  if (own > kMaxHostBytes)
    return "the block's registers and local memory take " + std::to_string(own) + " bytes of the host, more than a gigabyte";
  const uint64_t shared = uint64_t(kernel.dynamicShared) + config.dynamicShared;
  if (shared > config.maxShared)
    return "the block needs " + std::to_string(shared) + " bytes of shared memory, " + std::to_string(config.maxShared) +
           " are there";
  if (config.params.size() != kernel.paramBytes)
    return "expects " + std::to_string(kernel.paramBytes) + " bytes of parameters, got " + std::to_string(config.params.size());
  return "";
}

// What the workers of a launch share.
class Workers {
public:
  Workers(const Kernel &kernel, DeviceMemory &memory, const LaunchConfig &config)
      : kernel(kernel), memory(memory), config(config), firstFault(config.grid.count()) {}

  void run(LaunchResult &result) {
    const uint64_t blocks = config.grid.count();
    const unsigned wanted = config.workers ? config.workers : std::max(1u, std::thread::hardware_concurrency());
    const auto count = static_cast<unsigned>(std::min<uint64_t>(wanted, blocks));
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < count; ++i)
      threads.emplace_back([&] { work(result); });
    work(result);
    for (std::thread &thread : threads)
      thread.join();
  }

private:
  // Blocks are taken in order, so that all before the first one at fault have been started and finish.
  void work(LaunchResult &result) {
    try {
      Block block(kernel, memory, config);
      runBlocks(block, result);
      collect(block, result.counters);
    } catch (const std::bad_alloc &) {
      Fault fault;
      fault.kind = FaultKind::Launch;
      fault.kernel = kernel.name;
      fault.what = "the host is out of memory";
      report(0, fault, result);
    }
  }

  void runBlocks(Block &block, LaunchResult &result) {
    while (true) {
      const uint64_t number = next++;
      if (number >= config.grid.count() || number > firstFault.load())
        return;
      try {
        block.run(number);
      } catch (const FaultError &error) {
        return report(number, error.fault, result);
      }
    }
  }

  void report(uint64_t number, const Fault &fault, LaunchResult &result) {
    std::lock_guard<std::mutex> guard(lock);
    if (number >= firstFault.load())
      return;
    firstFault = number;
    result.fault = fault;
  }

  void collect(Block &block, Counters &total) {
    Counters &own = block.counters;
    for (size_t i = 0; i < kernel.code.size(); ++i) {
      own.threadInstructions += block.executions[i];
      if (block.executions[i])
        own.byOpcode[kernel.opcodes[kernel.code[i].opcode]] += block.executions[i];
    }
    std::lock_guard<std::mutex> guard(lock);
    total.add(own);
  }

  const Kernel &kernel;
  DeviceMemory &memory;
  const LaunchConfig &config;
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> firstFault;
  std::mutex lock;
};

} // namespace

std::string Fault::text() const {
  std::string out = "kernel '" + kernel + "'";
  if (line)
    out += ", line " + std::to_string(line) + ", block " + shown(block) + ", thread " + shown(thread) + ": `" + opcode + "`";
  return out + ": " + what;
}

void Counters::add(const Counters &other) {
  threadInstructions += other.threadInstructions;
  warpInstructions += other.warpInstructions;
  sharedAccesses += other.sharedAccesses;
  sharedIdeal += other.sharedIdeal;
  sharedWavefronts += other.sharedWavefronts;
  globalAccesses += other.globalAccesses;
  globalBytes += other.globalBytes;
  globalSectors += other.globalSectors;
  for (const auto &[opcode, count] : other.byOpcode)
    byOpcode[opcode] += count;
}

LaunchResult laic::ptx::launch(const Kernel &kernel, DeviceMemory &memory, const LaunchConfig &config) {
  LaunchResult result;
  const std::string problem = complaint(kernel, config);
  if (!problem.empty()) {
    result.fault.emplace();
    result.fault->kind = FaultKind::Launch;
    result.fault->kernel = kernel.name;
    result.fault->what = problem;
    return result;
  }
  const auto begin = std::chrono::steady_clock::now();
  if (!kernel.code.empty())
    Workers(kernel, memory, config).run(result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}
