#pragma once

/// Lets two paths change places, at one moment (Linux `renameat2` with `RENAME_EXCHANGE`).
///
/// Returns 0, or -1 with `errno` set.
int duizhang_exchange(const char *first, const char *second);

/// Has bytes of a file on their way to the disk, so that `fsync` has less to wait for; says nothing of whether they
/// got there (Linux `sync_file_range`).
void duizhang_start_writing(int descriptor, long long offset, long long count);
