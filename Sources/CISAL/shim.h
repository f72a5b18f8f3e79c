#include <isa-l/igzip_lib.h>

/// The buffer in which the library decodes ahead; Swift does not see an array of this size.
static inline const uint8_t *duizhang_isal_text_ahead(const struct inflate_state *state) {
  return state->tmp_out_buffer;
}
