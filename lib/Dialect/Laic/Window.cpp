// Geometry of sliding windows: padding, output sizes, index maps.
#include "Window.h"

using namespace mlir;
using namespace laic;

namespace {

// SAME_UPPER, SAME_LOWER: as many outputs as strides fit into the input, padding split in halves.
void padSame(SizeSymbols &symbols, Window &window, AffineExpr extent, bool upper) {
  window.out = symbols.floorDiv(window.in + window.stride - 1, symbols.constant(window.stride));
  AffineExpr needed = (window.out - 1) * window.stride + extent - window.in;
  AffineExpr total = symbols.max(canonicalSize(needed), symbols.constant(0));
  AffineExpr half = symbols.floorDiv(total, symbols.constant(2));
  AffineExpr rest = canonicalSize(total - half);
  window.low = upper ? half : rest;
  window.high = upper ? rest : half;
  window.padded = canonicalSize(window.in + total);
}

// Output size for explicit padding. In ceil mode a last window that starts behind the input is dropped.
void sizeExplicit(SizeSymbols &symbols, Window &window, AffineExpr extent, bool ceilMode) {
  int64_t stride = window.stride;
  window.padded = canonicalSize(window.in + window.low + window.high);
  AffineExpr slack = window.padded - extent;
  if (!ceilMode) {
    window.out = symbols.floorDiv(canonicalSize(slack), symbols.constant(stride)) + 1;
    return;
  }
  AffineExpr out = symbols.floorDiv(canonicalSize(slack + stride - 1), symbols.constant(stride)) + 1;
  std::optional<int64_t> overhang = constantSize(canonicalSize(window.high - extent + stride));
  if (!overhang || *overhang > 0) {
    AffineExpr fits = symbols.less(canonicalSize((out - 1) * stride), canonicalSize(window.in + window.low));
    out = symbols.select(fits, out, canonicalSize(out - 1));
  }
  window.out = out;
  AffineExpr needed = canonicalSize((out - 1) * stride + extent - window.in - window.low);
  window.high = symbols.max(window.high, needed);
}

LogicalResult checkLength(std::optional<ArrayRef<int64_t>> values, size_t expected, StringRef name, int64_t least, Failure fail) {
  if (!values)
    return success();
  if (values->size() != expected)
    return fail("expects attribute '" + name + "' to have " + Twine(expected) + " values, got " + Twine(values->size()));
  for (int64_t value : *values)
    if (value < least)
      return fail("expects values of attribute '" + name + "' to be at least " + Twine(least) + ", got " + Twine(value));
  return success();
}

LogicalResult checkAttributes(ArrayRef<AffineExpr> kernel, const WindowAttributes &attributes, Failure fail) {
  size_t rank = kernel.size();
  if (failed(checkLength(attributes.strides, rank, "strides", 1, fail)) ||
      failed(checkLength(attributes.dilations, rank, "dilations", 1, fail)) ||
      failed(checkLength(attributes.pads, 2 * rank, "pads", 0, fail)) ||
      failed(checkLength(attributes.kernelShape, rank, "kernel_shape", 1, fail)))
    return failure();
  StringRef pad = attributes.autoPad;
  if (pad != "NOTSET" && pad != "VALID" && pad != "SAME_UPPER" && pad != "SAME_LOWER")
    return fail("unknown auto_pad '" + pad + "'; expects NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  if (!attributes.kernelShape)
    return success();
  for (auto [expr, want] : llvm::zip_equal(kernel, *attributes.kernelShape))
    if (std::optional<int64_t> size = constantSize(expr); size && *size != want)
      return fail("expects a window of " + Twine(want) + " (attribute 'kernel_shape'), got weights of " + Twine(*size));
  return success();
}

} // namespace

FailureOr<SmallVector<Window, 3>> laic::makeWindows(SizeSymbols &symbols, ArrayRef<AffineExpr> in, ArrayRef<AffineExpr> kernel,
                                                    const WindowAttributes &attributes, Failure fail) {
  if (kernel.size() != in.size())
    return LogicalResult(fail("expects a window of " + Twine(in.size()) + " dims, got " + Twine(kernel.size())));
  if (failed(checkAttributes(kernel, attributes, fail)))
    return failure();
  SmallVector<Window, 3> windows;
  for (size_t i = 0; i < in.size(); ++i) {
    Window window;
    window.in = in[i];
    window.kernel = kernel[i];
    window.stride = attributes.strides ? (*attributes.strides)[i] : 1;
    window.dilation = attributes.dilations ? (*attributes.dilations)[i] : 1;
    AffineExpr extent = canonicalSize((window.kernel - 1) * window.dilation + 1);
    if (attributes.autoPad.starts_with("SAME")) {
      padSame(symbols, window, extent, attributes.autoPad == "SAME_UPPER");
    } else {
      bool padded = attributes.pads && attributes.autoPad == "NOTSET";
      window.low = symbols.constant(padded ? (*attributes.pads)[i] : 0);
      window.high = symbols.constant(padded ? (*attributes.pads)[i + in.size()] : 0);
      sizeExplicit(symbols, window, extent, attributes.ceilMode);
    }
    window.out = canonicalSize(window.out);
    if (std::optional<int64_t> out = constantSize(window.out); out && *out < 1)
      return LogicalResult(fail("the window is larger than the padded input in spatial dim " + Twine(i)));
    windows.push_back(window);
  }
  return windows;
}

SymShape laic::kernelSizes(SizeSymbols &symbols, ArrayRef<int64_t> kernelShape) {
  return llvm::map_to_vector<4>(kernelShape, [&](int64_t size) { return symbols.constant(size); });
}

std::pair<Value, SymShape> laic::padWindows(LowerContext &ctx, Value x, ArrayRef<AffineExpr> shape, ArrayRef<Window> windows,
                                            Value scalar) {
  SymShape low(2, ctx.cst(0)), high(2, ctx.cst(0)), padded(shape.begin(), shape.begin() + 2);
  bool any = false;
  for (const Window &window : windows) {
    any |= constantSize(window.low) != 0 || constantSize(window.high) != 0;
    low.push_back(window.low);
    high.push_back(window.high);
    padded.push_back(canonicalSize(window.in + window.low + window.high));
  }
  if (!any)
    return {x, padded};
  return {ctx.pad(x, low, high, padded, scalar), padded};
}

AffineMap laic::poolMap(MLIRContext *ctx, ArrayRef<Window> windows) {
  unsigned rank = windows.size();
  SmallVector<AffineExpr> indices = {getAffineDimExpr(0, ctx), getAffineDimExpr(1, ctx)};
  for (auto [i, window] : llvm::enumerate(windows))
    indices.push_back(getAffineDimExpr(2 + i, ctx) * window.stride + getAffineDimExpr(2 + rank + i, ctx) * window.dilation);
  return AffineMap::get(2 + 2 * rank, 0, indices, ctx);
}
