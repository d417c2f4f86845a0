// What the library "image" is made of: one reader per format, all of them of bytes that nobody vouches for.
#ifndef LAIC_RUNTIME_HOST_IMAGE_H
#define LAIC_RUNTIME_HOST_IMAGE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace laic {
namespace host {

struct Bytes {
  const uint8_t *data;
  size_t size;
};

constexpr uint32_t kMaxSide = 65535;
constexpr uint64_t kMaxPixels = uint64_t{1} << 28;

// Red, green and blue of each pixel, row by row from the top.
struct Image {
  uint32_t width = 0, height = 0;
  std::vector<uint8_t> rgb;

  // An error text where that is more than an image may have, or nothing.
  std::string resize(uint64_t width, uint64_t height, bool withPixels);
};

// Each returns an error text, empty on success. Without `pixels` only the size is read.
struct Format {
  const char *name;
  bool (*matches)(Bytes bytes);
  std::string (*read)(Bytes bytes, bool pixels, Image &out);
};

extern const Format kBmp, kJpeg, kJpeg2000, kPng, kPnm, kTiff, kWebp;

// Big- and little-endian numbers in a header; 0 beyond the end.
inline uint32_t little(Bytes bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i-- > 0;)
    value = value << 8 | (at + i < bytes.size ? bytes.data[at + i] : 0u);
  return value;
}

bool startsWith(Bytes bytes, const char *magic, size_t size, size_t at = 0);

} // namespace host
} // namespace laic
#endif
