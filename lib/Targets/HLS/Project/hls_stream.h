//===- hls_stream.h - Streams for C simulation ----------------------------===//
//
// Stands in for AMD's hls_stream.h when generated HLS C++ is simulated without a vendor tool: `hls::stream<T>`, a queue
// between a task that writes and a task that reads.
//
// In C simulation tasks run one after the other, so that a stream has no limit and is never full; that a depth suffices in
// hardware is not shown here. What would hang or lose data there is reported here: reading an empty stream ends the program,
// and a stream that is destroyed with words left in it says so and sets hls_sim_leftover(). Not for concurrent use.
//
//===----------------------------------------------------------------------===//
#ifndef LAIC_HLS_PROJECT_HLS_STREAM_H
#define LAIC_HLS_PROJECT_HLS_STREAM_H

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

/// True once a stream was destroyed with words left in it; a test bench may read and reset it.
inline bool &hls_sim_leftover() {
  static bool leftover = false;
  return leftover;
}

namespace hls {

/// A stream of depth DEPTH in hardware. Passes for a stream<T>, which is what tasks take.
template <class T, int DEPTH = 0> class stream : public stream<T, 0> {
public:
  stream() {}
  explicit stream(const char *text) : stream<T, 0>(text) {}
};

template <class T> class stream<T, 0> {
  // The words from `head` on; those before it were read and go when they are more than half.
  std::vector<T> words;
  std::size_t head;
  std::string name;

public:
  stream() : head(0), name("(unnamed)") {}
  /// The name is for messages; it is copied.
  explicit stream(const char *text) : head(0), name(text) {}
  stream(const stream &) = delete;
  stream &operator=(const stream &) = delete;
  ~stream() {
    if (empty())
      return;
    std::fprintf(stderr, "hls::stream '%s' is destroyed with %lu words left in it\n", name.c_str(),
                 static_cast<unsigned long>(size()));
    hls_sim_leftover() = true;
  }

  bool empty() const { return head == words.size(); }
  bool full() const { return false; }
  std::size_t size() const { return words.size() - head; }

  /// The oldest word, which leaves the stream. Ends the program when there is none.
  T read() {
    if (empty()) {
      std::fprintf(stderr, "hls::stream '%s' is read while it is empty\n", name.c_str());
      std::abort();
    }
    T word = words[head++];
    if (head == words.size()) {
      words.clear();
      head = 0;
    } else if (head >= 4096 && head > words.size() / 2) {
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(head));
      head = 0;
    }
    return word;
  }
  void read(T &word) { word = read(); }
  void write(const T &word) { words.push_back(word); }
  void operator>>(T &word) { read(word); }
  void operator<<(const T &word) { write(word); }
};

} // namespace hls
#endif
