// The optional library "image": ImageDecoder.
#include "Guarded.h"
#include "HostArguments.h"
#include "Image.h"

using namespace laic;
using namespace laic::host;

namespace {

const Format *const kFormats[] = {&kBmp, &kJpeg, &kJpeg2000, &kPng, &kPnm, &kTiff, &kWebp};

enum class Order { Rgb = 0, Bgr = 1, Grey = 2 };

laic_code_t read(laic_host_call_t *call, bool pixels, Image &image) {
  const Bytes bytes = {static_cast<const uint8_t *>(input(call, 0).data), input(call, 0).elements};
  for (const Format *format : kFormats) {
    if (!format->matches(bytes))
      continue;
    std::string error = format->read(bytes, pixels, image);
    return error.empty() ? LAIC_OK : refuse(call, LAIC_DATA_ERROR, "the %s data: %s", format->name, error.c_str());
  }
  return refuse(call, LAIC_DATA_ERROR,
                "the %zu bytes are no image of a known format (BMP, JPEG, JPEG 2000, PNG, PNM, TIFF, WebP)", bytes.size);
}

laic_code_t size(laic_host_call_t *call) {
  if (!counts(call, 1, 1, 0) || !isBytes(input(call, 0)) || !isIntegers(output(call, 0)) || output(call, 0).elements != 2)
    return misfit(call);
  Image image;
  if (laic_code_t code = read(call, false, image))
    return code;
  integers(output(call, 0))[0] = image.height;
  integers(output(call, 0))[1] = image.width;
  return LAIC_OK;
}

// ITU-R 601-2, in the fixed point that Pillow uses.
uint8_t grey(const uint8_t *rgb) {
  constexpr uint32_t kRed = 19595, kGreen = 38470, kBlue = 7471, kHalf = 0x8000;
  return static_cast<uint8_t>((rgb[0] * kRed + rgb[1] * kGreen + rgb[2] * kBlue + kHalf) >> 16);
}

laic_code_t decode(laic_host_call_t *call) {
  if (!counts(call, 1, 1, 1) || !isBytes(input(call, 0)) || !isBytes(output(call, 0)) || output(call, 0).rank != 3 ||
      call->parameters[0] < 0 || call->parameters[0] > 2)
    return misfit(call);
  const Order order = static_cast<Order>(call->parameters[0]);
  const int64_t *sizes = output(call, 0).sizes;
  Image image;
  if (laic_code_t code = read(call, true, image))
    return code;
  if (sizes[0] != image.height || sizes[1] != image.width || sizes[2] != (order == Order::Grey ? 1 : 3))
    return misfit(call);
  uint8_t *out = static_cast<uint8_t *>(output(call, 0).data);
  if (order == Order::Rgb) {
    memcpy(out, image.rgb.data(), image.rgb.size());
    return LAIC_OK;
  }
  for (const uint8_t *at = image.rgb.data(), *end = at + image.rgb.size(); at != end; at += 3) {
    if (order == Order::Grey) {
      *out++ = grey(at);
      continue;
    }
    *out++ = at[2];
    *out++ = at[1];
    *out++ = at[0];
  }
  return LAIC_OK;
}

const laic_host_function_t kFunctions[] = {{"decode", guarded<decode>}, {"size", guarded<size>}};
const laic_host_library_t kLibrary = {LAIC_HOST_ABI_VERSION, sizeof kFunctions / sizeof kFunctions[0], kFunctions};

} // namespace

std::string Image::resize(uint64_t newWidth, uint64_t newHeight, bool withPixels) {
  if (!newWidth || !newHeight || newWidth > kMaxSide || newHeight > kMaxSide || newWidth * newHeight > kMaxPixels)
    return "an image of " + std::to_string(newWidth) + " x " + std::to_string(newHeight) + " pixels is refused";
  width = static_cast<uint32_t>(newWidth);
  height = static_cast<uint32_t>(newHeight);
  if (withPixels)
    rgb.assign(newWidth * newHeight * 3, 0);
  return "";
}

bool host::startsWith(Bytes bytes, const char *magic, size_t size, size_t at) {
  return bytes.size >= at + size && memcmp(bytes.data + at, magic, size) == 0;
}

extern "C" LAIC_API const laic_host_library_t *laic_host_library() { return &kLibrary; }
