// Puts a project together: printed files and those that are always the same.
#include "Project.h"

#include "Parts.h"
#include "PrintCpp.h"
#include "Report.h"

using namespace mlir;
using namespace laic;
using namespace laic::hls;

std::vector<ProjectFile> laic::hls::projectFiles(DesignOp design) {
  std::vector<ProjectFile> files;
  for (auto [path, text] : getFixedFiles())
    files.push_back({path, text});
  for (ProjectFile &file : files)
    if (size_t at = file.text.find("@part@"); at != std::string::npos) {
      const Part *part = findPart(design.getChip().value_or(kDefaultPart));
      file.text.replace(at, 6, part ? part->fullName.str() : design.getChip()->str());
    }
  for (auto rom : design.getBody().getOps<RomOp>())
    files.push_back({"src/weights/" + rom.getSymName().str() + ".h", printRom(rom)});
  for (auto stage : design.getBody().getOps<StageOp>())
    files.push_back({"src/stages/" + stage.getSymName().str() + ".h", printStage(stage)});
  files.push_back({"src/top.h", printTopHeader(design)});
  files.push_back({"src/top.cpp", printTop(design)});
  files.push_back({"sim/ports.h", printPorts(design)});
  files.push_back({"report.json", reportJson(design)});
  return files;
}
