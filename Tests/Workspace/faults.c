// Faults at the seam between a program and its file system, as a library for LD_PRELOAD: counts the calls that
// change what lies below a folder, and lets the one of a given number fail, be the last one, or be cut short.
// It can also keep what a disk would have after a power cut. Tests/Workspace/faults.sh uses it.
//
//   FAULT_ROOT    the folder, absolute and without links; only calls on what lies below it count
//   FAULT_LOG     a file that gets a line for each call: number, class, name, path
//   FAULT_AT      the number of the call, from 1 on; 0: none
//   FAULT_MODE    error        the call fails
//                 error-from   it does, and all after it; with ENOSPC those alone that need space
//                 kill         SIGKILL before it
//                 short        half of what it writes is written, then SIGKILL
//                 power        the power fails before it (also at the end, where FAULT_AT is 0)
//   FAULT_ERRNO   EIO (the default), ENOSPC or EROFS
//   FAULT_HIT     a file that gets the line of the call at which it happened
//   FAULT_SHADOW  a folder on the same file system for what is certainly on the disk. Empty: all that is there is;
//                 one that a killed process left: goes on from there
//   FAULT_AFTER   the folder to make of it what a power cut leaves, then or when the program ends
//   FAULT_SEED    0: what was not synced is lost. Else a random half of it is on the disk: of names, and of
//                 sectors and sizes of files
//
// Certainly on the disk is what a file held when it was last synced (fsync, fdatasync), and of a folder the names
// that it had when it was. So a new file is gone unless its folder was synced, and empty unless itself was;
// a name that was taken or moved away is back. A rename is there or not, and in both folders, as journals
// have it. What is written through mmap counts as never synced.
//
// All calls are made under one lock, so that numbers, mirror and folder agree.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// What calls are, for scripts that choose among them.
enum class { SPACE, WRITE, SYNC, REMOVE, CLOSE };
static const char *const classNames[] = {"space", "write", "sync", "remove", "close"};

enum mode { NONE, ERROR, ERROR_FROM, KILL, SHORT, POWER };
enum verdict { GO, FAIL, HALF };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static size_t rootLength;
static const char *shadow, *after, *hit;
static FILE *callLog;
static unsigned long at, calls, seed;
static enum mode mode;
static int failure = EIO;

// MARK: - What is on the disk

// Names that are on the disk. Folders and files are known by their inode numbers.
struct entry {
  ino_t folder, inode;
  bool isFolder;
  char name[NAME_MAX + 1];
};
static struct entry *entries;
static size_t entryCount, entryRoom;

// Changes of names that may not be on the disk yet, in their order: a name comes, goes, or moves, or two change
// places.
struct change {
  char kind; // + - > x
  ino_t folder, inode, toFolder, toInode;
  bool isFolder, toIsFolder;
  char name[NAME_MAX + 1], toName[NAME_MAX + 1];
};
static struct change *changes;
static size_t changeCount, changeRoom;

static void give_up(const char *what, const char *path) {
  fprintf(stderr, "faults: cannot %s %s: %s\n", what, path, strerror(errno));
  abort();
}

static void *grown(void *array, size_t count, size_t *room, size_t size) {
  if (count < *room) return array;
  *room = *room ? 2 * *room : 64;
  array = realloc(array, *room * size);
  if (!array) abort();
  return array;
}

static struct entry *entry_of(ino_t folder, const char *name) {
  for (size_t i = 0; i < entryCount; i++)
    if (entries[i].folder == folder && !strcmp(entries[i].name, name)) return &entries[i];
  return NULL;
}

static void put_entry(ino_t folder, const char *name, ino_t inode, bool isFolder) {
  struct entry *entry = entry_of(folder, name);
  if (!entry) {
    entries = grown(entries, entryCount, &entryRoom, sizeof *entries);
    entry = &entries[entryCount++];
  }
  *entry = (struct entry){.folder = folder, .inode = inode, .isFolder = isFolder};
  snprintf(entry->name, sizeof entry->name, "%s", name);
}

static void drop_entry(ino_t folder, const char *name, ino_t inode) {
  struct entry *entry = entry_of(folder, name);
  if (entry && entry->inode == inode) *entry = entries[--entryCount];
}

