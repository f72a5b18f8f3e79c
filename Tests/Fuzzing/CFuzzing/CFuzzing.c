#define _GNU_SOURCE
#include "CFuzzing.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int duizhang_memory_file(void) { return memfd_create("fuzzing", MFD_CLOEXEC); }

int duizhang_packet_pipe(int descriptors[2]) {
  if (pipe2(descriptors, O_DIRECT | O_CLOEXEC) != 0) return -1;
  return fcntl(descriptors[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20 ? 0 : -1;
}
