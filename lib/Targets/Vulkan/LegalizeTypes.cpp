// Elements below 32 bits: stored in words, computed in 32 bits.
#include "LegalizeTypes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace laic;

namespace {

bool isSmallInteger(Type type) { return type.isInteger() && !type.isInteger(1) && type.getIntOrFloatBitWidth() < 32; }

/// Which types change, and to what.
class Types : public TypeConverter {
public:
  Types(MLIRContext *context, bool float16) : float16(float16) {
    addConversion([](Type type) { return type; });
    addConversion([this](FloatType type) -> Type { return isSmall(type) ? Float32Type::get(type.getContext()) : Type(type); });
    addConversion(
        [](IntegerType type) -> Type { return isSmallInteger(type) ? IntegerType::get(type.getContext(), 32) : Type(type); });
    addConversion([this](VectorType type) -> Type { // one word of elements
      Type element = type.getElementType();
      if (!isSmall(element))
        return type;
      bool word = type.getNumElements() * element.getIntOrFloatBitWidth() == 32;
      return word ? IntegerType::get(type.getContext(), 32) : Type();
    });
    addConversion([this](MemRefType type) -> Type {
      Type element = type.getElementType();
      if (!isSmall(element))
        return type;
      bool words = !type.getMemorySpace(); // workgroup memory holds registers
      Type to = words ? IntegerType::get(type.getContext(), 32) : convertType(element);
      return MemRefType::get(type.getShape(), to, MemRefLayoutAttrInterface(), type.getMemorySpace());
    });
  }
  bool isSmall(Type type) const {
    if (type.isF16())
      return !float16;
    return type.isBF16() || isSmallInteger(type);
  }

private:
  bool float16;
};

/// 32-bit arithmetic at one place.
struct Words {
  OpBuilder &b;
  Location loc;

  Value constant(int64_t value) const { return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value); }
  Value number(float value) const { return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value)); }
  Value left(Value x, int64_t by) const { return arith::ShLIOp::create(b, loc, x, constant(by)); }
  Value right(Value x, int64_t by) const { return arith::ShRUIOp::create(b, loc, x, constant(by)); }
  Value both(Value x, int64_t mask) const { return arith::AndIOp::create(b, loc, x, constant(mask)); }
  Value either(Value x, Value y) const { return arith::OrIOp::create(b, loc, x, y); }
  Value add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
  Value asFloat(Value x) const { return arith::BitcastOp::create(b, loc, b.getF32Type(), x); }
  Value asBits(Value x) const { return arith::BitcastOp::create(b, loc, b.getI32Type(), x); }
  Value compare(arith::CmpIPredicate predicate, Value x, int64_t y) const {
    return arith::CmpIOp::create(b, loc, predicate, x, constant(y));
  }
  Value select(Value c, Value x, Value y) const { return arith::SelectOp::create(b, loc, c, x, y); }

  Value mask(Value x, unsigned bits) const { return both(x, (int64_t(1) << bits) - 1); }
  Value signExtend(Value x, unsigned bits) const {
    return arith::ShRSIOp::create(b, loc, left(x, 32 - bits), constant(32 - bits));
  }

  /// The low 16 bits of `x` are an f16.
  Value fromHalf(Value x) const {
    Value magnitude = both(x, 0x7fff), sign = left(both(x, 0x8000), 16);
    Value normal = add(left(magnitude, 13), constant((127 - 15) << 23));
    // Subnormal: an integer times 2^-24.
    Value count = arith::UIToFPOp::create(b, loc, b.getF32Type(), magnitude);
    Value tiny = asBits(arith::MulFOp::create(b, loc, count, number(5.9604644775390625e-8f)));
    Value special = either(constant(0x7f800000), left(both(x, 0x3ff), 13));
    Value bits = select(compare(arith::CmpIPredicate::ult, magnitude, 0x400), tiny, normal);
    bits = select(compare(arith::CmpIPredicate::uge, magnitude, 0x7c00), special, bits);
    return asFloat(either(bits, sign));
  }

  /// Ties to even; the result's high 16 bits are 0.
  Value toHalf(Value v) const {
    Value x = asBits(v), magnitude = both(x, 0x7fffffff), sign = both(right(x, 16), 0x8000);
    Value odd = both(right(magnitude, 13), 1);
    Value rounded = right(add(add(magnitude, constant(0xfff - ((127 - 15) << 23))), odd), 13);
    // Below 2^-14 the addition of 0.5 rounds at the weight of the last subnormal bit.
    Value shifted = arith::AddFOp::create(b, loc, asFloat(magnitude), number(0.5f));
    Value tiny = add(asBits(shifted), constant(-int64_t(0x3f000000)));
    Value nan = compare(arith::CmpIPredicate::ugt, magnitude, 0x7f800000);
    Value special = select(nan, constant(0x7e00), constant(0x7c00));
    Value half = select(compare(arith::CmpIPredicate::ult, magnitude, 0x38800000), tiny, rounded);
    half = select(compare(arith::CmpIPredicate::uge, magnitude, 0x477ff000), special, half);
    return either(half, sign);
  }

  Value fromBrain(Value x) const { return asFloat(left(x, 16)); }
  Value toBrain(Value v) const {
    Value x = asBits(v), odd = both(right(x, 16), 1);
    Value rounded = right(add(add(x, constant(0x7fff)), odd), 16);
    Value nan = compare(arith::CmpIPredicate::ugt, both(x, 0x7fffffff), 0x7f800000);
    return select(nan, constant(0x7fc0), rounded);
  }

  /// From the low bits of a word to a register, and back. The low bits of an integer register are its bits.
  Value fromBits(Value x, Type element) const {
    if (element.isF16())
      return fromHalf(x);
    return element.isBF16() ? fromBrain(x) : signExtend(x, element.getIntOrFloatBitWidth());
  }
  Value toBits(Value v, Type element) const {
    if (element.isF16())
      return toHalf(v);
    return element.isBF16() ? toBrain(v) : mask(v, element.getIntOrFloatBitWidth());
  }
};

