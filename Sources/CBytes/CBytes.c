#include "CBytes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

void duizhang_mark_stops_plain(const uint8_t *bytes, size_t length, uint64_t *marks) {
  for (size_t word = 0; word <= length / 64; word++) {
    uint64_t mark = 0;
    for (size_t bit = 0; bit < 64; bit++) {
      uint8_t byte = bytes[word * 64 + bit];
      bool isStop = byte == '"' || byte == '\\' || byte < ' ' || byte >= 128;
      mark |= (uint64_t)isStop << bit;
    }
    marks[word] = mark;
  }
}

#if defined(__x86_64__)

// A signed byte below the space is a control character, or above 127.

__attribute__((target("avx512f,avx512bw"))) static void mark_stops_avx512(
    const uint8_t *bytes, size_t length, uint64_t *marks) {
  for (size_t word = 0; word <= length / 64; word++) {
    __m512i text = _mm512_loadu_si512(bytes + word * 64);
    marks[word] = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('"')) |
                  _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('\\')) |
                  _mm512_cmplt_epi8_mask(text, _mm512_set1_epi8(' '));
  }
}

__attribute__((target("avx2"))) static uint64_t stops_avx2(const uint8_t *bytes) {
  __m256i text = _mm256_loadu_si256((const __m256i *)bytes);
  __m256i stops = _mm256_or_si256(
      _mm256_or_si256(
          _mm256_cmpeq_epi8(text, _mm256_set1_epi8('"')),
          _mm256_cmpeq_epi8(text, _mm256_set1_epi8('\\'))),
      _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), text));
  return (uint32_t)_mm256_movemask_epi8(stops);
}

__attribute__((target("avx2"))) static void mark_stops_avx2(
    const uint8_t *bytes, size_t length, uint64_t *marks) {
  for (size_t word = 0; word <= length / 64; word++) {
    marks[word] = stops_avx2(bytes + word * 64) | stops_avx2(bytes + word * 64 + 32) << 32;
  }
}

static uint64_t stops_sse2(const uint8_t *bytes) {
  __m128i text = _mm_loadu_si128((const __m128i *)bytes);
  __m128i stops = _mm_or_si128(
      _mm_or_si128(
          _mm_cmpeq_epi8(text, _mm_set1_epi8('"')), _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'))),
      _mm_cmplt_epi8(text, _mm_set1_epi8(' ')));
  return (uint32_t)_mm_movemask_epi8(stops);
}

static void mark_stops_sse2(const uint8_t *bytes, size_t length, uint64_t *marks) {
  for (size_t word = 0; word <= length / 64; word++) {
    const uint8_t *start = bytes + word * 64;
    marks[word] = stops_sse2(start) | stops_sse2(start + 16) << 16 |
                  stops_sse2(start + 32) << 32 | stops_sse2(start + 48) << 48;
  }
}

void duizhang_mark_stops(const uint8_t *bytes, size_t length, uint64_t *marks) {
  if (__builtin_cpu_supports("avx512bw")) {
    mark_stops_avx512(bytes, length, marks);
  } else if (__builtin_cpu_supports("avx2")) {
    mark_stops_avx2(bytes, length, marks);
  } else {
    mark_stops_sse2(bytes, length, marks);
  }
}

#else

void duizhang_mark_stops(const uint8_t *bytes, size_t length, uint64_t *marks) {
  duizhang_mark_stops_plain(bytes, length, marks);
}

#endif

bool duizhang_is_plain(const uint8_t *bytes, size_t length) {
  // Simple enough for the compiler to take many bytes at a time.
  uint8_t upper = 0, zeros = 0;
  for (size_t index = 0; index < length; index++) {
    upper |= bytes[index];
    zeros |= bytes[index] == 0;
  }
  return (upper & 0x80) == 0 && zeros == 0;
}

uint64_t duizhang_digest(const uint8_t *bytes, size_t length) {
  // Four lanes of multiplying and adding, so that no step waits for the one before.
  uint64_t lanes[4] = {length, 0x9E3779B97F4A7C15u, 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu};
  size_t index = 0;
  for (; index + 32 <= length; index += 32)
    for (int lane = 0; lane < 4; lane++) {
      uint64_t word;
      memcpy(&word, bytes + index + 8 * lane, 8);
      lanes[lane] = (lanes[lane] ^ word) * 0xD6E8FEB86659FD93u;
      lanes[lane] ^= lanes[lane] >> 32;
    }
  for (; index < length; index++) lanes[0] = (lanes[0] ^ bytes[index]) * 0x100000001B3u;
  uint64_t digest = 0;
  for (int lane = 0; lane < 4; lane++) {
    digest = (digest ^ lanes[lane]) * 0xD6E8FEB86659FD93u;
    digest ^= digest >> 29;
  }
  return digest;
}
