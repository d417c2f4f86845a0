// Simulating the design in C: ports, raw numbers, and words in and out of streams.
#pragma once
#include "../src/laic_hls.h"

#include <cstddef>
#include <string>
#include <vector>

namespace laic_sim {

// Raw integers of one frame, in the order of the stream.
typedef std::vector<long long> Raw;

// What a port stands for: real = (raw - zero) * scale.
struct Port {
  std::string name;
  bool real;                    // the model's tensor is of floats
  std::vector<long long> shape; // of the model's tensor
  std::vector<long long> order; // of its elements in the stream: pairs (size, stride), the slowest axis first
  double scale;
  long long zero;
  int width; // bits of a number
  bool is_signed;
};

template <int W> inline void set_raw(ap_int<W> &to, long long raw) { to = raw; }
template <int W> inline void set_raw(ap_uint<W> &to, long long raw) { to = raw; }
template <int W, int I, ap_q_mode Q, ap_o_mode O> inline void set_raw(ap_fixed<W, I, Q, O> &to, long long raw) {
  to.range() = ap_int<W>(raw).range();
}
template <int W> inline long long get_raw(const ap_int<W> &from) { return from.to_int64(); }
template <int W> inline long long get_raw(const ap_uint<W> &from) { return from.to_int64(); }
template <int W, int I, ap_q_mode Q, ap_o_mode O> inline long long get_raw(const ap_fixed<W, I, Q, O> &from) {
  ap_int<W> raw = 0;
  raw.range() = from.range();
  return raw.to_int64();
}

template <class T, int N> void feed(hls::stream<laic_hls::pack<T, N>> &stream, const Raw &raw) {
  for (size_t i = 0; i + N <= raw.size(); i += N) {
    laic_hls::pack<T, N> word;
    for (int lane = 0; lane < N; ++lane)
      set_raw(word.lane[lane], raw[i + static_cast<size_t>(lane)]);
    stream.write(word);
  }
}

template <class T, int N> void drain(hls::stream<laic_hls::pack<T, N>> &stream, Raw &raw) {
  while (!stream.empty()) {
    const laic_hls::pack<T, N> word = stream.read();
    for (int lane = 0; lane < N; ++lane)
      raw.push_back(get_raw(word.lane[lane]));
  }
}

} // namespace laic_sim
