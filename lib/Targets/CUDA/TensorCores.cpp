// Tensor cores by mma.sync and ldmatrix, fed by cp.async.
#include "TensorCores.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;

namespace {

class TensorCores : public MatrixUnit {
public:
  void copy(OpBuilder &b, Location loc, Value from, Value fromAt, Value to, Value toAt, int64_t elements,
            Value valid) const override {
    auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
    bool whole = elements * 2 == kCopyBytes; // only those may leave the first cache out
    nvgpu::DeviceAsyncCopyOp::create(b, loc, token, to, toAt, from, fromAt, b.getIndexAttr(elements), valid,
                                     whole ? b.getUnitAttr() : UnitAttr());
  }

  void closeGroup(OpBuilder &b, Location loc) const override { NVVM::CpAsyncCommitGroupOp::create(b, loc); }

  void waitForGroups(OpBuilder &b, Location loc, int64_t pending) const override {
    NVVM::CpAsyncWaitGroupOp::create(b, loc, pending);
  }

  Value load(OpBuilder &b, Location loc, Value from, Value at, bool transposed) const override {
    auto type = VectorType::get({4, 2}, b.getF16Type());
    return nvgpu::LdMatrixOp::create(b, loc, type, from, at, transposed, /*numTiles=*/4);
  }

  Value multiply(OpBuilder &b, Location loc, Value a, Value bs, unsigned column, Value sum) const override {
    auto extract = [&](Value vector, int64_t at) -> Value { return vector::ExtractOp::create(b, loc, vector, at); };
    SmallVector<Value> as, factors = {extract(bs, 2 * column), extract(bs, 2 * column + 1)}, sums;
    for (int64_t i = 0; i < 4; ++i) {
      as.push_back(extract(a, i));
      sums.push_back(extract(sum, i));
    }
    auto results = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getF32Type()));
    std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
    std::array<NVVM::MMATypes, 2> types = {NVVM::MMATypes::f16, NVVM::MMATypes::f16};
    Value product = NVVM::MmaOp::create(b, loc, results, as, factors, sums, ArrayRef<int64_t>{kRows, kColumns, kDepth},
                                        std::nullopt, std::nullopt, types, layouts);
    for (int64_t i = 0; i < 4; ++i)
      sums[i] = LLVM::ExtractValueOp::create(b, loc, product, i);
    return vector::FromElementsOp::create(b, loc, cast<VectorType>(sum.getType()), sums);
  }
};

/// nvgpu.device_async_copy with an index of any width; upstream's truncates one of 64 bits.
struct AsyncCopyLowering : public ConvertOpToLLVMPattern<nvgpu::DeviceAsyncCopyOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(nvgpu::DeviceAsyncCopyOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    auto fromType = cast<MemRefType>(op.getSrc().getType()), toType = cast<MemRefType>(op.getDst().getType());
    Value to = getStridedElementPtr(rewriter, loc, toType, adaptor.getDst(), adaptor.getDstIndices());
    Value from = getStridedElementPtr(rewriter, loc, fromType, adaptor.getSrc(), adaptor.getSrcIndices());
    auto global = LLVM::LLVMPointerType::get(context, unsigned(NVVM::NVVMMemorySpace::Global));
    from = LLVM::AddrSpaceCastOp::create(rewriter, loc, global, from);
    int64_t each = fromType.getElementTypeBitWidth() / 8, bytes = op.getDstElements().getZExtValue() * each;
    Value valid;
    if (Value elements = adaptor.getSrcElements()) {
      Type i32 = rewriter.getI32Type();
      if (elements.getType() != i32)
        elements = LLVM::TruncOp::create(rewriter, loc, i32, elements);
      Value size = LLVM::ConstantOp::create(rewriter, loc, i32, rewriter.getI32IntegerAttr(each));
      valid = LLVM::MulOp::create(rewriter, loc, i32, elements, size);
    }
    auto caching = op.getBypassL1().value_or(false) ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
    NVVM::CpAsyncOp::create(rewriter, loc, to, from, bytes, caching, valid);
    Value token = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32Type(), rewriter.getI32IntegerAttr(0));
    rewriter.replaceOp(op, token);
    return success();
  }
};

} // namespace

const MatrixUnit *cuda::tensorCoresOf(ArrayRef<std::string> chips) {
  static const TensorCores unit;
  constexpr unsigned kFirst = 80;
  auto has = [](llvm::StringRef chip) {
    unsigned number = 0;
    return chip.consume_front("sm_") && !chip.consumeInteger(10, number) && number >= kFirst;
  };
  return llvm::all_of(chips, has) ? &unit : nullptr;
}

void cuda::populateTensorCorePatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  constexpr unsigned kBeforeUpstream = 2;
  converter.addConversion([](nvgpu::DeviceAsyncTokenType type) -> Type { return IntegerType::get(type.getContext(), 32); });
  patterns.add<AsyncCopyLowering>(converter, kBeforeUpstream);
  populateNVGPUToNVVMConversionPatterns(converter, patterns);
}
