// A folder is written beside its place, then takes it.
#include "WriteProject.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <system_error>

using namespace laic;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static std::string cannotWrite(const llvm::Twine &what, std::error_code error) {
  return ("cannot write '" + what + "': " + error.message()).str();
}

static std::string writeFiles(llvm::ArrayRef<ProjectFile> files, llvm::StringRef folder) {
  for (const ProjectFile &file : files) {
    llvm::SmallString<256> place(folder);
    path::append(place, file.path);
    if (std::error_code error = fs::create_directories(path::parent_path(place)))
      return cannotWrite(place, error);
    std::error_code error;
    llvm::raw_fd_ostream os(place, error);
    if (!error) {
      os << file.text;
      os.close();
      error = os.error();
      os.clear_error();
    }
    if (error)
      return cannotWrite(place, error);
  }
  return "";
}

/// Whether a report says that laic has written it.
static bool isOurs(llvm::StringRef report) {
  auto file = llvm::MemoryBuffer::getFile(report);
  if (!file)
    return false;
  llvm::Expected<llvm::json::Value> json = llvm::json::parse((*file)->getBuffer());
  if (!json) {
    llvm::consumeError(json.takeError());
    return false;
  }
  const llvm::json::Object *object = json->getAsObject();
  return object && object->getString("generator") == "laic";
}

/// Whether what stands there may be replaced.
static std::string checkPlace(const std::string &folder) {
  if (!fs::exists(folder))
    return "";
  if (!fs::is_directory(folder))
    return "cannot write '" + folder + "': it is a file, and a project is a folder";
  std::error_code error;
  llvm::SmallString<256> report(folder);
  path::append(report, "report.json");
  if (fs::directory_iterator(folder, error) == fs::directory_iterator() || isOurs(report))
    return "";
  return "cannot write '" + folder + "': it holds something else than a project of laic";
}

std::string laic::writeProject(llvm::ArrayRef<ProjectFile> files, const std::string &given) {
  std::string folder = llvm::StringRef(given).rtrim('/').str();
  if (std::string problem = checkPlace(folder); !problem.empty())
    return problem;
  llvm::SmallString<256> fresh, old;
  fs::createUniquePath(folder + ".new-%%%%%%%%", fresh, /*MakeAbsolute=*/false);
  if (std::error_code error = fs::create_directory(fresh))
    return cannotWrite(folder, error);
  auto abandon = [&](std::string problem) {
    fs::remove_directories(fresh);
    return problem;
  };
  if (std::string problem = writeFiles(files, fresh); !problem.empty())
    return abandon(problem);
  bool replaces = fs::exists(folder);
  if (replaces) {
    fs::createUniquePath(folder + ".old-%%%%%%%%", old, /*MakeAbsolute=*/false);
    if (std::error_code error = fs::rename(folder, old))
      return abandon(cannotWrite(folder, error));
  }
  if (std::error_code error = fs::rename(fresh, folder)) {
    if (replaces)
      fs::rename(old, folder);
    return abandon(cannotWrite(folder, error));
  }
  if (replaces)
    fs::remove_directories(old);
  return "";
}