struct LoadPattern : OpConversionPattern<memref::LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(memref::LoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rw) const override {
    Location loc = op.getLoc();
    Type element = op.getMemRefType().getElementType();
    if (op.getMemRefType().getMemorySpace()) {
      rw.replaceOpWithNewOp<memref::LoadOp>(op, adaptor.getMemref(), adaptor.getIndices());
      return success();
    }
    unsigned bits = element.getIntOrFloatBitWidth(), perWord = 32 / bits;
    Value at = adaptor.getIndices().front(), count = arith::ConstantIndexOp::create(rw, loc, perWord);
    Value word = memref::LoadOp::create(rw, loc, adaptor.getMemref(), arith::DivUIOp::create(rw, loc, at, count).getResult());
    Value within = arith::RemUIOp::create(rw, loc, at, count);
    Value shift = arith::MulIOp::create(rw, loc, within, arith::ConstantIndexOp::create(rw, loc, bits));
    Value low = arith::ShRUIOp::create(rw, loc, word, arith::IndexCastOp::create(rw, loc, rw.getI32Type(), shift));
    Words w{rw, loc};
    rw.replaceOp(op, w.fromBits(bits == 16 ? w.mask(low, 16) : low, element));
    return success();
  }
};

struct StorePattern : OpConversionPattern<memref::StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(memref::StoreOp op, OpAdaptor adaptor, ConversionPatternRewriter &rw) const override {
    if (!op.getMemRefType().getMemorySpace())
      return rw.notifyMatchFailure(op, "a part of a word has no store");
    rw.replaceOpWithNewOp<memref::StoreOp>(op, adaptor.getValue(), adaptor.getMemref(), adaptor.getIndices());
    return success();
  }
};

struct AllocPattern : OpConversionPattern<memref::AllocOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(memref::AllocOp op, OpAdaptor, ConversionPatternRewriter &rw) const override {
    rw.replaceOpWithNewOp<memref::AllocOp>(op, cast<MemRefType>(getTypeConverter()->convertType(op.getType())));
    return success();
  }
};

