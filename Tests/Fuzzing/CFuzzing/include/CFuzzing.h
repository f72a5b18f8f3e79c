#ifndef DUIZHANG_CFUZZING_H
#define DUIZHANG_CFUZZING_H

// What fuzzing needs of libFuzzer, and of Linux beyond what Swift's Glibc module has.

#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer with the arguments of a command line; in its runtime without `main`.
int LLVMFuzzerRunDriver(
    int *argc, char ***argv, int (*check)(const uint8_t *bytes, size_t count));

/// A file in memory, without a name; −1 where there is none.
int duizhang_memory_file(void);

/// A pipe whose reader gets what was written in one piece in one piece, and room for 256 of them;
/// −1 where there is none.
int duizhang_packet_pipe(int descriptors[2]);

#endif
