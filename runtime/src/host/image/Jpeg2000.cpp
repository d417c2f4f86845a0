// JPEG 2000 by OpenJPEG: files (JP2) and bare code streams, grey or red, green and blue.
#include "Image.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <openjpeg.h>

using namespace laic::host;

namespace {

constexpr const char kFile[] = "\0\0\0\x0cjP  \r\n\x87\n", kStream[] = "\xff\x4f\xff\x51";

struct Stream {
  Bytes bytes;
  size_t at = 0;
  std::string message;
};

OPJ_SIZE_T readBytes(void *to, OPJ_SIZE_T size, void *user) {
  Stream &stream = *static_cast<Stream *>(user);
  const size_t count = std::min(size, stream.bytes.size - stream.at);
  if (!count)
    return static_cast<OPJ_SIZE_T>(-1);
  memcpy(to, stream.bytes.data + stream.at, count);
  stream.at += count;
  return count;
}

OPJ_OFF_T skipBytes(OPJ_OFF_T size, void *user) {
  Stream &stream = *static_cast<Stream *>(user);
  if (size < 0)
    return -1;
  const size_t count = std::min(static_cast<size_t>(size), stream.bytes.size - stream.at);
  stream.at += count;
  return static_cast<OPJ_OFF_T>(count);
}

OPJ_BOOL seekTo(OPJ_OFF_T offset, void *user) {
  Stream &stream = *static_cast<Stream *>(user);
  if (offset < 0 || static_cast<uint64_t>(offset) > stream.bytes.size)
    return OPJ_FALSE;
  stream.at = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

void keepError(const char *message, void *user) {
  std::string &kept = static_cast<Stream *>(user)->message;
  kept = message;
  while (!kept.empty() && kept.back() == '\n')
    kept.pop_back();
}
void ignore(const char *, void *) {}

bool matches(Bytes bytes) { return startsWith(bytes, kFile, sizeof kFile - 1) || startsWith(bytes, kStream, sizeof kStream - 1); }

// A sample as a byte.
uint8_t sample(const opj_image_comp_t &component, size_t i) {
  int64_t value = component.data[i];
  if (component.sgnd)
    value += int64_t{1} << (component.prec - 1);
  value = component.prec >= 8 ? value >> (component.prec - 8) : value << (8 - component.prec);
  return static_cast<uint8_t>(std::clamp<int64_t>(value, 0, 255));
}

std::string convert(const opj_image_t &image, Image &out) {
  const uint32_t channels = image.numcomps >= 3 ? 3 : 1;
  for (uint32_t c = 0; c < channels; ++c) {
    const opj_image_comp_t &component = image.comps[c];
    if (!component.data || component.w != out.width || component.h != out.height || component.prec < 1 || component.prec > 31)
      return "has components of different sizes or depths, which is not supported";
  }
  if (image.color_space == OPJ_CLRSPC_SYCC || image.color_space == OPJ_CLRSPC_EYCC || image.color_space == OPJ_CLRSPC_CMYK)
    return "has another color space than grey and RGB, which is not supported";
  for (size_t i = 0; i < size_t{out.width} * out.height; ++i)
    for (uint32_t c = 0; c < 3; ++c)
      out.rgb[3 * i + c] = sample(image.comps[channels == 3 ? c : 0], i);
  return "";
}

template <auto release> struct Release {
  template <typename T> void operator()(T *object) const { release(object); }
};

std::string read(Bytes bytes, bool pixels, Image &out) {
  Stream stream{bytes, 0, "cannot be read"};
  const bool isFile = bytes.data[0] == 0;
  std::unique_ptr<opj_codec_t, Release<opj_destroy_codec>> codec(opj_create_decompress(isFile ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K));
  std::unique_ptr<opj_stream_t, Release<opj_stream_destroy>> input(opj_stream_default_create(OPJ_TRUE));
  if (!codec || !input)
    return "out of memory";
  opj_set_error_handler(codec.get(), keepError, &stream);
  opj_set_warning_handler(codec.get(), ignore, nullptr);
  opj_set_info_handler(codec.get(), ignore, nullptr);
  opj_stream_set_user_data(input.get(), &stream, nullptr);
  opj_stream_set_user_data_length(input.get(), bytes.size);
  opj_stream_set_read_function(input.get(), readBytes);
  opj_stream_set_skip_function(input.get(), skipBytes);
  opj_stream_set_seek_function(input.get(), seekTo);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t *made = nullptr;
  if (!opj_setup_decoder(codec.get(), &parameters) || !opj_read_header(input.get(), codec.get(), &made))
    return stream.message;
  std::unique_ptr<opj_image_t, Release<opj_image_destroy>> image(made);
  if (image->x1 < image->x0 || image->y1 < image->y0 || image->numcomps < 1)
    return "has no size";
  std::string error = out.resize(image->x1 - image->x0, image->y1 - image->y0, pixels);
  if (!error.empty() || !pixels)
    return error;
  if (!opj_decode(codec.get(), input.get(), image.get()) || !opj_end_decompress(codec.get(), input.get()))
    return stream.message;
  return convert(*image, out);
}

} // namespace

namespace laic {
namespace host {
const Format kJpeg2000 = {"JPEG 2000", matches, read};
} // namespace host
} // namespace laic
