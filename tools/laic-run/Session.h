// A loaded artifact with a context, its inputs bound.
#ifndef LAIC_RUN_SESSION_H
#define LAIC_RUN_SESSION_H

#include "Options.h"
#include "Tensor.h"

#include <memory>

namespace laic {
namespace run {

struct Release {
  void operator()(laic_module_t *module) const { laic_module_release(module); }
  void operator()(laic_pool_t *pool) const { laic_pool_release(pool); }
  void operator()(laic_context_t *context) const { laic_context_release(context); }
};

// Everything that lives while laic-run works. Functions throw Failure.
class Session {
public:
  explicit Session(const Options &options);

  laic_module_t *module() const { return loaded.get(); }
  laic_context_t *context() const { return running.get(); }
  void run() { check_(laic_run(running.get())); }

  // What is bound to output `index` after a run.
  laic_binding_t output(size_t index) const;
  std::string outputName(size_t index) const;
  size_t outputCount() const { return laic_module_output_count(loaded.get()); }
  // All outputs as arrays, by name.
  npz::File outputs() const;

private:
  static void check_(laic_status_t *status);
  void createContext(const Options &options);
  void bindInputs(const Options &options);

  std::unique_ptr<laic_module_t, Release> loaded;
  std::unique_ptr<laic_pool_t, Release> pool;
  std::vector<Tensor> inputs; // outlive the context that they are bound to
  std::unique_ptr<laic_context_t, Release> running;
};

// Binds outputs to inputs as asked; the inputs get room. Throws Failure for what the artifact does not allow.
void bindAliases(laic_module_t *module, laic_context_t *context, std::vector<Tensor> &inputs,
                 const std::vector<AliasRequest> &requests);

} // namespace run
} // namespace laic
#endif