/// The elements of a word become the word.
struct ElementsPattern : OpConversionPattern<vector::FromElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(vector::FromElementsOp op, OpAdaptor adaptor, ConversionPatternRewriter &rw) const override {
    Type element = op.getType().getElementType();
    Words w{rw, op.getLoc()};
    Value word;
    for (auto [i, value] : llvm::enumerate(adaptor.getElements())) {
      Value part = w.toBits(value, element);
      part = i ? w.left(part, i * element.getIntOrFloatBitWidth()) : part;
      word = word ? w.either(word, part) : part;
    }
    rw.replaceOp(op, word);
    return success();
  }
};

struct VectorStorePattern : OpConversionPattern<vector::StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(vector::StoreOp op, OpAdaptor adaptor, ConversionPatternRewriter &rw) const override {
    Value count = arith::ConstantIndexOp::create(rw, op.getLoc(), op.getVectorType().getNumElements());
    Value at = arith::DivUIOp::create(rw, op.getLoc(), adaptor.getIndices().front(), count);
    rw.replaceOpWithNewOp<memref::StoreOp>(op, adaptor.getValueToStore(), adaptor.getBase(), at);
    return success();
  }
};

struct ConstantPattern : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, OpAdaptor, ConversionPatternRewriter &rw) const override {
    if (auto number = dyn_cast<FloatAttr>(op.getValue())) {
      rw.replaceOpWithNewOp<arith::ConstantOp>(op, rw.getF32FloatAttr(number.getValueAsDouble()));
      return success();
    }
    if (auto number = dyn_cast<IntegerAttr>(op.getValue())) {
      rw.replaceOpWithNewOp<arith::ConstantOp>(op, rw.getI32IntegerAttr(number.getValue().getSExtValue()));
      return success();
    }
    return failure();
  }
};

/// Arithmetic with a small operand or result.
struct ArithPattern : ConversionPattern {
  ArithPattern(const Types &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), 1, context), types(types) {}

  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands, ConversionPatternRewriter &rw) const override {
    bool arithmetic = op->getDialect() && llvm::is_contained({"arith", "math"}, op->getDialect()->getNamespace());
    if (!arithmetic || op->getNumResults() != 1 || op->getNumOperands() == 0)
      return failure();
    Words w{rw, op->getLoc()};
    Type from = op->getNumOperands() ? op->getOperand(0).getType() : Type(), to = op->getResult(0).getType();
    Value result = isa<CastOpInterface>(op) ? convert(op, from, to, operands[0], w) : compute(op, operands, w);
    if (!result)
      return rw.notifyMatchFailure(op, "has no rule for small types");
    rw.replaceOp(op, result);
    return success();
  }

