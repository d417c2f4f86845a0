// Timing of runs and of the steps inside one.
#include "Measure.h"

#include "Failure.h"

#include "laic/Support/AtomicFile.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

using namespace laic;
using namespace laic::run;
using Clock = std::chrono::steady_clock;

namespace {

constexpr uint32_t kWarmUpRuns = 3;
constexpr double kWarmUpMilliseconds = 100;

double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Event {
  const char *node;
  const char *kernel;
  int64_t tiles;
  Clock::time_point begin;
  Clock::time_point end;
};

void record(void *self, int begin, const char *node, const char *kernel, int64_t tiles) {
  std::vector<Event> &events = *static_cast<std::vector<Event> *>(self);
  if (begin)
    events.push_back({node, kernel, tiles, Clock::now(), {}});
  else if (!events.empty())
    events.back().end = Clock::now();
}

} // namespace

Timing run::measure(Session &session, uint32_t runs) {
  const Clock::time_point start = Clock::now();
  for (uint32_t i = 0; i < kWarmUpRuns || (i < runs && millisecondsSince(start) < kWarmUpMilliseconds); ++i)
    session.run();
  std::vector<double> times(runs);
  for (double &time : times) {
    const Clock::time_point begin = Clock::now();
    session.run();
    time = millisecondsSince(begin);
  }
  std::sort(times.begin(), times.end());
  const size_t middle = times.size() / 2;
  Timing timing;
  timing.median = times.size() % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  timing.min = times.front();
  timing.p90 = times[(times.size() * 9 + 9) / 10 - 1]; // nearest rank
  return timing;
}

void run::writeProfile(Session &session, const std::string &path) {
  std::vector<Event> events;
  laic_set_trace(session.context(), record, &events);
  const Clock::time_point start = Clock::now();
  session.run();
  laic_set_trace(session.context(), nullptr, nullptr);

  auto microseconds = [](Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); };
  nlohmann::json list = nlohmann::json::array();
  for (const Event &event : events)
    list.push_back({{"name", event.node},
                    {"cat", "step"},
                    {"ph", "X"},
                    {"ts", microseconds(event.begin - start)},
                    {"dur", microseconds(event.end - event.begin)},
                    {"pid", 1},
                    {"tid", 1},
                    {"args", {{"kernel", event.kernel}, {"tiles", event.tiles}}}});
  const nlohmann::json root = {{"displayTimeUnit", "ms"}, {"traceEvents", list}};
  // Names come from models: bytes that are no UTF-8 are replaced, not refused.
  const std::string text = root.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
  AtomicFile file;
  std::string error = file.open(path);
  if (error.empty())
    error = file.write(text.data(), text.size());
  if (error.empty())
    error = file.commit();
  if (!error.empty())
    throw Failure(kExitFault, error);
}
