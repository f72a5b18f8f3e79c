#include "CBytes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

void duizhang_mark_stops_plain(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks) {
  for (size_t word = 0; word <= length / 64; word++) {
    uint64_t mark = 0;
    for (size_t bit = 0; bit < 64; bit++) {
      uint8_t byte = bytes[word * 64 + bit];
      bool isStop =
          byte == stops.first || byte == stops.second || byte < stops.below || byte >= 128;
      mark |= (uint64_t)isStop << bit;
    }
    marks[word] = mark;
  }
}

#if defined(__x86_64__)

// A signed byte below the limit is one below it as a number, or above 127.

__attribute__((target("avx512f,avx512bw"))) static void mark_stops_avx512(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks) {
  const __m512i first = _mm512_set1_epi8((char)stops.first);
  const __m512i second = _mm512_set1_epi8((char)stops.second);
  const __m512i below = _mm512_set1_epi8((char)stops.below);
  for (size_t word = 0; word <= length / 64; word++) {
    __m512i text = _mm512_loadu_si512(bytes + word * 64);
    marks[word] = _mm512_cmpeq_epi8_mask(text, first) | _mm512_cmpeq_epi8_mask(text, second) |
                  _mm512_cmplt_epi8_mask(text, below);
  }
}

__attribute__((target("avx2"))) static uint64_t stops_avx2(
    const uint8_t *bytes, __m256i first, __m256i second, __m256i below) {
  __m256i text = _mm256_loadu_si256((const __m256i *)bytes);
  __m256i equal = _mm256_or_si256(_mm256_cmpeq_epi8(text, first), _mm256_cmpeq_epi8(text, second));
  return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(equal, _mm256_cmpgt_epi8(below, text)));
}

__attribute__((target("avx2"))) static void mark_stops_avx2(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks) {
  const __m256i first = _mm256_set1_epi8((char)stops.first);
  const __m256i second = _mm256_set1_epi8((char)stops.second);
  const __m256i below = _mm256_set1_epi8((char)stops.below);
  for (size_t word = 0; word <= length / 64; word++) {
    const uint8_t *start = bytes + word * 64;
    marks[word] = stops_avx2(start, first, second, below) |
                  stops_avx2(start + 32, first, second, below) << 32;
  }
}

static uint64_t stops_sse2(const uint8_t *bytes, __m128i first, __m128i second, __m128i below) {
  __m128i text = _mm_loadu_si128((const __m128i *)bytes);
  __m128i equal = _mm_or_si128(_mm_cmpeq_epi8(text, first), _mm_cmpeq_epi8(text, second));
  return (uint32_t)_mm_movemask_epi8(_mm_or_si128(equal, _mm_cmplt_epi8(text, below)));
}

static void mark_stops_sse2(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks) {
  const __m128i first = _mm_set1_epi8((char)stops.first);
  const __m128i second = _mm_set1_epi8((char)stops.second);
  const __m128i below = _mm_set1_epi8((char)stops.below);
  for (size_t word = 0; word <= length / 64; word++) {
    const uint8_t *start = bytes + word * 64;
    marks[word] = stops_sse2(start, first, second, below) |
                  stops_sse2(start + 16, first, second, below) << 16 |
                  stops_sse2(start + 32, first, second, below) << 32 |
                  stops_sse2(start + 48, first, second, below) << 48;
  }
}

void duizhang_mark_stops(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks) {
  if (__builtin_cpu_supports("avx512bw")) {
    mark_stops_avx512(bytes, length, stops, marks);
  } else if (__builtin_cpu_supports("avx2")) {
    mark_stops_avx2(bytes, length, stops, marks);
  } else {
    mark_stops_sse2(bytes, length, stops, marks);
  }
}

#else

void duizhang_mark_stops(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks) {
  duizhang_mark_stops_plain(bytes, length, stops, marks);
}

#endif

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
