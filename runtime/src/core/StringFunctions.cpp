// The functions on strings that need no library: "core".
#include "HostArguments.h"
#include "HostCalls.h"

using namespace laic;
using namespace laic::host;

namespace {

// Where element `flat` of a result stands in an operand that is broadcast to it.
uint64_t broadcastIndex(const laic_host_tensor_t &from, const laic_host_tensor_t &to, uint64_t flat) {
  uint64_t index = 0, stride = 1;
  for (uint32_t i = 0; i < from.rank; ++i) {
    const uint64_t size = static_cast<uint64_t>(to.sizes[to.rank - 1 - i]);
    const uint64_t own = static_cast<uint64_t>(from.sizes[from.rank - 1 - i]);
    index += own == 1 ? 0 : flat % size * stride;
    stride *= own;
    flat /= size;
  }
  return index;
}

bool broadcasts(const laic_host_tensor_t &from, const laic_host_tensor_t &to) {
  if (from.rank > to.rank || (to.elements && !from.elements))
    return false;
  for (uint32_t i = 0; i < from.rank; ++i) {
    const int64_t own = from.sizes[from.rank - 1 - i];
    if (own != 1 && own != to.sizes[to.rank - 1 - i])
      return false;
  }
  return true;
}

// Two operands of strings that are broadcast to the one result.
bool isPair(const laic_host_call_t *call) {
  return counts(call, 2, 1, 0) && isStrings(input(call, 0)) && isStrings(input(call, 1)) &&
         broadcasts(input(call, 0), output(call, 0)) && broadcasts(input(call, 1), output(call, 0));
}

// packed -> strings, which point into the packed ones.
laic_code_t unpack(laic_host_call_t *call) {
  Packed packed;
  if (!counts(call, 1, 1, 0) || !isStrings(output(call, 0)) || !packed.open(input(call, 0)) ||
      packed.size() != output(call, 0).elements)
    return misfit(call);
  for (uint64_t i = 0; i < packed.size(); ++i)
    strings(output(call, 0))[i] = packed[i];
  return LAIC_OK;
}

laic_code_t compareEqual(laic_host_call_t *call) {
  if (!isPair(call) || !isFlags(output(call, 0)))
    return misfit(call);
  const laic_host_tensor_t &x = input(call, 0), &y = input(call, 1), &result = output(call, 0);
  for (uint64_t i = 0; i < result.elements; ++i)
    static_cast<uint8_t *>(result.data)[i] =
        equal(strings(x)[broadcastIndex(x, result, i)], strings(y)[broadcastIndex(y, result, i)]);
  return LAIC_OK;
}

laic_code_t concat(laic_host_call_t *call) {
  if (!isPair(call) || !isStrings(output(call, 0)))
    return misfit(call);
  const laic_host_tensor_t &x = input(call, 0), &y = input(call, 1), &result = output(call, 0);
  for (uint64_t i = 0; i < result.elements; ++i) {
    const laic_string_t &a = strings(x)[broadcastIndex(x, result, i)], &b = strings(y)[broadcastIndex(y, result, i)];
    if (!a.size || !b.size) {
      strings(result)[i] = a.size ? a : b;
      continue;
    }
    uint64_t size;
    char *bytes = __builtin_add_overflow(a.size, b.size, &size) ? nullptr : static_cast<char *>(call->allocate(call, size));
    if (!bytes)
      return LAIC_OUT_OF_MEMORY;
    memcpy(bytes, a.data, a.size);
    memcpy(bytes + a.size, b.data, b.size);
    strings(result)[i] = {bytes, size};
  }
  return LAIC_OK;
}

// Is a before b in the order of bytes?
bool before(const laic_string_t &a, const laic_string_t &b) {
  const uint64_t common = a.size < b.size ? a.size : b.size;
  const int order = common ? memcmp(a.data, b.data, common) : 0;
  return order ? order < 0 : a.size < b.size;
}

// strings, packed ones in ascending order -> the position of each, their number for what is not among them.
laic_code_t find(laic_host_call_t *call) {
  Packed keys;
  if (!counts(call, 2, 1, 0) || !isStrings(input(call, 0)) || !keys.open(input(call, 1)) || !isIntegers(output(call, 0)) ||
      output(call, 0).elements != input(call, 0).elements)
    return misfit(call);
  for (uint64_t i = 0; i < input(call, 0).elements; ++i) {
    const laic_string_t &text = strings(input(call, 0))[i];
    uint64_t low = 0, high = keys.size();
    while (low < high) {
      const uint64_t middle = low + (high - low) / 2;
      if (before(keys[middle], text))
        low = middle + 1;
      else
        high = middle;
    }
    const bool found = low < keys.size() && equal(keys[low], text);
    integers(output(call, 0))[i] = static_cast<int64_t>(found ? low : keys.size());
  }
  return LAIC_OK;
}

// ---- splitting ----

// Bytes of the white space that begins at `at`, 0 where none does: what Python's str.isspace says.
uint64_t spaceAt(const laic_string_t &text, uint64_t at) {
  const unsigned char *c = reinterpret_cast<const unsigned char *>(text.data) + at;
  const uint64_t left = text.size - at;
  if ((c[0] >= 9 && c[0] <= 13) || (c[0] >= 28 && c[0] <= 32))
    return 1;
  if (left >= 2 && c[0] == 0xc2 && (c[1] == 0x85 || c[1] == 0xa0))
    return 2;
  if (left < 3)
    return 0;
  const uint32_t three = static_cast<uint32_t>(c[0]) << 16 | static_cast<uint32_t>(c[1]) << 8 | c[2];
  const bool isSpace = three == 0xe19a80 || (three >= 0xe28080 && three <= 0xe2808a) || three == 0xe280a8 || three == 0xe280a9 ||
                       three == 0xe280af || three == 0xe2819f || three == 0xe38080;
  return isSpace ? 3 : 0;
}

uint64_t skipSpaces(const laic_string_t &text, uint64_t at) {
  while (at < text.size) {
    const uint64_t space = spaceAt(text, at);
    if (!space)
      break;
    at += space;
  }
  return at;
}

laic_string_t slice(const laic_string_t &text, uint64_t from, uint64_t to) {
  return {text.data ? text.data + from : nullptr, to - from};
}

// The parts between runs of white space, at most `limit` + 1 of them; the last is all that is left.
template <typename Visit> uint64_t splitAtSpaces(const laic_string_t &text, uint64_t limit, Visit visit) {
  uint64_t parts = 0, at = skipSpaces(text, 0);
  while (at < text.size) {
    uint64_t end = at;
    if (parts == limit)
      end = text.size;
    while (end < text.size && !spaceAt(text, end))
      ++end;
    visit(parts++, slice(text, at, end));
    at = skipSpaces(text, end);
  }
  return parts;
}

template <typename Visit>
uint64_t splitText(const laic_string_t &text, const laic_string_t &delimiter, uint64_t limit, Visit visit) {
  if (!delimiter.size)
    return splitAtSpaces(text, limit, visit);
  uint64_t parts = 0, from = 0, at = 0;
  while (parts < limit && at + delimiter.size <= text.size) {
    if (memcmp(text.data + at, delimiter.data, delimiter.size) != 0) {
      ++at;
      continue;
    }
    visit(parts++, slice(text, from, at));
    from = at = at + delimiter.size;
  }
  visit(parts++, slice(text, from, text.size));
  return parts;
}

// Strings, the packed delimiter (empty: white space) and how often to split (negative: always) in both functions.
bool openSplit(const laic_host_call_t *call, Packed &delimiter, uint64_t &limit) {
  if (call->inputs != 2 || call->parameter_count != 1 || !isStrings(input(call, 0)) || !delimiter.open(input(call, 1)) ||
      delimiter.size() != 1)
    return false;
  limit = call->parameters[0] < 0 ? UINT64_MAX : static_cast<uint64_t>(call->parameters[0]);
  return true;
}

// How many parts each string has, and the most that one has.
laic_code_t countParts(laic_host_call_t *call) {
  Packed delimiter;
  uint64_t limit;
  if (!openSplit(call, delimiter, limit) || call->outputs != 2 || !isIntegers(output(call, 0)) || !isIntegers(output(call, 1)) ||
      output(call, 0).elements != input(call, 0).elements || output(call, 1).elements != 1)
    return misfit(call);
  int64_t most = 0;
  for (uint64_t i = 0; i < input(call, 0).elements; ++i) {
    const int64_t parts =
        static_cast<int64_t>(splitText(strings(input(call, 0))[i], delimiter[0], limit, [](uint64_t, const laic_string_t &) {}));
    integers(output(call, 0))[i] = parts;
    most = parts > most ? parts : most;
  }
  integers(output(call, 1))[0] = most;
  return LAIC_OK;
}

// The parts, in rows that empty strings fill up.
laic_code_t split(laic_host_call_t *call) {
  Packed delimiter;
  uint64_t limit;
  if (!openSplit(call, delimiter, limit) || call->outputs != 1 || !isStrings(output(call, 0)) || output(call, 0).rank == 0)
    return misfit(call);
  const laic_host_tensor_t &result = output(call, 0);
  const uint64_t elements = input(call, 0).elements, width = static_cast<uint64_t>(result.sizes[result.rank - 1]);
  if (result.elements != elements * width || (width && result.elements / width != elements))
    return misfit(call);
  for (uint64_t i = 0; i < elements; ++i) {
    laic_string_t *row = strings(result) + i * width;
    uint64_t parts = splitText(strings(input(call, 0))[i], delimiter[0], limit, [&](uint64_t part, const laic_string_t &text) {
      if (part < width)
        row[part] = text;
    });
    if (parts > width)
      return misfit(call);
    for (; parts < width; ++parts)
      row[parts] = {nullptr, 0};
  }
  return LAIC_OK;
}

const laic_host_function_t kFunctions[] = {{"concat", concat},      {"count_parts", countParts},
                                           {"equal", compareEqual}, {"find", find},
                                           {"split", split},        {"strings", unpack}};

} // namespace

namespace laic {
namespace rt {
const laic_host_library_t kCoreFunctions = {LAIC_HOST_ABI_VERSION, sizeof kFunctions / sizeof kFunctions[0], kFunctions};
} // namespace rt
} // namespace laic
