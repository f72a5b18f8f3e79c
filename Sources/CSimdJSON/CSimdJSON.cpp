#include "CSimdJSON.h"

#include <simdjson.h>

#include <memory>
#include <new>
#include <string>

struct duizhang_json_indexer {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;
  size_t capacity = 0;
};

duizhang_json_indexer *duizhang_json_indexer_create(void) {
  return new (std::nothrow) duizhang_json_indexer();
}

void duizhang_json_indexer_destroy(duizhang_json_indexer *indexer) { delete indexer; }

int duizhang_json_index(
    duizhang_json_indexer *indexer, const uint8_t *bytes, size_t length, const uint32_t **tokens,
    size_t *count) {
  if (length > indexer->capacity || !indexer->implementation) {
    // Room to spare, so that lines that grow slowly do not allocate each time.
    size_t capacity = length + length / 2 + 4096;
    simdjson::error_code error;
    if (indexer->implementation) {
      error = indexer->implementation->set_capacity(capacity);
    } else {
      error = simdjson::get_active_implementation()->create_dom_parser_implementation(
          capacity, 1, indexer->implementation);
    }
    if (error) {
      indexer->capacity = 0;
      indexer->implementation.reset();
      return error;
    }
    indexer->capacity = capacity;
  }
  auto error = indexer->implementation->stage1(bytes, length, simdjson::stage1_mode::regular);
  if (error == simdjson::EMPTY) {
    indexer->implementation->n_structural_indexes = 0;
    indexer->implementation->structural_indexes[0] = uint32_t(length);
  } else if (error) {
    return error;
  }
  *tokens = indexer->implementation->structural_indexes.get();
  *count = indexer->implementation->n_structural_indexes;
  return 0;
}

int duizhang_json_is_utf8(const uint8_t *bytes, size_t length) {
  return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), length);
}

const char *duizhang_json_implementation(void) {
  static const std::string name = simdjson::get_active_implementation()->name();
  return name.c_str();
}
