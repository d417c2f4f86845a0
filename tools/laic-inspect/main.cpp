// laic-inspect: shows what is inside an artifact. Nothing in the artifact is executed.
#include "Print.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

using namespace laic;

namespace {

constexpr int kExitFault = 1, kExitUsage = 2, kExitDefect = 70;

constexpr char kFooter[] = R"(
Shows signature, plans, kernels with their requirements, and sizes. The file is verified first: header, program and code always, the
weights' hashes with --verify. Sizes that depend on inputs are formulas over the signature's dims.

Exit codes: 0 done; 1 the file is damaged or needs a newer version; 2 wrong usage; 70 a defect of laic.)";

int inspectFile(const std::string &path, bool json, bool verify) {
  inspect::ArtifactFile file;
  const std::string error = file.open(path, verify);
  if (!error.empty()) {
    fprintf(stderr, "laic-inspect: error: %s\n", error.c_str());
    return kExitFault;
  }
  std::string out = json ? inspect::asJson(file) : inspect::asText(file, path);
  if (verify && !json)
    out += "verified: the hashes of all " + std::to_string(file.sections().size()) + " sections agree\n";
  if (fwrite(out.data(), 1, out.size(), stdout) != out.size() || fflush(stdout) != 0) {
    perror("laic-inspect: error: cannot write to standard output");
    return kExitFault;
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  std::signal(SIGPIPE, SIG_IGN); // a reader that leaves early is an error to report
  CLI::App app("Shows what is inside an artifact made by `laic`.", "laic-inspect");
  std::string path;
  bool json = false, verify = false;
  app.add_option("ARTIFACT", path, "What `laic` has made")->required();
  app.add_flag("--json", json, "Print one JSON object");
  app.add_flag("--verify", verify, "Check the hashes of all bytes, weights included");
  app.set_version_flag("--version", "laic-inspect " LAIC_VERSION " (artifact format " + std::to_string(artifact::kMajor) + "." +
                                        std::to_string(artifact::kMinor) + ")");
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  try {
    return inspectFile(path, json, verify);
  } catch (const std::bad_alloc &) {
    fprintf(stderr, "laic-inspect: error: out of memory\n");
    return kExitFault;
  } catch (const std::exception &error) {
    fprintf(stderr, "laic-inspect: a defect of laic: %s; please report it with '%s'\n", error.what(), path.c_str());
    return kExitDefect;
  }
}
