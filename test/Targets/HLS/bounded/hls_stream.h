// Stands in for hls_stream.h with streams of a given depth: stages are coroutines, one that can neither read nor write gives
// way to the next. Stages wait for data only, so that one order which comes to the end proves that all do (Kahn); when none can
// go on the design is deadlocked, and run() says so. bounded.py makes the program.
#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

namespace bounded {

struct Task {
  ucontext_t context;
  std::vector<char> stack;
  std::function<void()> body;
  bool done = false;
};

inline ucontext_t scheduler;
inline Task *current = nullptr;
inline bool progress = false;
inline std::map<std::string, std::size_t> depths;

inline void give_way() { swapcontext(&current->context, &scheduler); }

inline void enter() {
  current->body();
  current->done = progress = true;
  give_way();
}

// Runs all tasks; false when all that are left wait for each other.
inline bool run(const std::vector<std::function<void()>> &bodies) {
  constexpr std::size_t kStack = 1 << 21;
  std::vector<std::unique_ptr<Task>> tasks;
  for (const auto &body : bodies) {
    tasks.emplace_back(new Task);
    Task &task = *tasks.back();
    task.body = body;
    task.stack.resize(kStack);
    getcontext(&task.context);
    task.context.uc_stack.ss_sp = task.stack.data();
    task.context.uc_stack.ss_size = task.stack.size();
    task.context.uc_link = &scheduler;
    makecontext(&task.context, enter, 0);
  }
  for (;;) {
    bool live = progress = false;
    for (auto &task : tasks) {
      if (task->done)
        continue;
      live = true;
      current = task.get();
      swapcontext(&scheduler, &task->context);
    }
    if (!live || !progress)
      return !live;
  }
}

} // namespace bounded

namespace hls {

template <class T> class stream {
  std::deque<T> words;
  std::size_t depth;

public:
  explicit stream(const char *name) : depth(bounded::depths.at(name)) {}
  stream(const stream &) = delete;
  stream &operator=(const stream &) = delete;

  T read() {
    while (words.empty())
      bounded::give_way();
    bounded::progress = true;
    T word = words.front();
    words.pop_front();
    return word;
  }

  void write(const T &word) {
    while (words.size() >= depth)
      bounded::give_way();
    bounded::progress = true;
    words.push_back(word);
  }
};

} // namespace hls