static void apply(const struct change *change) {
  if (change->kind == 'x') {
    put_entry(change->folder, change->name, change->toInode, change->toIsFolder);
    put_entry(change->toFolder, change->toName, change->inode, change->isFolder);
    return;
  }
  if (change->kind != '+') drop_entry(change->folder, change->name, change->inode);
  if (change->kind == '+') put_entry(change->folder, change->name, change->inode, change->isFolder);
  if (change->kind == '>') put_entry(change->toFolder, change->toName, change->inode, change->isFolder);
}

// A path of a file in the shadow: what an inode held when it was synced, or another name of one that is removed.
static const char *in_shadow(char *path, const char *kind, ino_t inode) {
  snprintf(path, PATH_MAX, "%s/%s-%lu", shadow, kind, (unsigned long)inode);
  return path;
}

static char *content(const char *path, size_t *length) {
  FILE *file = fopen(path, "re");
  *length = 0;
  if (!file) return NULL;
  struct stat status;
  if (fstat(fileno(file), &status)) give_up("read", path);
  char *bytes = malloc((size_t)status.st_size + 1);
  if (!bytes) abort();
  *length = fread(bytes, 1, (size_t)status.st_size, file);
  fclose(file);
  return bytes;
}

static void store(const char *path, const char *bytes, size_t length) {
  FILE *file = fopen(path, "we");
  if (!file || fwrite(bytes, 1, length, file) != length || fclose(file)) give_up("write", path);
  chmod(path, 0600);
}

static void store_synced(const char *path, ino_t inode) {
  char target[PATH_MAX];
  size_t length;
  char *bytes = content(path, &length);
  if (!bytes) give_up("read", path);
  store(in_shadow(target, "synced", inode), bytes, length);
  free(bytes);
}

// Goes through what is there: takes all of it for synced, or looks for an inode's path.
static bool walk(const char *folder, ino_t folderInode, ino_t wanted, char *found) {
  DIR *stream = opendir(folder);
  if (!stream) return false;
  bool isFound = false;
  for (struct dirent *item; !isFound && (item = readdir(stream));) {
    if (!strcmp(item->d_name, ".") || !strcmp(item->d_name, "..")) continue;
    char path[PATH_MAX];
    struct stat status;
    if (snprintf(path, sizeof path, "%s/%s", folder, item->d_name) >= PATH_MAX) abort();
    if (lstat(path, &status)) continue;
    bool isFolder = S_ISDIR(status.st_mode);
    if (!wanted) {
      put_entry(folderInode, item->d_name, status.st_ino, isFolder);
      if (!isFolder) store_synced(path, status.st_ino);
    } else if (status.st_ino == wanted) {
      strcpy(found, path);
      isFound = true;
    }
    if (isFolder && !isFound) isFound = walk(path, status.st_ino, wanted, found);
  }
  closedir(stream);
  return isFound;
}

static ino_t inode_of(const char *path, bool *isFolder) {
  struct stat status;
  if (lstat(path, &status)) return 0;
  if (isFolder) *isFolder = S_ISDIR(status.st_mode);
  return status.st_ino;
}

static const char *name_of(const char *path) { return strrchr(path, '/') + 1; }

static ino_t folder_of(const char *path) {
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
  return inode_of(folder, NULL);
}

// To be called when the change is made, with the inode of that which it is about.
static struct change *changed(char kind, const char *path, ino_t inode, bool isFolder, const char *target) {
  static struct change none;
  if (!shadow) return &none;
  changes = grown(changes, changeCount, &changeRoom, sizeof *changes);
  struct change *change = &changes[changeCount++];
  *change = (struct change){.kind = kind, .folder = folder_of(path), .inode = inode, .isFolder = isFolder};
  snprintf(change->name, sizeof change->name, "%s", name_of(path));
  if (!target) return change;
  change->toFolder = folder_of(target);
  snprintf(change->toName, sizeof change->toName, "%s", name_of(target));
  return change;
}

static void appeared(const char *path) {
  bool isFolder = false;
  ino_t inode = inode_of(path, &isFolder);
  changed('+', path, inode, isFolder, NULL);
}

// Before a name goes: what it stood for stays, so that no new file gets its number.
static ino_t keep(const char *path, bool *isFolder) {
  *isFolder = false;
  ino_t inode = inode_of(path, isFolder);
  char held[PATH_MAX];
  if (!shadow || !inode) return inode;
  if (*isFolder) syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
  else syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, in_shadow(held, "held", inode), 0);
  return inode;
}

