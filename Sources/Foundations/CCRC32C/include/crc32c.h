// CRC-32C (Castagnoli), by the processor's own instruction where it has one.

#ifndef HEDDLE_CRC32C_H
#define HEDDLE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/// The checksum of what `crc` is the checksum of, followed by `size` bytes at `data`.
uint32_t heddle_crc32c(uint32_t crc, const void *data, size_t size);

/// The same without the processor's instruction, for tests.
uint32_t heddle_crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
