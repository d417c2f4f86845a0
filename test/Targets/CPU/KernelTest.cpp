// The machinery of the code generation tests.
#include "KernelTest.h"
#include "TileMachine.h"
#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <random>
#include <sys/mman.h>

using namespace mlir;
using namespace laic;
using namespace laic::test;

static constexpr char kUntouched = 0x5a; // results before a run, and bytes that no kernel may write

static int64_t bytesOf(Type type) { return std::max(1u, type.getIntOrFloatBitWidth() / 8); }

int64_t Tensor::count() const {
  int64_t product = 1;
  for (int64_t size : shape)
    product *= size;
  return product;
}

Tensor laic::test::makeTensor(ArrayRef<int64_t> shape, Type element) {
  Tensor tensor;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.element = element;
  tensor.bytes.assign(tensor.count() * bytesOf(element), kUntouched);
  return tensor;
}

double Tensor::get(int64_t i) const {
  int64_t width = bytesOf(element);
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.data() + i * width, width);
  if (auto type = dyn_cast<FloatType>(element)) {
    llvm::APFloat value(type.getFloatSemantics(), llvm::APInt(width * 8, bits));
    bool lost;
    value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lost);
    return value.convertToDouble();
  }
  return llvm::APInt(width * 8, bits).getSExtValue();
}

void Tensor::set(int64_t i, double value) {
  int64_t width = bytesOf(element);
  uint64_t bits;
  if (auto type = dyn_cast<FloatType>(element)) {
    llvm::APFloat number(value);
    bool lost;
    number.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
    bits = number.bitcastToAPInt().getZExtValue();
  } else {
    bits = static_cast<int64_t>(value);
  }
  std::memcpy(bytes.data() + i * width, &bits, width);
}

namespace {

/// A copy of a tensor that starts on 64 bytes and lies between pages that nobody may touch: reading beyond it
/// by a cache line, or writing beyond it at all, does not go unnoticed.
class FencedCopy {
public:
  explicit FencedCopy(Tensor &tensor) : tensor(tensor) {
    size_t room = (tensor.bytes.size() + kAlign - 1) / kAlign * kAlign, pages = (room + kPage - 1) / kPage;
    size = (pages + 2) * kPage;
    memory = static_cast<char *>(mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory + kPage, pages * kPage, PROT_READ | PROT_WRITE);
    fence = memory + (pages + 1) * kPage;
    begin = fence - room;
    std::memset(memory + kPage, kUntouched, pages * kPage);
    std::copy(tensor.bytes.begin(), tensor.bytes.end(), begin);
  }
  FencedCopy(const FencedCopy &) = delete;
  ~FencedCopy() { munmap(memory, size); }
  void *data() const { return begin; }
  /// Back into the tensor; fails the test where something else was written.
  void take() {
    std::copy_n(begin, tensor.bytes.size(), tensor.bytes.begin());
    auto untouched = [](const char *from, const char *to) {
      return std::all_of(from, to, [](char c) { return c == kUntouched; });
    };
    EXPECT_TRUE(untouched(memory + kPage, begin) && untouched(begin + tensor.bytes.size(), fence))
        << "written outside of a tensor";
  }

private:
  static constexpr size_t kPage = 4096, kAlign = 64;
  Tensor &tensor;
  char *memory, *begin, *fence;
  size_t size;
};

} // namespace

MappedCode::MappedCode(const CodeBlob &blob) : blob(blob), size(blob.bytes.size()) {
  memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(memory, blob.bytes.data(), size);
  mprotect(memory, size, PROT_READ | PROT_EXEC);
}

MappedCode::~MappedCode() { munmap(memory, size); }

laic_kernel_fn MappedCode::kernel(size_t i) const {
  return reinterpret_cast<laic_kernel_fn>(static_cast<char *>(memory) + blob.kernels[i].offset);
}

KernelTest::KernelTest() {
  context.loadDialect<LaicDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                      tensor::TensorDialect>();
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    diagnostics.push_back(diagnostic.str());
    return success();
  });
}

void KernelTest::parse(StringRef text) {
  module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
  ASSERT_TRUE(module) << (diagnostics.empty() ? "" : diagnostics.front()) << "\n" << text.str();
}

func::FuncOp KernelTest::function() { return *module->getOps<func::FuncOp>().begin(); }

FailureOr<CodegenResult> KernelTest::compile(std::vector<std::string> levels) {
  SmallVector<func::FuncOp> kernels(module->getOps<func::FuncOp>());
  TargetOptions options;
  options.levels = std::move(levels);
  options.threads = 2;
  options.quick = quick;
  return findTarget("cpu")->codegen(kernels, options);
}

std::vector<Tensor> KernelTest::makeTensors(const Shape &shape) {
  std::vector<Tensor> tensors;
  std::mt19937 random(7);
  size_t next = 0;
  auto add = [&](Type type, bool input) {
    auto tensorType = dyn_cast<RankedTensorType>(type);
    if (!tensorType)
      return;
    SmallVector<int64_t> sizes;
    for (int64_t size : tensorType.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? shape.dims[next++] : size);
    Tensor tensor = makeTensor(sizes, tensorType.getElementType());
    for (int64_t i = 0; input && i < tensor.count(); ++i) {
      double number = std::uniform_real_distribution<double>(low, high)(random);
      tensor.set(i, isa<FloatType>(tensor.element) ? number : std::floor(number * 8));
    }
    tensors.push_back(std::move(tensor));
  };
  for (Type type : function().getArgumentTypes())
    add(type, true);
  for (Type type : function().getResultTypes())
    add(type, false);
  return tensors;
}