static void synced(int descriptor) {
  struct stat status;
  if (!shadow || fstat(descriptor, &status)) return;
  if (!S_ISDIR(status.st_mode)) {
    char open[64];
    snprintf(open, sizeof open, "/proc/self/fd/%d", descriptor);
    store_synced(open, status.st_ino);
    return;
  }
  size_t kept = 0;
  for (size_t i = 0; i < changeCount; i++)
    if (changes[i].folder == status.st_ino || (changes[i].toName[0] && changes[i].toFolder == status.st_ino))
      apply(&changes[i]);
    else
      changes[kept++] = changes[i];
  changeCount = kept;
}

// MARK: - A power cut

static bool coin(void) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return seed >> 63;
}

enum { sectorBytes = 512 };

static void leave_file(const char *path, ino_t inode) {
  char source[PATH_MAX];
  size_t length, length2 = 0;
  char *bytes = content(in_shadow(source, "synced", inode), &length);
  // Of what was written since, each sector is there or not, and so is the size. What was cut off is not zeroed.
  if (seed && (walk(root, 0, inode, source) || !access(in_shadow(source, "held", inode), F_OK))) {
    char *now = content(source, &length2);
    size_t size = length == length2 || coin() ? length2 : length;
    char *mixed = calloc(1, size + 1);
    if (!mixed) abort();
    for (size_t start = 0; start < size; start += sectorBytes) {
      size_t end = start + sectorBytes < size ? start + sectorBytes : size;
      if (start < length) memcpy(mixed + start, bytes + start, (end < length ? end : length) - start);
      if (coin() && start < length2) memcpy(mixed + start, now + start, (end < length2 ? end : length2) - start);
    }
    store(path, mixed, size);
    free(mixed);
    free(now);
  } else {
    store(path, bytes, length);
  }
  free(bytes);
}

static void leave_folder(const char *folder, ino_t inode) {
  if (syscall(SYS_mkdirat, AT_FDCWD, folder, 0700)) give_up("make", folder);
  for (size_t i = 0; i < entryCount; i++) {
    if (entries[i].folder != inode) continue;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, entries[i].name) >= PATH_MAX) abort();
    if (entries[i].isFolder) leave_folder(path, entries[i].inode);
    else leave_file(path, entries[i].inode);
  }
}

static void cut_power(void) {
  at = 0;
  mode = NONE;
  if (seed)
    for (size_t i = 0; i < changeCount; i++)
      if (coin()) apply(&changes[i]);
  // Under another name until it is whole.
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s.making", after);
  leave_folder(path, inode_of(root, NULL));
  if (syscall(SYS_renameat, AT_FDCWD, path, AT_FDCWD, after)) give_up("make", after);
}

// What the next process goes on from, since a kill takes nothing from the disk's cache.
static void store_shadow(void) {
  char path[PATH_MAX];
  if (!shadow) return;
  snprintf(path, sizeof path, "%s/names", shadow);
  FILE *file = fopen(path, "we");
  if (!file) give_up("write", path);
  for (size_t i = 0; i < entryCount; i++)
    fprintf(file, "= %lu %lu %d 0 0 0 %s .\n", entries[i].folder, entries[i].inode, entries[i].isFolder,
      entries[i].name);
  for (size_t i = 0; i < changeCount; i++)
    fprintf(file, "%c %lu %lu %d %lu %lu %d %s %s\n", changes[i].kind, changes[i].folder, changes[i].inode,
      changes[i].isFolder, changes[i].toFolder, changes[i].toInode, changes[i].toIsFolder, changes[i].name,
      changes[i].toName[0] ? changes[i].toName : ".");
  if (fclose(file)) give_up("write", path);
}

static bool load_shadow(void) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/names", shadow);
  FILE *file = fopen(path, "re");
  if (!file) return false;
  struct change line = {0};
  int isFolder, toIsFolder;
  while (fscanf(file, "%c %lu %lu %d %lu %lu %d %255s %255s\n", &line.kind, &line.folder, &line.inode, &isFolder,
           &line.toFolder, &line.toInode, &toIsFolder, line.name, line.toName) == 9) {
    line.isFolder = isFolder;
    line.toIsFolder = toIsFolder;
    if (!strcmp(line.toName, ".")) line.toName[0] = 0;
    if (line.kind == '=') {
      put_entry(line.folder, line.name, line.inode, line.isFolder);
      continue;
    }
    changes = grown(changes, changeCount, &changeRoom, sizeof *changes);
    changes[changeCount++] = line;
  }
  fclose(file);
  return true;
}

