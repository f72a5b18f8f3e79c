#ifndef DUIZHANG_CSIMDJSON_H
#define DUIZHANG_CSIMDJSON_H

// simdjson's first stage behind a C header: finds where the tokens of JSON text begin, and
// validates its UTF-8 and that its strings are closed and hold no raw control characters.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct duizhang_json_indexer duizhang_json_indexer;

/// A new indexer, or NULL where memory is out.
duizhang_json_indexer *duizhang_json_indexer_create(void);

void duizhang_json_indexer_destroy(duizhang_json_indexer *indexer);

/// Finds the first byte of every token in `length` bytes (at most 2^31).
///
/// Returns 0 and sets `tokens` and `count`, valid until the next call; `tokens[count]` is
/// `length`. Any other result is simdjson's error code: nothing is then said of the text but that
/// it is not made of valid JSON tokens.
int duizhang_json_index(
    duizhang_json_indexer *indexer, const uint8_t *bytes, size_t length, const uint32_t **tokens,
    size_t *count);

/// Whether `length` bytes are valid UTF-8.
int duizhang_json_is_utf8(const uint8_t *bytes, size_t length);

/// The name of simdjson's code path for this processor: "icelake", "haswell", "fallback", …
const char *duizhang_json_implementation(void);

#ifdef __cplusplus
}
#endif
#endif