private:
  Value convert(Operation *op, Type from, Type to, Value x, Words w) const {
    Type wide = types.convertType(to);
    auto same = [&](Value v) { return v.getType() == wide ? v : Value(); };
    bool smallFrom = isSmallInteger(from), smallTo = isSmallInteger(to);
    unsigned fromBits = from.isIndex() ? 32 : from.getIntOrFloatBitWidth();
    Location loc = w.loc;
    return llvm::TypeSwitch<Operation *, Value>(op)
        .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) -> Value {
          if (x.getType() == wide)
            return x; // f32 stands for a small float: rounding waits for the store
          if (wide.getIntOrFloatBitWidth() > x.getType().getIntOrFloatBitWidth())
            return arith::ExtFOp::create(w.b, loc, wide, x);
          return arith::TruncFOp::create(w.b, loc, wide, x);
        })
        .Case([&](arith::ExtSIOp) -> Value {
          if (Value v = same(x))
            return v;
          return arith::ExtSIOp::create(w.b, loc, wide, x);
        })
        .Case([&](arith::ExtUIOp) -> Value {
          Value bits = smallFrom ? w.mask(x, fromBits) : x;
          bits = bits.getType() == wide ? bits : arith::ExtUIOp::create(w.b, loc, wide, bits).getResult();
          return bits;
        })
        .Case([&](arith::TruncIOp) -> Value {
          if (to.isInteger(1))
            return w.compare(arith::CmpIPredicate::ne, w.both(x, 1), 0);
          Value bits = x.getType() == wide ? x : arith::TruncIOp::create(w.b, loc, wide, x).getResult();
          return smallTo ? w.signExtend(bits, to.getIntOrFloatBitWidth()) : bits;
        })
        .Case([&](arith::SIToFPOp) -> Value { return arith::SIToFPOp::create(w.b, loc, wide, x); })
        .Case([&](arith::UIToFPOp) -> Value {
          return arith::UIToFPOp::create(w.b, loc, wide, smallFrom ? w.mask(x, fromBits) : x);
        })
        .Case<arith::FPToSIOp, arith::FPToUIOp>([&](auto cast) -> Value {
          // Through a signed word also for unsigned: small values fit it.
          if (!smallTo)
            return decltype(cast)::create(w.b, loc, wide, x);
          return w.signExtend(arith::FPToSIOp::create(w.b, loc, wide, x), to.getIntOrFloatBitWidth());
        })
        .Case([&](arith::IndexCastOp) -> Value {
          Value v = arith::IndexCastOp::create(w.b, loc, wide, x);
          return smallTo ? w.signExtend(v, to.getIntOrFloatBitWidth()) : v;
        })
        .Case([&](arith::IndexCastUIOp) -> Value {
          Value v = arith::IndexCastUIOp::create(w.b, loc, wide, smallFrom ? w.mask(x, fromBits) : x);
          return smallTo ? w.signExtend(v, to.getIntOrFloatBitWidth()) : v;
        })
        .Case([&](arith::BitcastOp) -> Value {
          if (types.isSmall(from) && types.isSmall(to) && from.getIntOrFloatBitWidth() == to.getIntOrFloatBitWidth())
            return isSmallInteger(from) ? w.fromBits(w.mask(x, fromBits), to) : w.signExtend(w.toBits(x, from), fromBits);
          return Value();
        })
        .Default([](Operation *) { return Value(); });
  }

  Value compute(Operation *op, ArrayRef<Value> operands, Words w) const {
    Type type = op->getResult(0).getType();
    Type small = op->getOperand(op->getNumOperands() - 1).getType();
    unsigned bits = isSmallInteger(small) ? small.getIntOrFloatBitWidth() : 0;
    bool asUnsigned = isa<arith::DivUIOp, arith::RemUIOp, arith::ShRUIOp, arith::MaxUIOp, arith::MinUIOp>(op);
    if (auto cmp = dyn_cast<arith::CmpIOp>(op))
      asUnsigned = cmp.getPredicate() >= arith::CmpIPredicate::ult;
    SmallVector<Value> inputs(operands);
    if (bits && asUnsigned)
      for (Value &v : inputs)
        v = w.mask(v, bits);
    OperationState state(op->getLoc(), op->getName(), inputs, types.convertType(type), op->getAttrs());
    Value result = w.b.create(state)->getResult(0);
    bool keeps = isa<arith::CmpIOp, arith::CmpFOp, arith::SelectOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::MaxSIOp,
                     arith::MinSIOp, arith::ShRSIOp>(op);
    return bits && !keeps && isSmallInteger(type) ? w.signExtend(result, bits) : result;
  }

  const Types &types;
};

} // namespace

LogicalResult vulkan::legalizeTypes(gpu::GPUModuleOp module, bool float16) {
  MLIRContext *context = module.getContext();
  Types types(context, float16);
  ConversionTarget target(*context);
  auto legal = [&](Operation *op) { return types.isLegal(op->getOperandTypes()) && types.isLegal(op->getResultTypes()); };
  target.markUnknownOpDynamicallyLegal(legal);
  target.addDynamicallyLegalOp<gpu::GPUFuncOp>([&](gpu::GPUFuncOp f) { return types.isSignatureLegal(f.getFunctionType()); });
  target.addLegalOp<gpu::GPUModuleOp>();
  RewritePatternSet patterns(context);
  patterns.add<LoadPattern, StorePattern, AllocPattern, VectorStorePattern, ElementsPattern, ConstantPattern>(types, context);
  patterns.add<ArithPattern>(types, context);
  populateFunctionOpInterfaceTypeConversionPattern<gpu::GPUFuncOp>(patterns, types);
  scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);
  // The caller says that there is no rule.
  ScopedDiagnosticHandler handler(context, [](Diagnostic &) { return success(); });
  return applyFullConversion(module, target, std::move(patterns));
}
