// JPEG by libjpeg-turbo, with its defaults: the slow integer DCT and smooth upsampling, so that bits are those of other users of it.
#include "Image.h"

#include <csetjmp>
#include <cstdio> // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>

using namespace laic::host;

namespace {

struct Failure {
  jpeg_error_mgr base; // first: libjpeg knows nothing of the rest
  jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

void leave(j_common_ptr info) {
  Failure *failure = reinterpret_cast<Failure *>(info->err);
  failure->base.format_message(info, failure->message);
  longjmp(failure->back, 1);
}

// Libjpeg fills up what is missing; half an image is none.
void warn(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF)
    leave(info);
}

bool matches(Bytes bytes) { return startsWith(bytes, "\xff\xd8\xff", 3); }

// Nothing with a destructor lives here: an error leaves by longjmp.
bool decode(Bytes bytes, bool pixels, Image &out, Failure &failure, std::string &refused) {
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&failure.base);
  failure.base.error_exit = leave;
  failure.base.emit_message = warn;
  jpeg_create_decompress(&info);
  if (setjmp(failure.back)) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  info.mem->max_memory_to_use = 1l << 30;
  jpeg_mem_src(&info, bytes.data, bytes.size);
  jpeg_read_header(&info, TRUE);
  refused = out.resize(info.image_width, info.image_height, pixels);
  if (refused.empty() && pixels) {
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = out.rgb.data() + size_t{info.output_scanline} * out.width * 3;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  return true;
}

std::string read(Bytes bytes, bool pixels, Image &out) {
  Failure failure;
  std::string refused;
  return decode(bytes, pixels, out, failure, refused) ? refused : failure.message;
}

} // namespace

namespace laic {
namespace host {
const Format kJpeg = {"JPEG", matches, read};
} // namespace host
} // namespace laic
