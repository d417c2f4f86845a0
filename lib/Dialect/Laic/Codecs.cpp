// Decoders: a function of the runtime finds the size, another one fills.
#include "laic/Dialect/Laic/CodecsOps.h"

#include "HostFunctions.h"

using namespace mlir;
using namespace laic;

LogicalResult ImageDecoderOp::inferShapes(ShapeContext &ctx) {
  MLIRContext *mlir = getContext();
  if (ctx.rank(0) != 1)
    return ctx.fail("expects a vector of bytes, got rank " + Twine(ctx.rank(0)));
  const llvm::StringRef formats[] = {"RGB", "BGR", "Grayscale"};
  const auto *format = llvm::find(formats, getPixelFormat());
  if (format == std::end(formats))
    return ctx.fail("unknown pixel_format '" + getPixelFormat() + "'");
  int64_t channels = getPixelFormat() == "Grayscale" ? 1 : 3;
  HostResult size{AffineMap::get(1, 0, {getAffineConstantExpr(2, mlir)}, mlir), IntegerType::get(mlir, 64)};
  AffineExpr dims[] = {getAffineSymbolExpr(0, mlir), getAffineSymbolExpr(1, mlir), getAffineConstantExpr(channels, mlir)};
  HostResult image{AffineMap::get(1, 2, dims, mlir), ctx.element(0)};
  return ctx.replace([&](RewriterBase &b) {
    auto sized = createHostFunction(b, getLoc(), "image.size", getEncodedStream(), {}, size);
    return createHostFunction(b, getLoc(), "image.decode", getEncodedStream(), format - formats, image, sized[0]);
  });
}
