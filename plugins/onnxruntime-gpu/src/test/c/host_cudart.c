/* CUDA's functions over the host's memory, for tests. By macros: DEVICE_ERROR is what cudaGetDeviceCount returns, DRIVER the
   driver's version, BYTES the memory of the device. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static size_t used;

int cudaGetDeviceCount(int *count) {
#ifdef DEVICE_ERROR
  *count = 0;
  return DEVICE_ERROR;
#else
  *count = 1;
  return 0;
#endif
}

#ifndef DRIVER
#define DRIVER 13020
#endif
#ifndef BYTES
#define BYTES (1UL << 40)
#endif

int cudaDriverGetVersion(int *version) {
  *version = DRIVER;
  return 0;
}

int cudaRuntimeGetVersion(int *version) {
  *version = 13000;
  return 0;
}

int cudaMalloc(void **pointer, size_t bytes) {
  if (used + bytes > BYTES) {
    return 2;
  }
  size_t *block = malloc(bytes + 64);
  *block = bytes;
  used += bytes;
  *pointer = (char *)block + 64;
  return 0;
}

int cudaFree(void *pointer) {
  size_t *block = (size_t *)((char *)pointer - 64);
  used -= *block;
  free(block);
  return 0;
}

int cudaMemGetInfo(size_t *left, size_t *all) {
  *all = BYTES;
  *left = BYTES - used;
  return 0;
}

int cudaStreamCreateWithFlags(void **stream, unsigned flags) {
  (void)flags;
  *stream = malloc(1);
  return 0;
}

int cudaStreamDestroy(void *stream) {
  free(stream);
  return 0;
}

int cudaStreamSynchronize(void *stream) {
  (void)stream;
  return 0;
}

int cudaMemsetAsync(void *target, int value, size_t bytes, void *stream) {
  (void)stream;
  memset(target, value, bytes);
  return 0;
}

int cudaMemcpyAsync(void *target, const void *source, size_t bytes, int kind, void *stream) {
  (void)stream;
  memcpy(target, source, bytes);
  return kind == 4 ? 0 : 21;
}

int cudaMemcpy2DAsync(void *target, size_t to, const void *source, size_t from, size_t width, size_t count, int kind, void *stream) {
  (void)stream;
  for (size_t row = 0; row < count; row++) {
    memcpy((char *)target + row * to, (const char *)source + row * from, width);
  }
  return kind == 4 ? 0 : 21;
}

const char *cudaGetErrorString(int error) { return error == 100 ? "no CUDA-capable device is detected" : "some error"; }
