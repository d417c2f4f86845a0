// Constants in a file beside the model: what lies where, and that both files appear or none.
#include "laic/Export/ExportModel.h"

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Import/Onnx/Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace mlir;
using namespace laic;

namespace {

constexpr const char *kModule = R"(
func.func @main(%x: tensor<600xf32> {laic.name = "x"}) -> (tensor<600xf32> {laic.name = "y"}) {
  %a = laic.constant {value = dense<1.5> : tensor<600xf32>} : tensor<600xf32>
  %b = laic.constant {value = dense<-3> : tensor<5001xi4>} : tensor<5001xi4>
  %c = laic.constant {value = dense<2.5> : tensor<1xf32>} : tensor<1xf32>
  %u = laic.cast %b {to = 1 : i64} : (tensor<5001xi4>) -> tensor<5001xf32>
  %0 = laic.add %x, %a : (tensor<600xf32>, tensor<600xf32>) -> tensor<600xf32>
  %1 = laic.mul %0, %c : (tensor<600xf32>, tensor<1xf32>) -> tensor<600xf32>
  return %1 : tensor<600xf32>
})";

class ExportModel : public ::testing::Test {
protected:
  ExportModel() {
    context.loadDialect<LaicDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(kModule, &context);
    llvm::sys::fs::createUniqueDirectory("laic-export", folder);
    options.producerVersion = "test";
  }
  ~ExportModel() override { llvm::sys::fs::remove_directories(folder); }

  std::string place(llvm::StringRef name) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return path.str().str();
  }

  std::vector<std::string> files() {
    std::vector<std::string> names;
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(folder, error), end; it != end; it.increment(error))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    llvm::sort(names);
    return names;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  ExportOptions options;
  llvm::SmallString<128> folder;
};

TEST_F(ExportModel, PutsLargeTensorsOfLargeModelsIntoAFileOfTheirOwn) {
  options.mostInside = 4000;
  ASSERT_TRUE(succeeded(exportModel(*module, options, place("m.onnx"))));
  EXPECT_EQ(files(), (std::vector<std::string>{"m.onnx", "m.onnx.data"}));
  // The first tensor from the start, the packed one from the next page; the small one stays inside.
  auto data = llvm::MemoryBuffer::getFile(place("m.onnx.data"));
  ASSERT_TRUE(static_cast<bool>(data));
  EXPECT_EQ((*data)->getBufferSize(), 4096u + 2501);
  float first;
  std::memcpy(&first, (*data)->getBufferStart(), sizeof first);
  EXPECT_EQ(first, 1.5f);
  EXPECT_EQ((*data)->getBuffer().bytes_begin()[4096], 0xDD);        // two times -3
  EXPECT_EQ((*data)->getBuffer().bytes_begin()[4096 + 2500], 0x0D); // the last is alone

  std::vector<onnx::Diagnostic> problems;
  std::unique_ptr<onnx::Model> model = onnx::readModel(place("m.onnx"), onnx::ReadOptions{}, problems);
  ASSERT_TRUE(model) << (problems.empty() ? "" : problems[0].message);
  EXPECT_EQ(model->externalFiles.size(), 1u);
  EXPECT_EQ(model->graph.initializers.size(), 3u);
}

TEST_F(ExportModel, KeepsSmallModelsInOneFile) {
  options.mostInside = 5000;
  ASSERT_TRUE(succeeded(exportModel(*module, options, place("m.onnx"))));
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
}

TEST_F(ExportModel, LeavesNothingBehindWhenTheModelCannotBeWritten) {
  options.mostInside = 4000;
  ASSERT_FALSE(llvm::sys::fs::create_directory(place("m.onnx")));
  ScopedDiagnosticHandler handler(&context, [](Diagnostic &d) { return success(); });
  EXPECT_TRUE(failed(exportModel(*module, options, place("m.onnx"))));
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
}

TEST_F(ExportModel, RefusesInMemoryWhatNeedsAFileOfItsOwn) {
  options.mostInside = 4000;
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
    message = d.str();
    return success();
  });
  std::vector<char> bytes;
  EXPECT_TRUE(failed(exportModel(*module, options, bytes)));
  EXPECT_EQ(message, "the model has 4905 bytes of constants, which need a file of their own; name a file to write it to");
}

} // namespace
