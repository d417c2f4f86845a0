// PNG by libpng: any kind of pixel becomes 8 bits of red, green and blue; alpha is dropped, gamma left alone.
#include "Image.h"

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <png.h>

using namespace laic::host;

namespace {

struct Stream {
  Bytes bytes;
  size_t at = 0;
  char message[128] = "cannot be read";
};

void readBytes(png_structp png, png_bytep to, size_t size) {
  Stream &stream = *static_cast<Stream *>(png_get_io_ptr(png));
  if (size > stream.bytes.size - stream.at)
    png_error(png, "it is cut short");
  memcpy(to, stream.bytes.data + stream.at, size);
  stream.at += size;
}

void leave(png_structp png, png_const_charp message) {
  Stream &stream = *static_cast<Stream *>(png_get_error_ptr(png));
  snprintf(stream.message, sizeof stream.message, "%s", message);
  png_longjmp(png, 1);
}

void ignore(png_structp, png_const_charp) {}

bool matches(Bytes bytes) { return startsWith(bytes, "\x89PNG\r\n\x1a\n", 8); }

// Nothing that is made after setjmp has a destructor: an error leaves by longjmp.
bool decode(png_structp png, png_infop info, bool pixels, Image &out, std::string &refused, std::vector<png_bytep> &rows) {
  if (setjmp(png_jmpbuf(png)))
    return false;
  png_set_user_limits(png, kMaxSide, kMaxSide);
  png_set_chunk_malloc_max(png, 1u << 28);
  png_read_info(png, info);
  const uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  refused = out.resize(width, height, pixels);
  if (!refused.empty() || !pixels)
    return true;
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != size_t{width} * 3)
    return false;
  rows.resize(height);
  for (uint32_t y = 0; y < height; ++y)
    rows[y] = out.rgb.data() + size_t{y} * width * 3;
  png_read_image(png, rows.data());
  png_read_end(png, nullptr);
  return true;
}

std::string read(Bytes bytes, bool pixels, Image &out) {
  Stream stream{bytes};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &stream, leave, ignore);
  png_infop info = png ? png_create_info_struct(png) : nullptr;
  std::string refused = "out of memory";
  std::vector<png_bytep> rows;
  if (info) {
    png_set_read_fn(png, &stream, readBytes);
    refused.clear();
    if (!decode(png, info, pixels, out, refused, rows))
      refused = stream.message;
  }
  png_destroy_read_struct(&png, &info, nullptr);
  return refused;
}

} // namespace

namespace laic {
namespace host {
const Format kPng = {"PNG", matches, read};
} // namespace host
} // namespace laic
