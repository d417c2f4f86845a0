// Formats diagnostics for users.
#include "Diagnostics.h"

#include "mlir/IR/Location.h"

using namespace mlir;
using namespace laic;

std::string laic::describeLocation(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    std::string text = "node '" + name.getName().str() + "'";
    if (auto what = dyn_cast<NameLoc>(name.getChildLoc()))
      text += " (" + what.getName().str() + ")";
    return text;
  }
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    std::string text;
    for (Location part : fused.getLocations()) {
      std::string one = describeLocation(part);
      if (!one.empty() && text.find(one) == std::string::npos)
        text += (text.empty() ? "" : " + ") + one;
    }
    return text;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return describeLocation(call.getCallee());
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return "line " + std::to_string(file.getLine());
  return "";
}

DiagnosticBridge::DiagnosticBridge(MLIRContext *context, const CompileOptions &options, std::string model)
    : options(options), model(std::move(model)), handler(context, [this](Diagnostic &d) {
        handle(d);
        return success();
      }) {}

void DiagnosticBridge::report(Severity severity, const std::string &message, const std::string &note) {
  if (severity == Severity::Error)
    ++errors;
  if (options.diagnostic)
    options.diagnostic(severity, message, note);
}

void DiagnosticBridge::handle(Diagnostic &diagnostic) {
  Severity severity = diagnostic.getSeverity() == DiagnosticSeverity::Error     ? Severity::Error
                      : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? Severity::Warning
                                                                                : Severity::Remark;
  if (severity == Severity::Remark && !options.explain)
    return;
  std::string text = diagnostic.str(), notes;
  for (Diagnostic &note : diagnostic.getNotes()) {
    // MLIR's own "see current operation" is for compiler developers.
    if (note.str().rfind("see current operation", 0) == 0)
      continue;
    notes += (notes.empty() ? "" : "\n") + note.str();
  }
  // Verifiers speak of operations ("'linalg.generic' op expects ..."); users' mistakes were refused before they exist.
  if (severity == Severity::Error &&
      ((!text.empty() && text[0] == '\'' && text.find("' op ") != std::string::npos) || text.rfind("internal error", 0) == 0))
    defect = true;
  std::string place = describeLocation(diagnostic.getLocation());
  report(severity, model + ": " + (place.empty() ? "" : place + ": ") + text, notes);
}
