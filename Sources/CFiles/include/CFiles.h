#pragma once

/// Lets two paths change places, at one moment (Linux `renameat2` with `RENAME_EXCHANGE`).
///
/// Returns 0, or -1 with `errno` set.
int duizhang_exchange(const char *first, const char *second);
