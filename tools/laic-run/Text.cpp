// UTF-8 and UTF-32, fixed width and not.
#include "Text.h"

#include <algorithm>
#include <cstring>

using namespace laic;
using namespace laic::run;

namespace {

void append(std::string &text, uint32_t point) {
  auto more = [&](int shift) { text += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xc0 | point >> 6);
    more(0);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xe0 | point >> 12);
    more(6), more(0);
  } else {
    text += static_cast<char>(0xf0 | (point >> 18 & 7));
    more(12), more(6), more(0);
  }
}

// False where the bytes are no UTF-8.
bool decode(const std::string &text, std::vector<uint32_t> &points) {
  for (size_t at = 0; at < text.size();) {
    const unsigned char lead = static_cast<unsigned char>(text[at++]);
    const int more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : -1;
    if (more < 0)
      return false;
    uint32_t point = more ? lead & (0x3fu >> more) : lead;
    for (int i = 0; i < more; ++i, ++at) {
      if (at == text.size() || (text[at] & 0xc0) != 0x80)
        return false;
      point = point << 6 | (text[at] & 0x3f);
    }
    points.push_back(point);
  }
  return true;
}

} // namespace

std::vector<std::string> run::textsOf(const npz::Array &array) {
  std::vector<std::string> texts(array.elements());
  for (size_t i = 0; i < texts.size(); ++i) {
    const uint8_t *item = array.data.data() + i * array.itemSize;
    if (array.kind == 'S') {
      texts[i].assign(reinterpret_cast<const char *>(item), array.itemSize);
    } else {
      size_t length = array.itemSize / 4;
      auto point = [&](size_t k) {
        uint32_t value;
        memcpy(&value, item + 4 * k, sizeof value);
        return value;
      };
      while (length && point(length - 1) == 0)
        --length;
      for (size_t k = 0; k < length; ++k)
        append(texts[i], point(k));
      continue;
    }
    const size_t end = texts[i].find_last_not_of('\0');
    texts[i].resize(end == std::string::npos ? 0 : end + 1);
  }
  return texts;
}

std::vector<std::string> run::textsOf(const laic_string_t *strings, size_t count) {
  std::vector<std::string> texts(count);
  for (size_t i = 0; i < count; ++i)
    if (strings[i].size)
      texts[i].assign(strings[i].data, strings[i].size);
  return texts;
}

npz::Array run::textArray(const std::vector<std::string> &texts, const std::vector<int64_t> &shape) {
  npz::Array array;
  array.shape = shape;
  std::vector<std::vector<uint32_t>> points(texts.size());
  bool isUnicode = true;
  size_t width = 1, bytes = 1; // numpy takes none for an open width
  for (size_t i = 0; i < texts.size(); ++i) {
    isUnicode &= decode(texts[i], points[i]);
    width = std::max(width, points[i].size());
    bytes = std::max(bytes, texts[i].size());
  }
  array.kind = isUnicode ? 'U' : 'S';
  array.itemSize = isUnicode ? 4 * width : bytes;
  array.data.resize(texts.size() * array.itemSize);
  for (size_t i = 0; i < texts.size(); ++i) {
    const void *from = isUnicode ? static_cast<const void *>(points[i].data()) : texts[i].data();
    const size_t size = isUnicode ? 4 * points[i].size() : texts[i].size();
    if (size)
      memcpy(&array.data[i * array.itemSize], from, size);
  }
  return array;
}
