// A line buffer that gives out windows as soon as their last element has come.
#include "Window.h"

using namespace mlir;
using namespace laic;
using namespace laic::hls;

std::vector<int64_t> Window::counts(bool withPads) const {
  std::vector<int64_t> counts;
  auto along = [&](int dim, int64_t at, int64_t size) {
    int64_t low = withPads ? -padLow[dim] : 0, high = size + (withPads ? padHigh[dim] : 0), count = 0;
    for (int64_t k = 0; k < kernel[dim]; ++k) {
      int64_t place = at * stride[dim] - padLow[dim] + k * dilation[dim];
      count += place >= low && place < high;
    }
    return count;
  };
  for (int64_t y = 0; y < outHeight; ++y)
    for (int64_t x = 0; x < outWidth; ++x)
      counts.push_back(along(0, y, height) * along(1, x, width));
  return counts;
}

/// Pads of an axis by `auto_pad`.
static void padToSame(Window &w, int dim, int64_t size, int64_t out, bool upper) {
  int64_t all = std::max<int64_t>(0, (out - 1) * w.stride[dim] + (w.kernel[dim] - 1) * w.dilation[dim] + 1 - size);
  w.padLow[dim] = upper ? all / 2 : all - all / 2;
  w.padHigh[dim] = all - w.padLow[dim];
}

FailureOr<Window> laic::hls::windowOf(GraphConverter &g, Operation *op, RankedTensorType image, RankedTensorType result,
                                      llvm::ArrayRef<int64_t> kernel) {
  int64_t spatial = image.getRank() - 2;
  if (spatial < 1 || spatial > 2 || image.getDimSize(0) != 1)
    return g.refuse(op, "expects one image with one or two spatial dims, got " + llvm::Twine(image.getDimSize(0)) + " with " +
                            llvm::Twine(spatial));
  Window w{};
  w.channels = image.getDimSize(1);
  w.height = spatial == 2 ? image.getDimSize(2) : 1;
  w.width = image.getShape().back();
  w.outHeight = spatial == 2 ? result.getDimSize(2) : 1;
  w.outWidth = result.getShape().back();
  auto list = [&](llvm::StringRef name) {
    auto attr = op->getAttrOfType<DenseI64ArrayAttr>(name);
    return attr ? attr.asArrayRef() : llvm::ArrayRef<int64_t>();
  };
  llvm::ArrayRef<int64_t> strides = list("strides"), dilations = list("dilations"), pads = list("pads");
  for (int dim = 0; dim < 2; ++dim) {
    int64_t from = dim - (2 - spatial); // index into the attributes; -1: a dim that the image lacks
    w.kernel[dim] = from < 0 ? 1 : kernel[from];
    w.stride[dim] = from < 0 || strides.empty() ? 1 : strides[from];
    w.dilation[dim] = from < 0 || dilations.empty() ? 1 : dilations[from];
    w.padLow[dim] = from < 0 || pads.empty() ? 0 : pads[from];
    w.padHigh[dim] = from < 0 || pads.empty() ? 0 : pads[from + spatial];
  }
  auto mode = op->getAttrOfType<StringAttr>("auto_pad");
  if (mode && mode.getValue().starts_with("SAME"))
    for (int dim = 2 - spatial; dim < 2; ++dim)
      padToSame(w, dim, dim == 0 ? w.height : w.width, dim == 0 ? w.outHeight : w.outWidth, mode.getValue() == "SAME_UPPER");
  auto padded = [&](int dim, int64_t size, int64_t out) {
    int64_t last = (out - 1) * w.stride[dim] + (w.kernel[dim] - 1) * w.dilation[dim] + 1;
    return std::max(size + w.padLow[dim], last);
  };
  w.paddedHeight = padded(0, w.height, w.outHeight);
  w.paddedWidth = padded(1, w.width, w.outWidth);
  return w;
}

Flow laic::hls::streamWindows(GraphConverter &g, Location loc, Flow image, const Window &w, unsigned lanes, int64_t fill) {
  int64_t channels = w.channels, from = image.lanes(), spanRows = (w.kernel[0] - 1) * w.dilation[0] + 1,
          spanColumns = (w.kernel[1] - 1) * w.dilation[1] + 1;
  Order order = Order::rowMajor(w.windows() * w.taps() * channels);
  Flow result = g.make(loc, "windows", lanes, image.encoding, {w.windows(), w.taps(), channels}, order);
  StageBuilder s(g.design.stage(loc, g.design.uniqueName(loc, "window"), "window", {image.stream}, {result.stream}));
  Value line = s.buffer("line", {spanRows, w.paddedWidth, channels}, image.encoding.type, {1, 1, std::max<int64_t>(from, lanes)});
  using P = arith::CmpIPredicate;
  auto within = [&](Value i, int64_t low, int64_t size, int64_t all) {
    Value inside = low > 0 ? s.compare(P::uge, i, low) : Value();
    return low + size < all ? s.both(inside, s.compare(P::ult, i, low + size)) : inside;
  };
  auto aligned = [&](Value i, int64_t span, int64_t stride, int64_t out) { // a window ends here
    Value last = span > 1 ? s.compare(P::uge, i, span - 1) : Value();
    if (stride > 1) // (i - (span - 1)) % stride == 0, without a negative number
      last = s.both(last, s.compare(P::eq, s.rem(s.add(i, stride - (span - 1) % stride), stride), 0));
    int64_t end = span - 1 + (out - 1) * stride;
    return s.both(last, s.compare(P::ule, i, end));
  };
  s.loop("rows", w.paddedHeight, [&](Value y) {
    Value row = s.rem(y, spanRows);
    s.loop("columns", w.paddedWidth, [&](Value x) {
      Value inside = s.both(within(y, w.padLow[0], w.height, w.paddedHeight), within(x, w.padLow[1], w.width, w.paddedWidth));
      s.pipelined("fill", channels / from, [&](Value c) {
        if (inside)
          s.when(s.negate(inside), [&] {
            s.unrolled("pad", from, [&](Value lane) {
              s.store(s.constant(image.encoding.type, fill), line, {row, x, s.add(s.mul(c, from), lane)});
            });
          });
        s.when(inside, [&] { s.read(0, line, {row, x, s.mul(c, from)}); });
      });
      Value ends = s.both(aligned(y, spanRows, w.stride[0], w.outHeight), aligned(x, spanColumns, w.stride[1], w.outWidth));
      s.when(ends, [&] {
        int64_t words = channels / lanes;
        s.pipelined("taps", w.taps() * words, [&](Value i) {
          Value tap = s.div(i, words), c = s.rem(i, words);
          Value ky = s.mul(s.div(tap, w.kernel[1]), w.dilation[0]), kx = s.mul(s.rem(tap, w.kernel[1]), w.dilation[1]);
          // The window's first row is spanRows - 1 above y: one below it in the ring.
          Value tapRow = s.rem(s.add(s.add(y, 1), ky), spanRows);
          Value tapColumn = s.b.createOrFold<arith::SubIOp>(s.add(x, kx), s.index(spanColumns - 1));
          s.write(0, line, {tapRow, tapColumn, s.mul(c, lanes)});
        });
      });
    });
  });
  return result;
}
