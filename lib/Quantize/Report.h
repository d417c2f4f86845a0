// The report on a quantisation, for people (HTML) and programs (JSON).
#ifndef LAIC_LIB_QUANTIZE_REPORT_H
#define LAIC_LIB_QUANTIZE_REPORT_H

#include "Measure.h"
#include "laic/Support/AtomicFile.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace laic {

/// What is said of one layer. Decibels are at the layer's own output.
struct LayerReport {
  std::string name, kind;
  std::string kept;                  // why it stays in floats; empty: it does not
  int64_t floatBytes = 0, bytes = 0; // of its weights, before and after
  std::optional<double> alone;       // SQNR when it alone is quantised, estimated from what is rounded
  std::optional<double> inContext;   // SQNR within the quantised model, measured
  // Of its activation, where that is quantised too.
  std::optional<std::array<double, 2>> seen, range;
  double scale = 0, saturated = 0; // `saturated`: the share of elements outside of the range
  int32_t zeroPoint = 0;
  std::vector<int64_t> histogram; // over `seen`
};

struct QuantizeReport {
  std::string model, kind; // `kind`: as --quantize has it
  size_t samples = 0;
  std::optional<std::array<double, 2>> milliseconds; // that a sample takes on this machine's CPU, in floats and quantised
  std::vector<OutputLoss> outputs;
  std::vector<LayerReport> layers;
};

/// Writes JSON or HTML, as the path ends, to `file`, which was opened for it, whole or not at all. An error text, empty on success.
std::string writeReport(const QuantizeReport &report, const std::string &path, AtomicFile &file);

} // namespace laic
#endif
