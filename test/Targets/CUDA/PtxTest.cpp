// Runs PTX in tests.
#include "PtxTest.h"

#include <fstream>
#include <iterator>

using namespace laic::ptx;

std::string test::slurp(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::unique_ptr<Module> test::loadText(const std::string &text) {
  Diagnostics diagnostics;
  std::unique_ptr<Module> module = Module::load(text, diagnostics);
  EXPECT_TRUE(module) << toString(diagnostics) << "\n" << text;
  return module;
}

std::unique_ptr<Module> test::loadFile(const std::string &name) {
  return loadText(slurp(std::string(LAIC_PTX_FOLDER "/") + name));
}

std::string test::moduleWith(const std::string &body, const std::string &params) {
  return ".version 8.7\n.target sm_120\n.address_size 64\n.visible .entry k(" + params + ")\n{\n" + body + "\n}\n";
}

std::string test::complaintOf(const std::string &body) {
  Diagnostics diagnostics;
  EXPECT_FALSE(Module::load(moduleWith(body), diagnostics)) << body;
  return toString(diagnostics);
}

LaunchResult test::Bench::launch(Module &module, const std::string &kernel, Dim3 grid, Dim3 block) {
  const Kernel *found = module.find(kernel);
  EXPECT_TRUE(found) << kernel;
  EXPECT_TRUE(module.place(memory));
  config.grid = grid;
  config.block = block;
  LaunchResult result = laic::ptx::launch(*found, memory, config);
  module.unplace(memory);
  return result;
}

std::vector<uint64_t> test::Evaluator::runWide(const std::string &body, size_t width) {
  const auto bits = [](size_t bytes) { return ".b" + std::to_string(8 * bytes); };
  const char *names[] = {"%a", "%b", "%c", "%e"};
  const size_t threads = inputs.empty() ? 64 : inputs[0].values.size();
  std::string text = ".reg .pred %p<4>;\n.reg .b16 %h<4>;\n.reg .b32 %r<8>, %i, %j, %k;\n.reg .b64 %l<4>, %x, %y;\n.reg " +
                     bits(width) + " %d;\n";
  std::string params = ".param .u64 out";
  text += "mov.u32 %i, %tid.x;\nmov.u32 %j, %ctaid.x;\nmad.lo.u32 %i, %j, 64, %i;\n";
  for (size_t i = 0; i < inputs.size(); ++i) {
    params += ", .param .u64 in" + std::to_string(i);
    text += ".reg " + bits(inputs[i].width) + " " + names[i] + ";\nld.param.u64 %x, [in" + std::to_string(i) +
            "];\nmad.wide.u32 %x, %i, 8, %x;\nld.global" + bits(inputs[i].width) + " " + names[i] + ", [%x];\n";
  }
  text += body + "\nld.param.u64 %y, [out];\nmad.wide.u32 %y, %i, 8, %y;\nst.global" + bits(width) + " [%y], %d;\nret;";
  std::unique_ptr<Module> module = loadText(moduleWith(text, params));
  if (!module)
    return std::vector<uint64_t>(threads);
  const size_t blocks = (threads + 63) / 64; // the last block may have threads without values: their inputs are zero
  Bench bench(false);
  const uint64_t out = bench.buffer(std::vector<uint64_t>(blocks * 64));
  bench.arg(out);
  for (Input &input : inputs) {
    input.values.resize(blocks * 64);
    bench.arg(bench.buffer(input.values));
  }
  const LaunchResult result = bench.launch(*module, "k", {static_cast<uint32_t>(blocks), 1, 1}, {64, 1, 1});
  EXPECT_FALSE(result.fault) << result.fault->text();
  return bench.read<uint64_t>(out, threads);
}
