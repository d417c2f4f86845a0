// The driver API's memory, streams and events.
#include "Driver.h"

#include <cstdlib>

using namespace laic;
using namespace laic::standin;

namespace {

// The default streams exist without being made.
bool isStream(const Driver &state, CUstream stream) {
  return reinterpret_cast<uintptr_t>(stream) <= 2 || state.streams.count(stream) != 0;
}

Event *findEvent(const Driver &state, CUevent handle) {
  auto found = state.events.find(reinterpret_cast<Event *>(handle));
  return found == state.events.end() ? nullptr : *found;
}

// A copy or fill in `stream`; `body` tells whether its ranges are valid.
template <typename Body> CUresult transfer(const char *function, CUstream stream, size_t bytes, Body body) {
  return call(function, Needs::Context, [&](Driver &state) {
    if (!isStream(state, stream))
      return CUDA_ERROR_INVALID_HANDLE;
    return bytes == 0 || body(state) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult copyIn(const char *function, CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  return transfer(function, stream, bytes, [&](Driver &state) { return from && state.memory->copyIn(to, from, bytes); });
}

CUresult copyOut(const char *function, void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return transfer(function, stream, bytes, [&](Driver &state) { return to && state.memory->copyOut(to, from, bytes); });
}

CUresult copyWithin(const char *function, CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return transfer(function, stream, bytes, [&](Driver &state) { return state.memory->copy(to, from, bytes); });
}

template <typename T> CUresult fill(const char *function, CUdeviceptr to, T value, size_t count, CUstream stream) {
  return transfer(function, stream, count,
                  [&](Driver &state) { return to % sizeof(T) == 0 && state.memory->fill(to, &value, sizeof value, count); });
}

} // namespace

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  return call("cuMemAlloc_v2", Needs::Context, [&](Driver &state) {
    if (!address || !bytes)
      return CUDA_ERROR_INVALID_VALUE;
    *address = state.memory->allocate(bytes);
    return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
  });
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return call("cuMemFree_v2", Needs::Context, [&](Driver &state) {
    return !address || state.memory->release(address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemGetInfo_v2(size_t *unused, size_t *total) {
  return call("cuMemGetInfo_v2", Needs::Context, [&](Driver &state) {
    if (!unused || !total)
      return CUDA_ERROR_INVALID_VALUE;
    *total = state.memory->capacity();
    *unused = state.memory->capacity() - state.memory->used();
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  return call("cuMemHostAlloc", Needs::Context, [&](Driver &state) {
    if (!address || !bytes)
      return CUDA_ERROR_INVALID_VALUE;
    *address = malloc(bytes);
    if (!*address)
      return CUDA_ERROR_OUT_OF_MEMORY;
    state.hostMemory.insert(*address);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemFreeHost(void *address) {
  return call("cuMemFreeHost", Needs::Context, [&](Driver &state) {
    if (!state.hostMemory.erase(address))
      return CUDA_ERROR_INVALID_VALUE;
    free(address);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  return copyIn("cuMemcpyHtoD_v2", to, from, bytes, nullptr);
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  return copyOut("cuMemcpyDtoH_v2", to, from, bytes, nullptr);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copyWithin("cuMemcpyDtoD_v2", to, from, bytes, nullptr);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  return copyIn("cuMemcpyHtoDAsync_v2", to, from, bytes, stream);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyOut("cuMemcpyDtoHAsync_v2", to, from, bytes, stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyWithin("cuMemcpyDtoDAsync_v2", to, from, bytes, stream);
}

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  return fill("cuMemsetD8_v2", to, value, count, nullptr);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  return fill("cuMemsetD8Async", to, value, count, stream);
}

CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  return fill("cuMemsetD32Async", to, value, count, stream);
}

CUresult cuStreamCreate(CUstream *stream, unsigned) {
  return call("cuStreamCreate", Needs::Context, [&](Driver &state) {
    if (!stream)
      return CUDA_ERROR_INVALID_VALUE;
    *stream = reinterpret_cast<CUstream>(new char);
    state.streams.insert(*stream);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  return call("cuStreamDestroy_v2", Needs::Context, [&](Driver &state) {
    if (!state.streams.erase(stream))
      return CUDA_ERROR_INVALID_HANDLE;
    delete reinterpret_cast<char *>(stream);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamSynchronize(CUstream stream) {
  return call("cuStreamSynchronize", Needs::Context,
              [&](Driver &state) { return isStream(state, stream) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  return call("cuStreamWaitEvent", Needs::Context, [&](Driver &state) {
    return isStream(state, stream) && findEvent(state, event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuEventCreate(CUevent *event, unsigned) {
  return call("cuEventCreate", Needs::Context, [&](Driver &state) {
    if (!event)
      return CUDA_ERROR_INVALID_VALUE;
    Event *made = new Event;
    state.events.insert(made);
    *event = reinterpret_cast<CUevent>(made);
    return CUDA_SUCCESS;
  });
}

CUresult cuEventRecord(CUevent handle, CUstream stream) {
  return call("cuEventRecord", Needs::Context, [&](Driver &state) {
    Event *event = findEvent(state, handle);
    if (!event || !isStream(state, stream))
      return CUDA_ERROR_INVALID_HANDLE;
    event->recorded = true;
    event->when = std::chrono::steady_clock::now();
    return CUDA_SUCCESS;
  });
}

CUresult cuEventSynchronize(CUevent event) {
  return call("cuEventSynchronize", Needs::Context,
              [&](Driver &state) { return findEvent(state, event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  return call("cuEventElapsedTime", Needs::Context, [&](Driver &state) {
    const Event *first = findEvent(state, start), *last = findEvent(state, end);
    if (!milliseconds)
      return CUDA_ERROR_INVALID_VALUE;
    if (!first || !last || !first->recorded || !last->recorded)
      return CUDA_ERROR_INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(last->when - first->when).count();
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy_v2(CUevent handle) {
  return call("cuEventDestroy_v2", Needs::Context, [&](Driver &state) {
    Event *event = findEvent(state, handle);
    if (!event)
      return CUDA_ERROR_INVALID_HANDLE;
    state.events.erase(event);
    delete event;
    return CUDA_SUCCESS;
  });
}
