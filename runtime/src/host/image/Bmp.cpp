// BMP: uncompressed, of 1, 4, 8, 16, 24 or 32 bits a pixel.
#include "Image.h"

#include <cstdlib>

using namespace laic::host;

namespace {

constexpr size_t kFileHeader = 14, kCoreHeader = 12, kInfoHeader = 40;
constexpr uint32_t kUncompressed = 0, kBitFields = 3;

struct Layout {
  uint64_t width = 0, height = 0;
  bool fromTop = false;
  uint32_t bits = 0;
  size_t palette = 0, paletteEntry = 0, colors = 0, pixels = 0, stride = 0;
  uint32_t masks[3] = {};
};

bool matches(Bytes bytes) { return startsWith(bytes, "BM", 2) && bytes.size >= kFileHeader + kCoreHeader; }

std::string readLayout(Bytes bytes, Layout &out) {
  const uint32_t header = little(bytes, kFileHeader, 4);
  const bool isCore = header == kCoreHeader;
  if (!isCore && header < kInfoHeader)
    return "has a header of " + std::to_string(header) + " bytes";
  int64_t height;
  if (isCore) {
    out.width = little(bytes, 18, 2);
    height = little(bytes, 20, 2);
    out.bits = little(bytes, 24, 2);
  } else {
    out.width = little(bytes, 18, 4);
    height = static_cast<int32_t>(little(bytes, 22, 4));
    out.bits = little(bytes, 28, 2);
    const uint32_t compression = little(bytes, 30, 4);
    if (compression != kUncompressed && !(compression == kBitFields && (out.bits == 16 || out.bits == 32)))
      return "is compressed in way " + std::to_string(compression) + ", which is not supported";
    if (compression == kBitFields)
      for (size_t i = 0; i < 3; ++i)
        out.masks[i] = little(bytes, kFileHeader + kInfoHeader + 4 * i, 4);
  }
  out.fromTop = height < 0;
  out.height = static_cast<uint64_t>(std::llabs(height));
  if (out.bits == 16 && !out.masks[0]) {
    const uint32_t masks[] = {0x7c00, 0x3e0, 0x1f};
    std::copy(masks, masks + 3, out.masks);
  }
  if (out.bits == 32 && !out.masks[0]) {
    const uint32_t masks[] = {0xff0000, 0xff00, 0xff};
    std::copy(masks, masks + 3, out.masks);
  }
  out.palette = kFileHeader + size_t{header};
  out.paletteEntry = isCore ? 3 : 4;
  out.colors = isCore ? 0 : little(bytes, 46, 4);
  if (out.bits <= 8 && (out.colors == 0 || out.colors > (1u << out.bits)))
    out.colors = size_t{1} << out.bits;
  out.pixels = little(bytes, 10, 4);
  return "";
}

// The bits of a mask as a byte.
uint8_t channel(uint32_t value, uint32_t mask) {
  if (!mask)
    return 0;
  const int shift = __builtin_ctz(mask);
  const uint64_t most = mask >> shift;
  return static_cast<uint8_t>((uint64_t{(value & mask) >> shift} * 255 + most / 2) / most);
}

std::string read(Bytes bytes, bool pixels, Image &out) {
  Layout layout;
  std::string error = readLayout(bytes, layout);
  if (error.empty())
    error = out.resize(layout.width, layout.height, pixels);
  if (!error.empty() || !pixels)
    return error;
  const bool usesPalette = layout.bits == 1 || layout.bits == 4 || layout.bits == 8;
  if (!usesPalette && layout.bits != 16 && layout.bits != 24 && layout.bits != 32)
    return "has " + std::to_string(layout.bits) + " bits a pixel";
  layout.stride = (out.width * size_t{layout.bits} + 31) / 32 * 4;
  if (layout.pixels > bytes.size || layout.stride * out.height > bytes.size - layout.pixels)
    return "is cut short";
  if (usesPalette && layout.palette + layout.colors * layout.paletteEntry > bytes.size)
    return "lacks colors of its palette";
  for (uint32_t y = 0; y < out.height; ++y) {
    const uint8_t *row = bytes.data + layout.pixels + layout.stride * (layout.fromTop ? y : out.height - 1 - y);
    uint8_t *to = out.rgb.data() + size_t{y} * out.width * 3;
    for (uint32_t x = 0; x < out.width; ++x, to += 3) {
      if (usesPalette) {
        const size_t bit = size_t{x} * layout.bits;
        size_t index = row[bit / 8] >> (8 - layout.bits - bit % 8) & ((1u << layout.bits) - 1);
        index = index < layout.colors ? index : 0;
        const uint8_t *color = bytes.data + layout.palette + index * layout.paletteEntry;
        to[0] = color[2], to[1] = color[1], to[2] = color[0];
      } else if (layout.bits == 24) {
        to[0] = row[3 * x + 2], to[1] = row[3 * x + 1], to[2] = row[3 * x];
      } else {
        const uint32_t value = little({row, layout.stride}, size_t{x} * layout.bits / 8, layout.bits / 8);
        for (int i = 0; i < 3; ++i)
          to[i] = channel(value, layout.masks[i]);
      }
    }
  }
  return "";
}

} // namespace

namespace laic {
namespace host {
const Format kBmp = {"BMP", matches, read};
} // namespace host
} // namespace laic
