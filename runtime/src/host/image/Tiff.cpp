// TIFF by libtiff: the first image of the file, whatever its kind of pixel.
#include "Image.h"

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <tiffio.h>

using namespace laic::host;

namespace {

struct Stream {
  Bytes bytes;
  uint64_t at = 0;
  char message[192] = "cannot be read";
};

tmsize_t readBytes(thandle_t handle, void *to, tmsize_t size) {
  Stream &stream = *static_cast<Stream *>(handle);
  const uint64_t left = stream.at < stream.bytes.size ? stream.bytes.size - stream.at : 0;
  const uint64_t count = std::min<uint64_t>(left, static_cast<uint64_t>(std::max<tmsize_t>(size, 0)));
  if (count)
    memcpy(to, stream.bytes.data + stream.at, count);
  stream.at += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t writeBytes(thandle_t, void *, tmsize_t) { return 0; }

toff_t seekTo(thandle_t handle, toff_t offset, int whence) {
  Stream &stream = *static_cast<Stream *>(handle);
  stream.at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? stream.at + offset : stream.bytes.size + offset;
  return stream.at;
}

int closeStream(thandle_t) { return 0; }
toff_t sizeOf(thandle_t handle) { return static_cast<Stream *>(handle)->bytes.size; }

int keepError(TIFF *, void *user, const char *, const char *format, va_list arguments) {
  Stream &stream = *static_cast<Stream *>(user);
  vsnprintf(stream.message, sizeof stream.message, format, arguments);
  return 1;
}
int ignore(TIFF *, void *, const char *, const char *, va_list) { return 1; }

bool matches(Bytes bytes) {
  return startsWith(bytes, "II*\0", 4) || startsWith(bytes, "MM\0*", 4) || startsWith(bytes, "II+\0", 4) ||
         startsWith(bytes, "MM\0+", 4);
}

std::string decode(TIFF *tiff, const Stream &stream, bool pixels, Image &out) {
  uint32_t width = 0, height = 0;
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height))
    return "has no size";
  std::string error = out.resize(width, height, pixels);
  if (!error.empty() || !pixels)
    return error;
  std::vector<uint32_t> raster(size_t{width} * height);
  constexpr int kStopOnError = 1;
  if (!TIFFReadRGBAImageOriented(tiff, width, height, raster.data(), ORIENTATION_TOPLEFT, kStopOnError))
    return stream.message;
  uint8_t *to = out.rgb.data();
  for (uint32_t pixel : raster) {
    *to++ = static_cast<uint8_t>(TIFFGetR(pixel));
    *to++ = static_cast<uint8_t>(TIFFGetG(pixel));
    *to++ = static_cast<uint8_t>(TIFFGetB(pixel));
  }
  return "";
}

std::string read(Bytes bytes, bool pixels, Image &out) {
  Stream stream{bytes};
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options)
    return "out of memory";
  TIFFOpenOptionsSetErrorHandlerExtR(options, keepError, &stream);
  TIFFOpenOptionsSetWarningHandlerExtR(options, ignore, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, tmsize_t{1} << 30);
  // "m": no mapping of a file that there is not.
  TIFF *tiff =
      TIFFClientOpenExt("image", "rm", &stream, readBytes, writeBytes, seekTo, closeStream, sizeOf, nullptr, nullptr, options);
  TIFFOpenOptionsFree(options);
  if (!tiff)
    return stream.message;
  std::string error;
  try {
    error = decode(tiff, stream, pixels, out);
  } catch (...) {
    error = "out of memory";
  }
  TIFFClose(tiff);
  return error;
}

} // namespace

namespace laic {
namespace host {
const Format kTiff = {"TIFF", matches, read};
} // namespace host
} // namespace laic
