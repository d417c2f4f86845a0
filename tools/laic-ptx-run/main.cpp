// laic-ptx-run: runs kernels of a PTX module on the CPU. See Options.cpp for the command line.
#include "Options.h"
#include "Stats.h"

#include <cstdio>
#include <fstream>

using namespace laic::ptx;

namespace {

constexpr uint64_t kMemory = 16ull << 30;

std::vector<uint8_t> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  std::vector<uint8_t> bytes(size > 0 ? static_cast<size_t>(size) : 0);
  file.seekg(0);
  file.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file || size < 0)
    throw Failure(kExitFault, path + ": cannot be read");
  return bytes;
}

void writeFile(const std::string &path, const std::vector<uint8_t> &bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush())
    throw Failure(kExitFault, path + ": cannot be written");
}

std::unique_ptr<Module> loadModule(const std::string &path) {
  const std::vector<uint8_t> text = readFile(path);
  Diagnostics diagnostics;
  std::unique_ptr<Module> module = Module::load({reinterpret_cast<const char *>(text.data()), text.size()}, diagnostics);
  if (!module) {
    std::string all;
    for (const Diagnostic &diagnostic : diagnostics)
      all += (all.empty() ? "" : "\n") + path + (diagnostic.line ? ":" + std::to_string(diagnostic.line) : "") + ": " +
             diagnostic.message;
    throw Failure(kExitFault, all);
  }
  return module;
}

void listKernels(const Module &module) {
  for (const Kernel &kernel : module.kernels()) {
    std::string params;
    for (const Variable &param : kernel.params) {
      params += params.empty() ? "" : ", ";
      const bool array = param.bytes != sizeOf(param.element);
      params += std::string(nameOf(param.element)) +
                (array ? "[" + std::to_string(param.bytes / sizeOf(param.element)) + "]" : "") + " " + param.name;
    }
    printf("%s(%s)\n  %zu instructions, %u registers, %u bytes of shared and %u of local memory\n", kernel.name.c_str(),
           params.c_str(), kernel.code.size(), kernel.registers, kernel.staticShared, kernel.localBytes);
  }
}

// Places the arguments in memory and their bytes in the launch. Returns the address of each buffer.
std::vector<uint64_t> bind(const Options &options, const Kernel &kernel, DeviceMemory &memory, LaunchConfig &config) {
  if (options.arguments.size() != kernel.params.size())
    throw Failure(kExitUsage, "kernel '" + kernel.name + "' expects " + std::to_string(kernel.params.size()) +
                                  " arguments, got " + std::to_string(options.arguments.size()));
  config.params.resize(kernel.paramBytes);
  std::vector<uint64_t> addresses;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const Argument &argument = options.arguments[i];
    const Variable &param = kernel.params[i];
    std::vector<uint8_t> bytes = argument.scalar;
    addresses.push_back(0);
    if (argument.isBuffer) {
      const std::vector<uint8_t> data = argument.in.empty() ? std::vector<uint8_t>() : readFile(argument.in);
      const uint64_t size = argument.in.empty() ? argument.bytes : data.size();
      addresses.back() = size ? memory.allocate(size) : 0;
      if (!addresses.back())
        throw Failure(kExitFault,
                      "argument " + std::to_string(i) + ": cannot make a buffer of " + std::to_string(size) + " bytes");
      if (!data.empty())
        memory.copyIn(addresses.back(), data.data(), data.size());
      const auto *begin = reinterpret_cast<const uint8_t *>(&addresses.back());
      bytes.assign(begin, begin + sizeof(uint64_t));
    }
    if (bytes.size() != param.bytes)
      throw Failure(kExitUsage, "argument " + std::to_string(i) + ": parameter '" + param.name + "' has " +
                                    std::to_string(param.bytes) + " bytes, got " + std::to_string(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), config.params.begin() + static_cast<ptrdiff_t>(param.offset));
  }
  return addresses;
}

void runKernel(const Options &options, Module &module) {
  const Kernel *kernel = module.find(options.kernel);
  if (!kernel)
    throw Failure(kExitUsage, options.file + " has no kernel '" + options.kernel + "'");
  DeviceMemory memory(kMemory, options.check);
  LaunchConfig config;
  config.grid = options.grid;
  config.block = options.block;
  config.dynamicShared = options.shared;
  config.countTraffic = options.stats != Stats::None;
  config.workers = options.threads;
  config.limit = options.limit;
  if (options.check)
    config.checks = Checks::all();
  const std::vector<uint64_t> addresses = bind(options, *kernel, memory, config);
  if (!module.place(memory))
    throw Failure(kExitFault, options.file + ": its variables do not fit memory");
  const LaunchResult result = launch(*kernel, memory, config);
  if (result.fault)
    throw Failure(kExitFault, options.file + ": " + result.fault->text());
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (options.arguments[i].out.empty())
      continue;
    std::vector<uint8_t> data(memory.find(addresses[i], 1)->size);
    memory.copyOut(data.data(), addresses[i], data.size());
    writeFile(options.arguments[i].out, data);
  }
  if (options.stats == Stats::Json)
    printf("%s\n", statsAsJson(kernel->name, result).c_str());
  else if (options.stats == Stats::Text)
    printf("%s", statsAsText(result).c_str());
}

} // namespace

int main(int argc, char **argv) {
  int exitCode = 0;
  const std::optional<Options> options = parseOptions(argc, argv, exitCode);
  if (!options)
    return exitCode;
  try {
    const std::unique_ptr<Module> module = loadModule(options->file);
    if (options->kernel.empty())
      listKernels(*module);
    else
      runKernel(*options, *module);
  } catch (const Failure &failure) {
    fprintf(stderr, "laic-ptx-run: error: %s\n", failure.what());
    return failure.exitCode;
  } catch (const std::bad_alloc &) {
    fprintf(stderr, "laic-ptx-run: error: out of memory\n");
    return kExitFault;
  }
  return 0;
}
