// The comparison rule: |got - want| <= R*|want| + A*max|want|, NaN and infinities agree, integers within quanta.
#include "Compare.h"

#include "Element.h"
#include "Failure.h"
#include "Text.h"

#include <cmath>

using namespace laic;
using namespace laic::run;

namespace {

// How far the worst element of an output is beyond what is allowed.
struct Worst {
  double excess = -1; // error / allowance; infinite where nothing is allowed
  size_t element = 0;
  double error = 0;
  double allowed = 0;
  bool failed = false;
};

std::string number(double value) {
  char text[40];
  snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string position(size_t element, const std::vector<int64_t> &shape) {
  std::string text;
  for (size_t i = shape.size(); i-- > 0;) {
    const size_t size = static_cast<size_t>(shape[i]);
    text = std::to_string(element % size) + (text.empty() ? "" : ", ") + text;
    element /= size;
  }
  return "[" + text + "]";
}

void consider(Worst &worst, size_t element, double error, double allowed) {
  const bool failed = !(error <= allowed);
  const double excess = error == 0 ? 0 : allowed > 0 ? error / allowed : INFINITY;
  const bool worse = excess > worst.excess || (excess == worst.excess && error > worst.error);
  if (failed == worst.failed ? worse : failed)
    worst = {excess, element, error, allowed, failed};
}

Worst compareFloats(laic_type_t type, const npz::Array &got, const npz::Array &want, const Options &options) {
  const size_t elements = got.elements();
  double largest = 0;
  for (size_t i = 0; i < elements; ++i) {
    const double value = std::fabs(decode(type, &want.data[i * want.itemSize]));
    if (std::isfinite(value) && value > largest)
      largest = value;
  }
  Worst worst;
  for (size_t i = 0; i < elements; ++i) {
    const double a = decode(type, &got.data[i * got.itemSize]), b = decode(type, &want.data[i * want.itemSize]);
    if (std::isnan(a) || std::isnan(b) || std::isinf(a) || std::isinf(b))
      consider(worst, i, (std::isnan(a) && std::isnan(b)) || a == b ? 0 : INFINITY, 0);
    else
      consider(worst, i, std::fabs(a - b), options.rtol * std::fabs(b) + options.atol * largest);
  }
  return worst;
}

Worst compareIntegers(laic_type_t type, const npz::Array &got, const npz::Array &want, const Options &options) {
  const double allowed = type == LAIC_BOOL ? 0 : static_cast<double>(options.quanta);
  Worst worst;
  for (size_t i = 0; i < got.elements(); ++i) {
    const uint64_t a = decodeInteger(type, &got.data[i * got.itemSize]);
    const uint64_t b = decodeInteger(type, &want.data[i * want.itemSize]);
    const bool less = isSigned(type) ? static_cast<int64_t>(a) < static_cast<int64_t>(b) : a < b;
    consider(worst, i, static_cast<double>(less ? b - a : a - b), allowed);
  }
  return worst;
}

std::string shapeOf(laic_type_t type, const npz::Array &array) { return describe(type, array.shape.data(), array.shape.size()); }

// Strings are equal or not.
Worst compareTexts(const std::string &name, const npz::Array &got, const npz::Array &want, std::string &problems) {
  const std::vector<std::string> a = textsOf(got), b = textsOf(want);
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) {
      problems += "output '" + name + "': differs at " + position(i, got.shape) + ": got '" + a[i] + "', want '" + b[i] + "'\n";
      return {INFINITY, i, INFINITY, 0, true};
    }
  return Worst();
}

// Appends to `problems` what is wrong with one output and returns its worst element.
Worst compareOutput(const std::string &name, laic_type_t type, const npz::Array &got, const npz::Array &want,
                    const Options &options, std::string &problems) {
  const bool areTexts = isText(got) && isText(want);
  if ((!areTexts && (got.kind != want.kind || got.itemSize != want.itemSize)) || got.shape != want.shape) {
    problems += "output '" + name + "' is " + shapeOf(type, got) + " as " + got.dtype() + ", the reference has " +
                shapeOf(type, want) + " as " + want.dtype() + "\n";
    return Worst();
  }
  if (areTexts)
    return compareTexts(name, got, want, problems);
  const Worst worst = isFloat(type) ? compareFloats(type, got, want, options) : compareIntegers(type, got, want, options);
  if (worst.failed)
    problems += "output '" + name + "': worst at " + position(worst.element, got.shape) + ": got " +
                number(decode(type, &got.data[worst.element * got.itemSize])) + ", want " +
                number(decode(type, &want.data[worst.element * want.itemSize])) + ", differs by " + number(worst.error) +
                ", allowed " + number(worst.allowed) + "\n";
  return worst;
}

} // namespace

std::string run::compareOutputs(const Session &session, const Options &options) {
  npz::File reference;
  std::string error = npz::read(options.compare, reference);
  if (!error.empty())
    throw Failure(kExitFault, error);
  std::string problems;
  size_t compared = 0;
  double largest = 0;
  for (size_t i = 0; i < session.outputCount(); ++i) {
    const std::string name = session.outputName(i);
    const auto found = reference.find(name);
    if (found == reference.end())
      continue;
    const laic_binding_t output = session.output(i);
    largest = std::max(largest, compareOutput(name, output.type, toArray(output), found->second, options, problems).excess);
    ++compared;
  }
  if (compared == 0)
    throw Failure(kExitFault, "'" + options.compare + "' has no array named as an output");
  if (!problems.empty()) {
    problems.pop_back();
    throw Failure(kExitFault, "the outputs differ from '" + options.compare + "'\n" + problems);
  }
  return std::to_string(compared) + " of " + std::to_string(session.outputCount()) +
         " outputs agree; the largest difference is " + number(largest * 100) + " % of what is allowed";
}
