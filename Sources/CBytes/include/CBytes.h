#ifndef DUIZHANG_CBYTES_H
#define DUIZHANG_CBYTES_H

// The few operations on bytes for which Swift has no words; all are inlined.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef struct {
  uint64_t first, second;
} duizhang_words;

static const uint64_t duizhang_masks[4] = {UINT64_MAX, UINT64_MAX, 0, 0};

/// The `count` bytes (at most 16) at `start`, of which 16 can be read, with zeros behind them.
static inline __attribute__((always_inline)) duizhang_words duizhang_load(
    const uint8_t *start, size_t count) {
  // A window on bytes of ones and bytes of zeros is a mask; no branch, whatever the count.
  const uint8_t *mask = (const uint8_t *)duizhang_masks + 16 - count;
  duizhang_words words, masks;
  memcpy(&words, start, 16);
  memcpy(&masks, mask, 16);
  words.first &= masks.first;
  words.second &= masks.second;
  return words;
}

/// Whether 16 bytes, of which those count that a mask has ones for, are a text; the others of the text are
/// zeros.
static inline __attribute__((always_inline)) bool duizhang_stands(
    const uint8_t *start, duizhang_words text, duizhang_words mask) {
#if defined(__SSE2__)
  __m128i bytes = _mm_loadu_si128((const __m128i *)start);
  __m128i masked =
      _mm_and_si128(bytes, _mm_set_epi64x((int64_t)mask.second, (int64_t)mask.first));
  __m128i same = _mm_cmpeq_epi8(
      masked, _mm_set_epi64x((int64_t)text.second, (int64_t)text.first));
  return _mm_movemask_epi8(same) == 0xFFFF;
#else
  duizhang_words words;
  memcpy(&words, start, 16);
  return (words.first & mask.first) == text.first && (words.second & mask.second) == text.second;
#endif
}

/// 16 hexadecimal digits, the first in the lowest byte of `first`, as a number; `valid` is cleared
/// where one is no lower-case hexadecimal digit. For any processor.
static inline __attribute__((always_inline)) uint64_t duizhang_hexadecimal_plain(
    uint64_t first, uint64_t second, bool *valid) {
  uint64_t number = 0;
  for (int index = 0; index < 16; index++) {
    uint8_t digit = (uint8_t)((index < 8 ? first : second) >> (index % 8 * 8));
    uint8_t value = digit >= '0' && digit <= '9'   ? (uint8_t)(digit - '0')
                    : digit >= 'a' && digit <= 'f' ? (uint8_t)(digit - 'a' + 10)
                                                   : 16;
    if (value == 16) *valid = false;
    number = number << 4 | (value & 15);
  }
  return number;
}

#if defined(__SSE2__)
/// The values of 16 digits, two to a 16-bit lane, and whether all are digits.
static inline __attribute__((always_inline)) __m128i duizhang_digits(__m128i text, __m128i *valid) {
  __m128i decimal = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  __m128i letter = _mm_sub_epi8(text, _mm_set1_epi8('a'));
  __m128i isDecimal = _mm_cmpeq_epi8(_mm_min_epu8(decimal, _mm_set1_epi8(9)), decimal);
  __m128i isLetter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
  *valid = _mm_and_si128(*valid, _mm_or_si128(isDecimal, isLetter));
  __m128i values = _mm_or_si128(
      _mm_and_si128(decimal, isDecimal),
      _mm_and_si128(_mm_add_epi8(letter, _mm_set1_epi8(10)), isLetter));
  __m128i pairs = _mm_or_si128(_mm_slli_epi16(values, 4), _mm_srli_epi16(values, 8));
  return _mm_and_si128(pairs, _mm_set1_epi16(0xFF));
}
#endif

/// 32 hexadecimal digits, the first in the lowest byte of the first word, as a number in two words;
/// false where one is no lower-case hexadecimal digit.
static inline __attribute__((always_inline)) bool duizhang_hexadecimal(
    uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, duizhang_words *number) {
#if defined(__SSE2__)
  __m128i valid = _mm_set1_epi8(-1);
  __m128i high = duizhang_digits(_mm_set_epi64x((int64_t)second, (int64_t)first), &valid);
  __m128i low = duizhang_digits(_mm_set_epi64x((int64_t)fourth, (int64_t)third), &valid);
  __m128i bytes = _mm_packus_epi16(high, low);
  number->first = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(bytes));
  number->second = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(bytes, bytes)));
  return _mm_movemask_epi8(valid) == 0xFFFF;
#else
  bool valid = true;
  number->first = duizhang_hexadecimal_plain(first, second, &valid);
  number->second = duizhang_hexadecimal_plain(third, fourth, &valid);
  return valid;
#endif
}

/// Writes 16 bytes as 32 lower-case hexadecimal digits, the upper half of each first.
static inline __attribute__((always_inline)) void duizhang_write_hexadecimal(
    const uint8_t *bytes, uint8_t *text) {
#if defined(__SSE2__)
  const __m128i half = _mm_set1_epi8(0x0F), nine = _mm_set1_epi8(9);
  __m128i pairs = _mm_loadu_si128((const __m128i *)bytes);
  __m128i high = _mm_and_si128(_mm_srli_epi16(pairs, 4), half), low = _mm_and_si128(pairs, half);
  __m128i values[2] = {_mm_unpacklo_epi8(high, low), _mm_unpackhi_epi8(high, low)};
  for (int part = 0; part < 2; part++) {
    __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(values[part], nine), _mm_set1_epi8('a' - '0' - 10));
    __m128i digits = _mm_add_epi8(_mm_add_epi8(values[part], _mm_set1_epi8('0')), letters);
    _mm_storeu_si128((__m128i *)(text + 16 * part), digits);
  }