static int64_t evaluate(AffineMap map, ArrayRef<int64_t> symbols) {
  std::function<int64_t(AffineExpr)> value = [&](AffineExpr expr) -> int64_t {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return constant.getValue();
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      return symbols[symbol.getPosition()];
    auto binary = cast<AffineBinaryOpExpr>(expr);
    int64_t x = value(binary.getLHS()), y = value(binary.getRHS());
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return x + y;
    case AffineExprKind::Mul:
      return x * y;
    case AffineExprKind::CeilDiv:
      return (x + y - 1) / y;
    case AffineExprKind::FloorDiv:
      return x / y;
    default:
      return x % y;
    }
  };
  return value(map.getResult(0));
}

// A kernel carries no type information for the sanitizer to look at.
__attribute__((no_sanitize("function"))) static int32_t runTiles(laic_kernel_fn kernel,
                                                                 const std::vector<laic_tensor_t> &operands,
                                                                 ArrayRef<int64_t> scalars, int64_t begin, int64_t end,
                                                                 void *workspace, laic_kernel_error_t &error) {
  return kernel(operands.data(), scalars.data(), begin, end, workspace, &error);
}

laic_kernel_error_t KernelTest::run(const MappedCode &code, const CodegenResult &result, std::vector<Tensor> &tensors,
                                    ArrayRef<int64_t> scalars, ArrayRef<int64_t> symbols, int64_t parts) {
  std::deque<FencedCopy> copies;
  std::vector<laic_tensor_t> operands;
  for (Tensor &tensor : tensors)
    operands.push_back({copies.emplace_back(tensor).data(), tensor.shape.data(), nullptr});
  int64_t tiles = evaluate(result.infos[0].tiles, symbols);
  std::vector<char> workspace(evaluate(result.infos[0].workspace, symbols) + 64);
  void *aligned = reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) / 64 * 64);
  laic_kernel_error_t first = {};
  for (int64_t part = parts; part-- > 0;) { // last range first: order must not matter
    laic_kernel_error_t error = {};
    int32_t status =
        runTiles(code.kernel(0), operands, scalars, tiles * part / parts, tiles * (part + 1) / parts, aligned, error);
    EXPECT_EQ(status, error.code);
    if (status)
      first = error;
  }
  for (FencedCopy &copy : copies)
    copy.take();
  return first;
}

// Tiles are emulated where they are all that this machine lacks: it runs the code of the level without them.
static bool runs(const CodeBlob &blob, const CodegenResult &result) {
  std::vector<std::string> others;
  for (const std::string &feature : blob.requires_)
    if (!StringRef(feature).starts_with("+amx-"))
      others.push_back(feature);
  bool tiles = others.size() < blob.requires_.size();
  return blob.hostRunnable || (tiles && allowTiles() && llvm::any_of(result.blobs, [&](const CodeBlob &plain) {
                                 return plain.requires_ == others && plain.hostRunnable;
                               }));
}

void KernelTest::check(StringRef text, Shape shape, double tolerance, ArrayRef<Array> inputs) {
  parse(text);
  if (!module)
    return;
  auto join = [&] {
    std::string all;
    for (const std::string &line : diagnostics)
      all += line + "\n";
    return all;
  };
  std::vector<Tensor> tensors = makeTensors(shape);
  size_t arguments = 0;
  std::vector<Array> arrays;
  SmallVector<int64_t> scalars = shape.scalars;
  size_t nextScalar = 0;
  for (Type type : function().getArgumentTypes()) {
    if (type.isIndex()) {
      arrays.push_back({{}, {double(scalars[nextScalar++])}});
      continue;
    }
    Tensor &tensor = tensors[arguments];
    if (arguments < inputs.size())
      for (int64_t i = 0; i < tensor.count(); ++i)
        tensor.set(i, inputs[arguments].data[i]);
    Array array{tensor.shape, {}};
    for (int64_t i = 0; i < tensor.count(); ++i)
      array.data.push_back(tensor.get(i));
    arrays.push_back(std::move(array));
    ++arguments;
  }
  Interpretation expected = interpret(function(), arrays, {});
  ASSERT_TRUE(expected.error.empty()) << expected.error;
  SmallVector<int64_t> symbols = shape.dims;
  llvm::append_range(symbols, scalars);

  FailureOr<CodegenResult> result = compile(levels);
  ASSERT_TRUE(succeeded(result)) << join();
  for (const CodeBlob &blob : result->blobs) {
    if (!runs(blob, *result))
      continue;
    SCOPED_TRACE(llvm::join(blob.requires_, ""));
    MappedCode code(blob);
    std::vector<std::vector<char>> before;
    for (int64_t parts : {1, 2, 3, 7}) {
      SCOPED_TRACE("parts: " + std::to_string(parts));
      run(code, *result, tensors, scalars, symbols, parts);
      for (size_t r = 0; r + arguments < tensors.size(); ++r) {
        Tensor &got = tensors[arguments + r];
        const Array &want = expected.results[r];
        ASSERT_EQ(want.data.size(), size_t(got.count()));
        double scale = 0;
        for (double v : want.data)
          scale = std::isfinite(v) ? std::max(scale, std::abs(v)) : scale;
        for (int64_t i = 0; i < got.count(); ++i) {
          bool same = std::isfinite(want.data[i]) ? std::abs(got.get(i) - want.data[i]) <= tolerance * scale
                                                  : std::isnan(want.data[i]) == std::isnan(got.get(i));
          ASSERT_TRUE(same) << "result " << r << " element " << i << ": " << got.get(i) << ", expected " << want.data[i];
        }
        if (parts == 1)
          before.push_back(got.bytes);
        else
          ASSERT_EQ(before[r], got.bytes) << "the result depends on how tiles are split";
        std::fill(got.bytes.begin(), got.bytes.end(), kUntouched);
      }
    }
  }
}
