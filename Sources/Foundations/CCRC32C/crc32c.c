// C, because Swift has no name for the processors' CRC instructions.
#include "crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

// The polynomial 0x1EDC6F41, bits reversed.
#define POLYNOMIAL 0x82F63B78u

// table[k][b]: the checksum of byte b followed by k zero bytes.
static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    table[0][byte] = crc;
  }
  for (int zeros = 1; zeros < 8; zeros++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t crc = table[zeros - 1][byte];
      table[zeros][byte] = (crc >> 8) ^ table[0][crc & 0xFF];
    }
  }
}

uint32_t heddle_crc32c_portable(uint32_t crc, const void *data, size_t size) {
  const uint8_t *next = data;
  crc = ~crc;
  for (; size >= 8; size -= 8, next += 8) {
    uint32_t low = crc ^ ((uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
                          (uint32_t)next[3] << 24);
    crc = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^
          table[4][low >> 24] ^ table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^
          table[0][next[7]];
  }
  for (; size > 0; size--, next++) crc = (crc >> 8) ^ table[0][(crc ^ *next) & 0xFF];
  return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *next,
                                                                 size_t size) {
  uint64_t state = (uint32_t)~crc;
  for (; size >= 8; size -= 8, next += 8) {
    uint64_t word;
    memcpy(&word, next, sizeof word);
    state = _mm_crc32_u64(state, word);
  }
  for (; size > 0; size--, next++) state = _mm_crc32_u8((uint32_t)state, *next);
  return ~(uint32_t)state;
}

uint32_t heddle_crc32c(uint32_t crc, const void *data, size_t size) {
  return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, data, size)
                                          : heddle_crc32c_portable(crc, data, size);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t heddle_crc32c(uint32_t crc, const void *data, size_t size) {
  const uint8_t *next = data;
  crc = ~crc;
  for (; size >= 8; size -= 8, next += 8) {
    uint64_t word;
    memcpy(&word, next, sizeof word);
    crc = __crc32cd(crc, word);
  }
  for (; size > 0; size--, next++) crc = __crc32cb(crc, *next);
  return ~crc;
}

#else

uint32_t heddle_crc32c(uint32_t crc, const void *data, size_t size) {
  return heddle_crc32c_portable(crc, data, size);
}

#endif