#else
  for (int index = 0; index < 32; index++) {
    uint8_t value = index % 2 == 0 ? bytes[index / 2] >> 4 : bytes[index / 2] & 15;
    text[index] = value < 10 ? '0' + value : 'a' - 10 + value;
  }
#endif
}

/// The bytes that end something: two, those below a limit of at most 0x7F, and all that are no ASCII.
typedef struct {
  uint8_t first, second, below;
} duizhang_stops;

/// Marks the stops from `bytes[0]` to `bytes[length]` and up to the next multiple of 64: a bit for each byte,
/// the first in the lowest bit of the first word. So much must be readable, and `marks` have a word for each
/// 64 bytes begun.
void duizhang_mark_stops(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks);

/// The same, for any processor.
void duizhang_mark_stops_plain(
    const uint8_t *bytes, size_t length, duizhang_stops stops, uint64_t *marks);

/// The first position from `start` on of either byte, one of which must come.
static inline __attribute__((always_inline)) size_t duizhang_find_either(
    const uint8_t *bytes, size_t start, uint8_t first, uint8_t second) {
#if defined(__SSE2__)
  const __m128i firsts = _mm_set1_epi8((char)first), seconds = _mm_set1_epi8((char)second);
  // Sixteen bytes at a time, of which the last may lie in the padding behind the content.
  for (;; start += 16) {
    __m128i text = _mm_loadu_si128((const __m128i *)(bytes + start));
    int found = _mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(text, firsts), _mm_cmpeq_epi8(text, seconds)));
    if (found != 0) return start + (size_t)__builtin_ctz((unsigned)found);
  }
#else
  while (bytes[start] != first && bytes[start] != second) start++;
  return start;
#endif
}

/// The first position of either byte from `start` on and before `end`, else `end`. Up to 15 bytes
/// behind the end are read.
static inline __attribute__((always_inline)) size_t duizhang_find_either_before(
    const uint8_t *bytes, size_t start, size_t end, uint8_t first, uint8_t second) {
#if defined(__SSE2__)
  const __m128i firsts = _mm_set1_epi8((char)first), seconds = _mm_set1_epi8((char)second);
  for (; start < end; start += 16) {
    __m128i text = _mm_loadu_si128((const __m128i *)(bytes + start));
    int found = _mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(text, firsts), _mm_cmpeq_epi8(text, seconds)));
    if (found != 0) {
      size_t position = start + (size_t)__builtin_ctz((unsigned)found);
      return position < end ? position : end;
    }
  }
  return end;
#else
  while (start < end && bytes[start] != first && bytes[start] != second) start++;
  return start;
#endif
}

/// Marks the cell ends (a delimiter, CR or LF) among the 64 bytes at `bytes`: a bit for each, the first in the
/// lowest.
static inline __attribute__((always_inline)) uint64_t duizhang_mark_cell_ends(
    const uint8_t *bytes, uint8_t delimiter) {
  uint64_t marks = 0;
#if defined(__SSE2__)
  const __m128i delimiters = _mm_set1_epi8((char)delimiter), carriageReturns = _mm_set1_epi8(0x0D),
                lineFeeds = _mm_set1_epi8(0x0A);
  for (int part = 0; part < 4; part++) {
    __m128i text = _mm_loadu_si128((const __m128i *)(bytes + 16 * part));
    __m128i ends = _mm_or_si128(
        _mm_cmpeq_epi8(text, lineFeeds), _mm_cmpeq_epi8(text, carriageReturns));
    int found = _mm_movemask_epi8(_mm_or_si128(ends, _mm_cmpeq_epi8(text, delimiters)));
    marks |= (uint64_t)(unsigned)found << 16 * part;
  }
#else
  for (int index = 0; index < 64; index++) {
    uint8_t byte = bytes[index];
    if (byte == delimiter || byte == 0x0D || byte == 0x0A) marks |= (uint64_t)1 << index;
  }
#endif
  return marks;
}

/// The first position from `start` on of a stop, one of which must come.
static inline __attribute__((always_inline)) size_t duizhang_find_stop(
    const uint8_t *bytes, size_t start, duizhang_stops stops) {
#if defined(__SSE2__)
  // Compared as signed numbers, what is no ASCII is below any limit.
  const __m128i below = _mm_set1_epi8((char)stops.below);
  const __m128i first = _mm_set1_epi8((char)stops.first);
  const __m128i second = _mm_set1_epi8((char)stops.second);
  for (;; start += 16) {
    __m128i text = _mm_loadu_si128((const __m128i *)(bytes + start));
    __m128i equal = _mm_or_si128(_mm_cmpeq_epi8(text, first), _mm_cmpeq_epi8(text, second));
    int found = _mm_movemask_epi8(_mm_or_si128(equal, _mm_cmplt_epi8(text, below)));
    if (found != 0) return start + (size_t)__builtin_ctz((unsigned)found);
  }
#else
  while (bytes[start] >= stops.below && bytes[start] < 0x80 && bytes[start] != stops.first &&
         bytes[start] != stops.second)
    start++;
  return start;
#endif
}

/// A number that differs for texts that differ, but for chance: not one that resists an attacker.
uint64_t duizhang_digest(const uint8_t *bytes, size_t length);

/// Has the memory at an address on its way into the cache before it is read.
static inline __attribute__((always_inline)) void duizhang_prefetch(const void *address) {
  __builtin_prefetch(address);
}

#endif
