// WebP by libwebp.
#include "Image.h"

#include <webp/decode.h>

using namespace laic::host;

namespace {

bool matches(Bytes bytes) { return startsWith(bytes, "RIFF", 4) && startsWith(bytes, "WEBP", 4, 8); }

std::string read(Bytes bytes, bool pixels, Image &out) {
  int width, height;
  if (!WebPGetInfo(bytes.data, bytes.size, &width, &height))
    return "has a header that cannot be read";
  std::string error = out.resize(static_cast<uint64_t>(width), static_cast<uint64_t>(height), pixels);
  if (!error.empty() || !pixels)
    return error;
  const int stride = static_cast<int>(out.width * 3);
  return WebPDecodeRGBInto(bytes.data, bytes.size, out.rgb.data(), out.rgb.size(), stride) ? "" : "is damaged or cut short";
}

} // namespace

namespace laic {
namespace host {
const Format kWebp = {"WebP", matches, read};
} // namespace host
} // namespace laic