// MARK: - The seam

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

__attribute__((constructor)) static void begin(void) {
  static const char *const modes[] = {"none", "error", "error-from", "kill", "short", "power"};
  root = setting("FAULT_ROOT");
  if (!root) return;
  rootLength = strlen(root);
  shadow = setting("FAULT_SHADOW");
  after = setting("FAULT_AFTER");
  hit = setting("FAULT_HIT");
  if (setting("FAULT_AT")) at = strtoul(setting("FAULT_AT"), NULL, 10);
  if (setting("FAULT_SEED")) seed = strtoul(setting("FAULT_SEED"), NULL, 10);
  const char *name = setting("FAULT_MODE");
  for (size_t i = 0; name && i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(name, modes[i])) mode = (enum mode)i;
  name = setting("FAULT_ERRNO");
  if (name) failure = !strcmp(name, "ENOSPC") ? ENOSPC : !strcmp(name, "EROFS") ? EROFS : EIO;
  if (setting("FAULT_LOG")) callLog = fopen(setting("FAULT_LOG"), "we");
  if (shadow && !load_shadow()) walk(root, inode_of(root, NULL), 0, NULL);
}

__attribute__((destructor)) static void end(void) {
  if (!root) return;
  pthread_mutex_lock(&lock);
  if (after) cut_power();
  pthread_mutex_unlock(&lock);
}

