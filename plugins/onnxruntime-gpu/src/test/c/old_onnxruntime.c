/* An ONNX Runtime that is older than any interface that is asked for. */
#include <stddef.h>
#include <stdint.h>

static const void *get_api(uint32_t version) {
  (void)version;
  return NULL;
}

static const char *get_version(void) { return "1.2.3"; }

static const struct {
  const void *(*get_api)(uint32_t);
  const char *(*get_version)(void);
} base = {get_api, get_version};

const void *OrtGetApiBase(void) { return &base; }
