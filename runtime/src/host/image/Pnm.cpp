// PNM: bitmaps, grey and color, as text or bytes (P1 to P6).
#include "Image.h"

using namespace laic::host;

namespace {

bool isSpace(uint8_t c) { return c == ' ' || (c >= 9 && c <= 13); }

bool matches(Bytes bytes) {
  return bytes.size > 2 && bytes.data[0] == 'P' && bytes.data[1] >= '1' && bytes.data[1] <= '6' && isSpace(bytes.data[2]);
}

class Reader {
public:
  explicit Reader(Bytes bytes) : bytes(bytes) {}

  // A decimal number behind white space and comments.
  bool number(uint32_t most, uint32_t &out) {
    skip();
    const size_t begin = at;
    uint64_t value = 0;
    for (; at < bytes.size && bytes.data[at] >= '0' && bytes.data[at] <= '9' && value <= most; ++at)
      value = value * 10 + (bytes.data[at] - '0');
    out = static_cast<uint32_t>(value);
    return at > begin && value <= most;
  }
  // A 0 or 1, which need not stand apart.
  bool bit(uint32_t &out) {
    skip();
    out = at < bytes.size ? bytes.data[at++] - '0' : 2u;
    return out <= 1;
  }
  size_t at = 2;

private:
  void skip() {
    while (at < bytes.size && (isSpace(bytes.data[at]) || bytes.data[at] == '#')) {
      if (bytes.data[at] == '#')
        while (at < bytes.size && bytes.data[at] != '\n')
          ++at;
      else
        ++at;
    }
  }
  Bytes bytes;
};

std::string read(Bytes bytes, bool pixels, Image &out) {
  const int kind = bytes.data[1] - '0';
  const bool isBitmap = kind == 1 || kind == 4, isColor = kind == 3 || kind == 6, isText = kind <= 3;
  Reader reader(bytes);
  uint32_t width, height, most = 1;
  constexpr uint32_t kMost = 65535;
  if (!reader.number(kMost, width) || !reader.number(kMost, height) || (!isBitmap && !reader.number(kMost, most)) || !most)
    return "has a header that cannot be read";
  std::string error = out.resize(width, height, pixels);
  if (!error.empty() || !pixels)
    return error;
  const size_t wide = most > 255 ? 2 : 1, channels = isColor ? 3 : 1;
  const size_t stride = isBitmap ? (size_t{width} + 7) / 8 : width * channels * wide;
  const size_t begin = reader.at + 1; // one byte of white space ends the header
  if (!isText && (begin > bytes.size || stride * height > bytes.size - begin))
    return "is cut short";
  uint8_t *to = out.rgb.data();
  for (uint32_t y = 0; y < height; ++y) {
    const uint8_t *row = isText ? nullptr : bytes.data + begin + stride * y;
    for (uint32_t x = 0; x < width; ++x, to += 3) {
      for (size_t c = 0; c < channels; ++c) {
        uint32_t value = 0;
        const size_t i = x * channels + c;
        if (isText ? !(isBitmap ? reader.bit(value) : reader.number(most, value)) : false)
          return "is cut short or has a number that is too large";
        if (!isText)
          value = isBitmap ? row[x / 8] >> (7 - x % 8) & 1u : wide == 2 ? uint32_t{row[2 * i]} << 8 | row[2 * i + 1] : row[i];
        value = isBitmap ? !value : value < most ? value : most; // 1 is black
        to[c] = static_cast<uint8_t>(most == 255 ? value : (value * 255 + most / 2) / most);
      }
      if (!isColor)
        to[1] = to[2] = to[0];
    }
  }
  return "";
}

} // namespace

namespace laic {
namespace host {
const Format kPnm = {"PNM", matches, read};
} // namespace host
} // namespace laic
