// C simulation of the design: csim IN.npz OUT.npz [EXPECTED.npz]
//
// IN.npz holds the model's inputs by name. An array with n times the model's first dim is n frames. With EXPECTED.npz every output must
// be the same number as there, to the last bit; the worst element of each output that is not is named, and the exit code is 1.
// Exit codes: 0 done, 1 other numbers than expected or words left in streams, 2 wrong usage or data.
#include "csim.h"
#include "laic/Support/Npz.h"
#include "ports.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <stdexcept>

using laic::npz::Array;
using laic_sim::Port;
using laic_sim::Raw;

namespace {

[[noreturn]] void fail(const std::string &message) { throw std::runtime_error(message); }

double element(const Array &array, size_t i) {
  const unsigned char *at = array.data.data() + i * array.itemSize;
  auto as = [&](auto value) {
    std::memcpy(&value, at, sizeof(value));
    return static_cast<double>(value);
  };
  switch (array.kind) {
  case 'f':
    if (array.itemSize == 4)
      return as(float());
    if (array.itemSize == 8)
      return as(double());
    if (array.itemSize == 2) {
      unsigned short half;
      std::memcpy(&half, at, 2);
      int exponent = half >> 10 & 31, fraction = half & 1023;
      double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                         : exponent == 31 ? (fraction ? NAN : INFINITY)
                                          : std::ldexp(1024 + fraction, exponent - 25);
      return half & 0x8000 ? -magnitude : magnitude;
    }
    break;
  case 'i':
    if (array.itemSize == 1)
      return as(static_cast<signed char>(0));
    if (array.itemSize == 2)
      return as(short());
    if (array.itemSize == 4)
      return as(int());
    if (array.itemSize == 8)
      return as(static_cast<long long>(0));
    break;
  case 'u':
    if (array.itemSize == 1)
      return as(static_cast<unsigned char>(0));
    if (array.itemSize == 2)
      return as(static_cast<unsigned short>(0));
    break;
  }
  fail("numbers of type " + array.dtype() + " are not supported");
}

size_t elements(const Port &port) {
  size_t count = 1;
  for (long long size : port.shape)
    count *= static_cast<size_t>(size);
  return count;
}

// Row-major index of each element of the stream.
std::vector<size_t> indices(const Port &port) {
  std::vector<size_t> all(1, 0);
  for (size_t axis = 0; axis < port.order.size(); axis += 2) {
    std::vector<size_t> next;
    for (size_t base : all)
      for (long long i = 0; i < port.order[axis]; ++i)
        next.push_back(base + static_cast<size_t>(i * port.order[axis + 1]));
    all.swap(next);
  }
  return all;
}

// As QuantizeLinear: to nearest, halves to even, saturated.
long long quantize(const Port &port, double value) {
  double raw = port.real
                   ? std::nearbyint(static_cast<float>(value) / static_cast<float>(port.scale)) + static_cast<double>(port.zero)
                   : value;
  double low = port.is_signed ? -std::ldexp(1, port.width - 1) : 0,
         high = std::ldexp(1, port.width - (port.is_signed ? 1 : 0)) - 1;
  if (std::isnan(raw))
    return port.zero;
  return static_cast<long long>(std::fmin(std::fmax(raw, low), high));
}

size_t frames_of(const Port &port, const laic::npz::File &file) {
  auto found = file.find(port.name);
  if (found == file.end())
    fail("input '" + port.name + "' is missing");
  const Array &array = found->second;
  size_t count = elements(port);
  bool fits = array.shape.size() == port.shape.size() && array.elements() % count == 0 && array.elements() > 0;
  for (size_t d = 1; fits && d < port.shape.size(); ++d)
    fits = array.shape[d] == port.shape[d];
  if (!fits)
    fail("input '" + port.name + "' has another shape than the model's");
  return array.elements() / count;
}

Array output_array(const Port &port, size_t frames) {
  Array array;
  array.kind = port.real ? 'f' : port.is_signed ? 'i' : 'u';
  array.itemSize = port.real ? 4 : port.width <= 8 ? 1 : 2;
  array.shape.assign(port.shape.begin(), port.shape.end());
  if (!array.shape.empty())
    array.shape[0] *= static_cast<long long>(frames);
  array.data.resize(elements(port) * frames * array.itemSize);
  return array;
}

void store(const Port &port, long long raw, unsigned char *at, size_t size) {
  if (port.real) {
    float value = static_cast<float>(raw - port.zero) * static_cast<float>(port.scale);
    std::memcpy(at, &value, size);
  } else {
    std::memcpy(at, &raw, size); // little endian
  }
}

laic::npz::File simulate(const laic::npz::File &inputs) {
  std::vector<Port> in = input_ports(), out = output_ports();
  size_t frames = 1;
  for (const Port &port : in) {
    size_t these = frames_of(port, inputs);
    if (&port != &in.front() && these != frames)
      fail("input '" + port.name + "' has another number of frames than the one before");
    frames = these;
  }
  laic::npz::File result;
  for (const Port &port : out)
    result[port.name] = output_array(port, frames);
  std::vector<std::vector<size_t>> order_in, order_out;
  for (const Port &port : in)
    order_in.push_back(indices(port));
  for (const Port &port : out)
    order_out.push_back(indices(port));
  for (size_t frame = 0; frame < frames; ++frame) {
    std::vector<Raw> raw_in(in.size()), raw_out(out.size());
    for (size_t i = 0; i < in.size(); ++i)
      for (size_t index : order_in[i])
        raw_in[i].push_back(quantize(in[i], element(inputs.at(in[i].name), frame * elements(in[i]) + index)));
    run_frame(raw_in, raw_out);
    for (size_t i = 0; i < out.size(); ++i) {
      Array &array = result[out[i].name];
      if (raw_out[i].size() != order_out[i].size())
        fail("output '" + out[i].name + "' has " + std::to_string(raw_out[i].size()) + " elements instead of " +
             std::to_string(order_out[i].size()));
      for (size_t k = 0; k < raw_out[i].size(); ++k)
        store(out[i], raw_out[i][k], array.data.data() + (frame * elements(out[i]) + order_out[i][k]) * array.itemSize,
              array.itemSize);
    }
  }
  return result;
}

// Names the worst element of every output that differs; true when none does.
bool same_numbers(const laic::npz::File &got, const laic::npz::File &expected) {
  bool same = true;
  for (const auto &entry : got) {
    auto found = expected.find(entry.first);
    if (found == expected.end() || found->second.shape != entry.second.shape) {
      std::fprintf(stderr, "csim: output '%s' is not expected or has another shape\n", entry.first.c_str());
      same = false;
      continue;
    }
    size_t worst = 0, wrong = 0;
    double most = 0;
    for (size_t i = 0; i < entry.second.elements(); ++i) {
      double difference = std::fabs(element(entry.second, i) - element(found->second, i));
      if (difference == 0)
        continue;
      ++wrong;
      if (!(difference <= most)) {
        most = difference;
        worst = i;
      }
    }
    if (wrong == 0)
      continue;
    std::fprintf(stderr, "csim: output '%s': %zu of %zu elements differ; the worst, element %zu, is %.9g instead of %.9g\n",
                 entry.first.c_str(), wrong, entry.second.elements(), worst, element(entry.second, worst),
                 element(found->second, worst));
    same = false;
  }
  for (const auto &entry : expected)
    if (!got.count(entry.first)) {
      std::fprintf(stderr, "csim: there is no output '%s'\n", entry.first.c_str());
      same = false;
    }
  return same;
}

laic::npz::File read(const char *path) {
  laic::npz::File file;
  std::string error = laic::npz::read(path, file);
  if (!error.empty())
    fail(error);
  return file;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: csim IN.npz OUT.npz [EXPECTED.npz]\n");
    return 2;
  }
  try {
    laic::npz::File result = simulate(read(argv[1]));
    std::string error = laic::npz::write(argv[2], result);
    if (!error.empty())
      fail(error);
    if (argc == 4 && !same_numbers(result, read(argv[3])))
      return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "csim: %s\n", error.what());
    return 2;
  }
  return hls_sim_leftover() ? 1 : 0;
}
