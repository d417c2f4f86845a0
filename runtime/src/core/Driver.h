// What a device driver implements. A driver is a folder below drivers/; the build lists the folders in the registry, so nothing
// else changes when one is added.
#ifndef LAIC_RUNTIME_DRIVER_H
#define LAIC_RUNTIME_DRIVER_H

#include "Module.h"

namespace laic {
namespace rt {

struct DeviceApi;

// All functions return NULL or a status. The core has verified the plan, evaluated sizes and bound host memory before it calls
// prepare, bind and run; see Context.h for what a driver may read.
struct Driver {
  const char *name;        // as Plan.device
  bool host;               // runs plans and single steps in this process, on memory that it addresses; one driver does
  const DeviceApi *device; // for drivers that Device.cpp makes: what is the device's own; otherwise NULL

  // Can the plan run on this machine? Sets *state on success, appends its decisions to module.explain, one line each. The host driver
  // looks at the host steps alone in a plan for another device. `ordinal`: which device of the kind, -1 for the best.
  laic_status_t *(*openPlan)(const Driver &driver, laic_module &module, const artifact::Plan &plan, int32_t ordinal,
                             void **state);
  void (*closePlan)(const Driver &driver, laic_module &module, void *state);

  laic_status_t *(*attach)(laic_context &context); // sets context.driverState
  void (*detach)(laic_context &context);           // accepts a context whose attach failed

  laic_status_t *(*prepare)(laic_context &context); // sizes have changed
  void (*bind)(laic_context &context);              // pointers of inputs and outputs have changed
  laic_status_t *(*run)(laic_context &context);
  laic_status_t *(*runStep)(laic_context &context, uint32_t step);      // the host driver: one of its steps
  void (*memory)(const laic_context &context, laic_memory_info_t &out); // fills arena_bytes and workspace_bytes
};

// The driver of that name, or NULL.
const Driver *findDriver(const char *name, size_t length);
// The host's driver, or NULL in a runtime without one.
const Driver *findHostDriver();

} // namespace rt
} // namespace laic
#endif
