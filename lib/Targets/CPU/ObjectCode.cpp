// Optimises LLVM modules, emits object code and links it into one position-independent blob.
#include "ObjectCode.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <mutex>

using namespace laic;
using namespace laic::cpu;

void laic::cpu::initialiseBackends() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  });
}

static llvm::Error error(const llvm::Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> makeMachine(const Level &level, bool quick) {
  llvm::Triple triple(level.triple);
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return error("this build of LLVM has no back end for " + level.triple);
  llvm::TargetOptions options;
  options.NoTrappingFPMath = true;
  auto effort = quick ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(triple, level.chip, level.features, options,
                                                                           llvm::Reloc::PIC_, llvm::CodeModel::Small, effort));
  if (!machine)
    return error("LLVM cannot generate code for " + level.name);
  return machine;
}

static void prepareModule(llvm::Module &module, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : module) {
    function.setDSOLocal(true);
    if (function.isDeclaration())
      continue;
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr("no-builtins");
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    // The caller checks the range of the error and workspace pointers; tensors may share memory with each other only
    // where the plan says that this is safe.
  }
  for (llvm::GlobalVariable &global : module.globals()) {
    global.setDSOLocal(true);
    global.setLinkage(llvm::GlobalValue::InternalLinkage);
  }
}

// No library: what LLVM might turn into memset, memcpy or expf stays as it is.
static std::unique_ptr<llvm::TargetLibraryInfoImpl> noLibrary(const llvm::Triple &triple) {
  auto library = std::make_unique<llvm::TargetLibraryInfoImpl>(triple);
  library->disableAllFunctions();
  return library;
}

// What loops over memory in vectors gain from: the emitter has unrolled, vectorised and inlined what pays. -O2 takes three times as long
// and makes no faster code (EfficientNet, ResNet-50, BERT, GPT-2).
constexpr llvm::StringLiteral kPasses =
    "function(early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,loop-simplify,lcssa,loop-mssa(loop-rotate,licm),"
    "early-cse<memssa>,vector-combine,instcombine<no-verify-fixpoint>,simplifycfg)";

static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  std::unique_ptr<llvm::TargetLibraryInfoImpl> library = noLibrary(machine.getTargetTriple());
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(*library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::ModulePassManager passes;
  llvm::cantFail(builder.parsePassPipeline(passes, kPasses));
  passes.run(module, modules);
}

llvm::Expected<LinkedCode> laic::cpu::compileModule(llvm::Module &module, const Level &level, bool quick, std::string *assembly) {
  auto machine = makeMachine(level, quick);
  if (!machine)
    return machine.takeError();
  prepareModule(module, **machine);
  if (!quick)
    optimise(module, **machine);
  auto emit = [&](llvm::Module &module, llvm::CodeGenFileType type, llvm::SmallVectorImpl<char> &out) {
    llvm::raw_svector_ostream stream(out);
    llvm::legacy::PassManager passes;
    passes.add(new llvm::TargetLibraryInfoWrapperPass(*noLibrary((*machine)->getTargetTriple())));
    passes.add(llvm::createTargetTransformInfoWrapperPass((*machine)->getTargetIRAnalysis()));
    bool unsupported = (*machine)->addPassesToEmitFile(passes, stream, nullptr, type);
    if (!unsupported)
      passes.run(module);
    return !unsupported;
  };
  if (assembly) {
    llvm::SmallString<0> text;
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
    emit(*copy, llvm::CodeGenFileType::AssemblyFile, text);
    *assembly = text.str().str();
  }
  llvm::SmallString<0> object;
  if (!emit(module, llvm::CodeGenFileType::ObjectFile, object))
    return error("LLVM cannot emit objects for " + level.name);
  return linkObject(object, level);
}
