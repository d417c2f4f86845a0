// Cycles and resources of a design, as JSON and as a table.
#ifndef LAIC_LIB_TARGETS_HLS_REPORT_H
#define LAIC_LIB_TARGETS_HLS_REPORT_H

#include "laic/Targets/HLS/HLS.h"

#include <string>

namespace laic::hls {

/// report.json. Every figure is an object {value, basis}; the basis is "computed" (a formula that holds by construction), "simulated" (a run
/// of the design's traces, laic's cycle model) or "estimated" (what a synthesis tool decides).
std::string reportJson(DesignOp design);
/// The same for --explain: one line per stage, then the streams that are deeper than 2.
std::string reportText(DesignOp design);

} // namespace laic::hls
#endif