// Counts a call, under the lock, and says what is to become of it.
static enum verdict strike(enum class class, const char *name, const char *path) {
  calls++;
  if (callLog) {
    fprintf(callLog, "%lu %s %s %s\n", calls, classNames[class], name, path + rootLength + 1);
    fflush(callLog);
  }
  bool isHere = at && calls == at;
  if (isHere && hit) {
    FILE *file = fopen(hit, "we");
    if (file) fprintf(file, "%lu %s %s\n", calls, name, path + rootLength + 1);
    if (file) fclose(file);
  }
  bool needsSpace = class == SPACE || class == WRITE || class == SYNC;
  if (mode == ERROR_FROM && at && calls >= at && (needsSpace || failure != ENOSPC)) return FAIL;
  if (!isHere) return GO;
  if (mode == ERROR) return FAIL;
  if (mode == SHORT && class == WRITE) return HALF;
  if (mode == POWER) cut_power();
  else if (mode == KILL || mode == SHORT) store_shadow();
  else return GO;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// The absolute path of a name; false where it does not lie below the root.
static bool of_name(int folder, const char *name, char *path) {
  if (!root || !name) return false;
  if (name[0] == '/') {
    if (strlen(name) >= PATH_MAX) return false;
    strcpy(path, name);
  } else {
    char link[64];
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return false;
    path[length] = 0;
    if ((size_t)length + 1 + strlen(name) >= PATH_MAX) return false;
    strcat(strcat(path, "/"), name);
  }
  return !strncmp(path, root, rootLength) && path[rootLength] == '/';
}

// The path of an open file; false where it does not lie below the root. The root itself does here: it is synced.
static bool of_descriptor(int descriptor, char *path) {
  if (!root) return false;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  int saved = errno;
  ssize_t length = readlink(link, path, PATH_MAX - 2);
  errno = saved;
  if (length < 0) return false;
  path[length] = 0;
  if ((size_t)length == rootLength && !strcmp(path, root)) strcat(path, "/");
  return !strncmp(path, root, rootLength) && path[rootLength] == '/';
}

static bool is_written(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

static long failed(void) {
  errno = failure;
  return -1;
}

static void unlock(void) {
  int saved = errno;
  pthread_mutex_unlock(&lock);
  errno = saved;
}

static int open_at(int folder, const char *name, int flags, mode_t permissions) {
  char path[PATH_MAX];
  bool counts = (flags & (O_CREAT | O_TRUNC)) && (flags & O_TMPFILE) != O_TMPFILE;
  if (!counts || !of_name(folder, name, path))
    return (int)syscall(SYS_openat, folder, name, flags, permissions);
  pthread_mutex_lock(&lock);
  bool isNew = (flags & O_CREAT) && !inode_of(path, NULL);
  long result = strike(isNew ? SPACE : REMOVE, isNew ? "create" : "open", path) == FAIL
    ? failed() : syscall(SYS_openat, folder, name, flags, permissions);
  if (result >= 0 && isNew) appeared(path);
  unlock();
  return (int)result;
}

static long write_at(const char *name, int descriptor, const struct iovec *parts, int count, off_t offset) {
  char path[PATH_MAX];
  bool counts = of_descriptor(descriptor, path);
  if (counts) pthread_mutex_lock(&lock);
  enum verdict verdict = counts ? strike(WRITE, name, path) : GO;
  long result;
  if (verdict == FAIL) {
    result = failed();
  } else if (verdict == HALF) {
    struct iovec half = {parts[0].iov_base, parts[0].iov_len / 2};
    if (offset < 0) syscall(SYS_write, descriptor, half.iov_base, half.iov_len);
    else syscall(SYS_pwrite64, descriptor, half.iov_base, half.iov_len, offset);
    store_shadow();
    kill(getpid(), SIGKILL);
    for (;;) pause();
  } else if (offset < 0) {
    result = syscall(SYS_writev, descriptor, parts, count);
  } else {
    result = syscall(SYS_pwritev, descriptor, parts, count, offset, 0L);
  }
  if (counts) unlock();
  return result;
}

static int sync_of(int descriptor, bool isData) {
  char path[PATH_MAX];
  bool counts = of_descriptor(descriptor, path);
  if (counts) pthread_mutex_lock(&lock);
  long result = counts && strike(SYNC, isData ? "fdatasync" : "fsync", path) == FAIL
    ? failed() : syscall(isData ? SYS_fdatasync : SYS_fsync, descriptor);
  if (counts && result == 0) synced(descriptor);
  if (counts) unlock();
  return (int)result;
}

static int rename_at(int folder, const char *name, int toFolder, const char *toName, unsigned flags) {
  char path[PATH_MAX], target[PATH_MAX];
  if (!of_name(folder, name, path) || !of_name(toFolder, toName, target))
    return (int)syscall(SYS_renameat2, folder, name, toFolder, toName, flags);
  pthread_mutex_lock(&lock);
  long result;
  if (strike(SPACE, "rename", target) == FAIL) {
    result = failed();
  } else {
    bool isFolder;
    ino_t inode = keep(path, &isFolder);
    bool toIsFolder;
    ino_t toInode = keep(target, &toIsFolder);
    result = syscall(SYS_renameat2, folder, name, toFolder, toName, flags);
    if (result == 0) {
      struct change *change = changed(flags & RENAME_EXCHANGE ? 'x' : '>', path, inode, isFolder, target);
      change->toInode = toInode;
      change->toIsFolder = toIsFolder;
    }
  }
  unlock();
  return (int)result;
}

static int link_at(int folder, const char *name, int toFolder, const char *toName, int flags) {
  char target[PATH_MAX];
  if (!of_name(toFolder, toName, target))
    return (int)syscall(SYS_linkat, folder, name, toFolder, toName, flags);
  pthread_mutex_lock(&lock);
  long result = strike(SPACE, "link", target) == FAIL
    ? failed() : syscall(SYS_linkat, folder, name, toFolder, toName, flags);
  if (result == 0) appeared(target);
  unlock();
  return (int)result;
}

static int remove_at(int folder, const char *name, int flags) {
  char path[PATH_MAX];
  if (!of_name(folder, name, path)) return (int)syscall(SYS_unlinkat, folder, name, flags);
  pthread_mutex_lock(&lock);
  long result;
  if (strike(REMOVE, flags & AT_REMOVEDIR ? "rmdir" : "unlink", path) == FAIL) {
    result = failed();
  } else {
    bool isFolder;
    ino_t inode = keep(path, &isFolder);
    ino_t parent = folder_of(path);
    result = syscall(SYS_unlinkat, folder, name, flags);
    if (result == 0 && parent) changed('-', path, inode, isFolder, NULL);
  }
  unlock();
  return (int)result;
}

static int make_folder_at(int folder, const char *name, mode_t permissions) {
  char path[PATH_MAX];
  // One that is there is no change.
  if (!of_name(folder, name, path) || inode_of(path, NULL))
    return (int)syscall(SYS_mkdirat, folder, name, permissions);
  pthread_mutex_lock(&lock);
  long result = strike(SPACE, "mkdir", path) == FAIL
    ? failed() : syscall(SYS_mkdirat, folder, name, permissions);
  if (result == 0) appeared(path);
  unlock();
  return (int)result;
}

static int resize(int descriptor, const char *name, off_t size) {
  char path[PATH_MAX];
  bool counts = name ? of_name(AT_FDCWD, name, path) : of_descriptor(descriptor, path);
  if (counts) pthread_mutex_lock(&lock);
  long result = counts && strike(REMOVE, name ? "truncate" : "ftruncate", path) == FAIL ? failed()
    : name ? syscall(SYS_truncate, name, size) : syscall(SYS_ftruncate, descriptor, size);
  if (counts) unlock();
  return (int)result;
}

static int allocate(int descriptor, int flags, off_t offset, off_t size) {
  char path[PATH_MAX];
  bool counts = of_descriptor(descriptor, path);
  if (counts) pthread_mutex_lock(&lock);
  long result = counts && strike(SPACE, "fallocate", path) == FAIL
    ? failed() : syscall(SYS_fallocate, descriptor, flags, offset, size);
  if (counts) unlock();
  return (int)result;
}

// MARK: - The names of libc

static mode_t permissions_in(int flags, va_list list) {
  return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(list, unsigned) : 0;
}

#define OPENS(name)                                                 \
  int name(const char *path, int flags, ...) {                      \
    va_list list;                                                   \
    va_start(list, flags);                                          \
    mode_t permissions = permissions_in(flags, list);               \
    va_end(list);                                                   \
    return open_at(AT_FDCWD, path, flags, permissions);             \
  }
#define OPENS_AT(name)                                              \
  int name(int folder, const char *path, int flags, ...) {          \
    va_list list;                                                   \
    va_start(list, flags);                                          \
    mode_t permissions = permissions_in(flags, list);               \
    va_end(list);                                                   \
    return open_at(folder, path, flags, permissions);               \
  }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

ssize_t write(int descriptor, const void *bytes, size_t count) {
  struct iovec part = {(void *)bytes, count};
  return write_at("write", descriptor, &part, 1, -1);
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  struct iovec part = {(void *)bytes, count};
  return write_at("pwrite", descriptor, &part, 1, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  return write_at("writev", descriptor, parts, count, -1);
}
ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset) {
  return write_at("pwritev", descriptor, parts, count, offset);
}
ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset) {
  return write_at("pwritev", descriptor, parts, count, offset);
}

int fsync(int descriptor) { return sync_of(descriptor, false); }
int fdatasync(int descriptor) { return sync_of(descriptor, true); }

int rename(const char *path, const char *target) { return rename_at(AT_FDCWD, path, AT_FDCWD, target, 0); }
int renameat(int folder, const char *path, int toFolder, const char *target) {
  return rename_at(folder, path, toFolder, target, 0);
}
int renameat2(int folder, const char *path, int toFolder, const char *target, unsigned flags) {
  return rename_at(folder, path, toFolder, target, flags);
}
int link(const char *path, const char *target) { return link_at(AT_FDCWD, path, AT_FDCWD, target, 0); }
int linkat(int folder, const char *path, int toFolder, const char *target, int flags) {
  return link_at(folder, path, toFolder, target, flags);
}
int unlink(const char *path) { return remove_at(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return remove_at(folder, path, flags); }
int rmdir(const char *path) { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdir(const char *path, mode_t mode) { return make_folder_at(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { return make_folder_at(folder, path, mode); }

int ftruncate(int descriptor, off_t size) { return resize(descriptor, NULL, size); }
int ftruncate64(int descriptor, off64_t size) { return resize(descriptor, NULL, size); }
int truncate(const char *path, off_t size) { return resize(-1, path, size); }
int truncate64(const char *path, off64_t size) { return resize(-1, path, size); }
int fallocate(int descriptor, int flags, off_t offset, off_t size) {
  return allocate(descriptor, flags, offset, size);
}
int fallocate64(int descriptor, int flags, off64_t offset, off64_t size) {
  return allocate(descriptor, flags, offset, size);
}

// A file that was written is closed even where that is to fail, as Linux has it.
int close(int descriptor) {
  char path[PATH_MAX];
  bool counts = of_descriptor(descriptor, path) && is_written(descriptor);
  if (counts) pthread_mutex_lock(&lock);
  enum verdict verdict = counts ? strike(CLOSE, "close", path) : GO;
  long result = syscall(SYS_close, descriptor);
  if (verdict == FAIL) result = failed();
  if (counts) unlock();
  return (int)result;
}
