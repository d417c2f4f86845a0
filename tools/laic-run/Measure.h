// --bench and --profile.
#ifndef LAIC_RUN_MEASURE_H
#define LAIC_RUN_MEASURE_H

#include "Session.h"

namespace laic {
namespace run {

// Times of single runs in milliseconds.
struct Timing {
  double median = 0;
  double min = 0;
  double p90 = 0;
};

// Warms up, then times `runs` runs. Throws Failure.
Timing measure(Session &session, uint32_t runs);

// Runs once under trace and writes the events, one per step, whole or not at all. Throws Failure.
void writeProfile(Session &session, const std::string &path);

} // namespace run
} // namespace laic
#endif
