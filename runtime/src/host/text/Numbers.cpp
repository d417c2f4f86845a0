// Cast between strings and numbers, in no locale.
#include "Text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

using namespace laic;
using namespace laic::host;

std::string host::quoted(const laic_string_t &text) {
  constexpr size_t kMost = 60;
  std::string shown;
  for (char c : view(text).substr(0, kMost))
    shown += c >= ' ' && c <= '~' ? c : '?';
  return "'" + shown + (text.size > kMost ? "...'" : "'");
}

bool host::store(laic_host_call_t *call, std::string_view text, laic_string_t &out) {
  out = {nullptr, 0};
  if (text.empty())
    return true;
  char *bytes = static_cast<char *>(call->allocate(call, text.size()));
  if (!bytes)
    return false;
  memcpy(bytes, text.data(), text.size());
  out = {bytes, text.size()};
  return true;
}

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr const char *kSpaces = " \t\n\r\f\v";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos)
    return {};
  text = text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
  // from_chars takes a minus alone.
  return text.size() > 1 && text[0] == '+' && text[1] != '-' ? text.substr(1) : text;
}

// A magnitude that the type does not have is infinite, or 0 where its exponent is negative.
template <typename T> T beyond(std::string_view text) {
  const size_t exponent = text.find_first_of("eE");
  const bool isSmall = exponent != std::string_view::npos ? text.find('-', exponent) != std::string_view::npos
                                                          : text.find('.') < 2 + (text[0] == '-');
  const T size = isSmall ? T(0) : std::numeric_limits<T>::infinity();
  return text[0] == '-' ? -size : size;
}

template <typename T> bool parse(std::string_view text, T &out) {
  text = trimmed(text);
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, out);
  if (text.empty() || stop != end)
    return false;
  if constexpr (std::is_floating_point_v<T>) {
    if (error == std::errc::result_out_of_range) {
      out = beyond<T>(text);
      return true;
    }
  }
  return error == std::errc();
}

bool parseBool(std::string_view text, uint8_t &out) {
  std::string lower(trimmed(text));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  out = lower == "true" || lower == "1";
  return out || lower == "false" || lower == "0";
}

// The shortest digits that read back as the value; scientific below 1e-4 and from 1e16 on, as NumPy and Python write it.
template <typename T> std::string written(T value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char text[64];
  auto [end, error] = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  std::string_view all(text, static_cast<size_t>(end - text));
  std::string result;
  if (all[0] == '-') {
    result = "-";
    all.remove_prefix(1);
  }
  const size_t mark = all.find('e');
  std::string digits(1, all[0]);
  if (mark > 2)
    digits += all.substr(2, mark - 2);
  const bool isSmall = all[mark + 1] == '-';
  int exponent = 0;
  std::from_chars(all.data() + mark + 2, all.data() + all.size(), exponent);
  exponent = isSmall ? -exponent : exponent;
  const int count = static_cast<int>(digits.size());
  constexpr int kLeast = -4, kMost = 16;
  if (exponent < kLeast || exponent >= kMost) {
    result += digits.substr(0, 1);
    if (count > 1)
      result += "." + digits.substr(1);
    const std::string size = std::to_string(std::abs(exponent));
    return result + (exponent < 0 ? "e-" : "e+") + (size.size() < 2 ? "0" : "") + size;
  }
  if (exponent < 0)
    return result + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1)
    return result + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return result + digits.substr(0, static_cast<size_t>(exponent + 1)) + "." + digits.substr(static_cast<size_t>(exponent + 1));
}

// Calls visit with a value of the element type; false for types that no text stands for.
template <typename Visit> bool withType(int64_t type, Visit visit) {
  switch (type) {
  case LAIC_F32:
    return visit(float());
  case LAIC_F64:
    return visit(double());
  case LAIC_I8:
    return visit(int8_t());
  case LAIC_I16:
    return visit(int16_t());
  case LAIC_I32:
    return visit(int32_t());
  case LAIC_I64:
    return visit(int64_t());
  case LAIC_U8:
    return visit(uint8_t());
  case LAIC_U16:
    return visit(uint16_t());
  case LAIC_U32:
    return visit(uint32_t());
  case LAIC_U64:
    return visit(uint64_t());
  case LAIC_BOOL:
    return visit(bool());
  default:
    return false;
  }
}

size_t bytesOf(laic_type_t type) {
  size_t bytes = 0;
  withType(type, [&](auto zero) {
    bytes = sizeof zero;
    return true;
  });
  return bytes;
}

bool isCast(const laic_host_call_t *call, const laic_host_tensor_t &texts, const laic_host_tensor_t &numbers) {
  return isStrings(texts) && texts.elements == numbers.elements && bytesOf(numbers.type) &&
         bytesOf(numbers.type) == bytesOf(static_cast<laic_type_t>(call->parameters[0]));
}

} // namespace

laic_code_t host::toNumbers(laic_host_call_t *call) {
  if (!counts(call, 1, 1, 1) || !isCast(call, input(call, 0), output(call, 0)))
    return misfit(call);
  laic_code_t code = LAIC_OK;
  withType(call->parameters[0], [&](auto zero) {
    using Number = decltype(zero);
    for (uint64_t i = 0; i < input(call, 0).elements; ++i) {
      const laic_string_t &text = strings(input(call, 0))[i];
      bool good;
      if constexpr (std::is_same_v<Number, bool>)
        good = parseBool(view(text), static_cast<uint8_t *>(output(call, 0).data)[i]);
      else
        good = parse(view(text), static_cast<Number *>(output(call, 0).data)[i]);
      if (good)
        continue;
      code = refuse(call, LAIC_DATA_ERROR, "%s is no %s", quoted(text).c_str(),
                    std::is_same_v<Number, bool>       ? "boolean"
                    : std::is_floating_point_v<Number> ? "number"
                                                       : "integer of the result's type");
      return true;
    }
    return true;
  });
  return code;
}

laic_code_t host::fromNumbers(laic_host_call_t *call) {
  if (!counts(call, 1, 1, 1) || !isCast(call, output(call, 0), input(call, 0)))
    return misfit(call);
  bool stored = true;
  withType(call->parameters[0], [&](auto zero) {
    using Number = decltype(zero);
    for (uint64_t i = 0; i < input(call, 0).elements && stored; ++i) {
      const Number value = static_cast<const Number *>(input(call, 0).data)[i];
      std::string text;
      if constexpr (std::is_same_v<Number, bool>)
        text = value ? "True" : "False";
      else if constexpr (std::is_floating_point_v<Number>)
        text = written(value);
      else
        text = std::to_string(value);
      stored = store(call, text, strings(output(call, 0))[i]);
    }
    return true;
  });
  return stored ? LAIC_OK : LAIC_OUT_OF_MEMORY;
}
