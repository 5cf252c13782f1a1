// Makes file operations of a process, and the accepting of connections, fail while it runs. Preloaded into the orderer by faults.py, which
// writes the rules into a file that both have mapped.
//
// A rule names operations, a pattern for paths, and what happens: an errno, a write of half of the bytes, the
// sudden end of the process, or nothing but counting. It may let some calls through first, and end after some. The layout is known to faults.py.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4, CREATE = 8, RENAME = 16, REMOVE = 32, READ = 64, OPEN = 128, ACCEPT = 256 };
enum { HALF = -1, KILL = -2 };

struct rule {
  atomic_uint active;      // not looked at while 0
  unsigned operations;     // which operations it is for
  int error;               // the errno, 0 for none, HALF for a write of half of the bytes, or KILL
  atomic_int skip;         // so many calls are let through first
  atomic_int times;        // then so many fail; negative for all
  atomic_uint hits;        // how many did
  char pattern[232];       // of the path, as for fnmatch(3) without flags
};

struct control {
  atomic_uint loaded;  // set once the library is in a process
  char padding[12];
  struct rule rules[15];
};

static struct control *control;

__attribute__((constructor)) static void load(void) {
  const char *path = getenv("HEDDLE_TEST_FAULTS");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return;
  control = memory;
  atomic_store(&control->loaded, 1);
}

// Takes one of what is left; false if nothing is.
static int take(atomic_int *left) {
  int count = atomic_load(left);
  while (count > 0 && !atomic_compare_exchange_weak(left, &count, count - 1)) {
  }
  return count > 0;
}

// What a rule says of an operation on a path: 0 if it may go on.
static int verdict(unsigned operation, const char *path, int file) {
  if (!control) return 0;
  int known = path != NULL;
  char link[64], buffer[4096];
  for (size_t index = 0; index < sizeof control->rules / sizeof *control->rules; index++) {
    struct rule *rule = &control->rules[index];
    if (!atomic_load(&rule->active) || !(rule->operations & operation)) continue;
    if (!known) {
      snprintf(link, sizeof link, "/proc/self/fd/%d", file);
      ssize_t length = readlink(link, buffer, sizeof buffer - 1);
      buffer[length > 0 ? length : 0] = 0;
      path = buffer;
      known = 1;
    }
    if (fnmatch(rule->pattern, path, 0) != 0) continue;
    if (take(&rule->skip) || !(atomic_load(&rule->times) < 0 || take(&rule->times))) continue;
    atomic_fetch_add(&rule->hits, 1);
    if (rule->error == KILL) raise(SIGKILL);
    return rule->error;
  }
  return 0;
}

// Leaves the caller with the errno if the operation is to fail.
#define FAIL_IF_TOLD(operation, path, file, result)          \
  int told = verdict(operation, path, file);                 \
  if (told > 0) {                                            \
    errno = told;                                            \
    return result;                                           \
  }

#define REAL(type, name, ...)                                \
  static type (*real)(__VA_ARGS__);                          \
  if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static size_t part(int told, size_t count) { return told == HALF && count > 1 ? count / 2 : count; }

ssize_t write(int file, const void *bytes, size_t count) {
  REAL(ssize_t, write, int, const void *, size_t);
  int before = errno;
  FAIL_IF_TOLD(WRITE, NULL, file, -1)
  errno = before;
  return real(file, bytes, part(told, count));
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
  FAIL_IF_TOLD(WRITE, NULL, file, -1)
  return real(file, bytes, part(told, count), offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  return pwrite(file, bytes, count, offset);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  FAIL_IF_TOLD(WRITE, NULL, file, -1)
  return real(file, parts, told == HALF && count > 1 ? count / 2 : count);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
  REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
  FAIL_IF_TOLD(WRITE, NULL, file, -1)
  return real(file, parts, told == HALF && count > 1 ? count / 2 : count, offset);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
  return pwritev(file, parts, count, offset);
}

ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  REAL(ssize_t, pread, int, void *, size_t, off_t);
  FAIL_IF_TOLD(READ, NULL, file, -1)
  return real(file, bytes, part(told, count), offset);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
  return pread(file, bytes, count, offset);
}

int fsync(int file) {
  REAL(int, fsync, int);
  FAIL_IF_TOLD(SYNC, NULL, file, -1)
  return real(file);
}

int fdatasync(int file) {
  REAL(int, fdatasync, int);
  FAIL_IF_TOLD(SYNC, NULL, file, -1)
  return real(file);
}

int ftruncate(int file, off_t size) {
  REAL(int, ftruncate, int, off_t);
  FAIL_IF_TOLD(TRUNCATE, NULL, file, -1)
  return real(file, size);
}

int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

// A file that has to be made is another operation than one that is there.
static unsigned opening(int folder, const char *path, int flags) {
  struct stat info;
  return (flags & O_CREAT) && fstatat(folder, path, &info, 0) != 0 ? CREATE : OPEN;
}

#define MODE_OF(flags)                                       \
  mode_t mode = 0;                                           \
  if ((flags) & (O_CREAT | O_TMPFILE)) {                     \
    va_list rest;                                            \
    va_start(rest, flags);                                   \
    mode = va_arg(rest, mode_t);                             \
    va_end(rest);                                            \
  }

int open(const char *path, int flags, ...) {
  REAL(int, open, const char *, int, ...);
  MODE_OF(flags)
  FAIL_IF_TOLD(opening(AT_FDCWD, path, flags), path, -1, -1)
  return real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE_OF(flags)
  return open(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
  REAL(int, openat, int, const char *, int, ...);
  MODE_OF(flags)
  FAIL_IF_TOLD(opening(folder, path, flags), path, -1, -1)
  return real(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
  MODE_OF(flags)
  return openat(folder, path, flags, mode);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  FAIL_IF_TOLD(CREATE, path, -1, -1)
  return real(path, mode);
}

int rename(const char *source, const char *target) {
  REAL(int, rename, const char *, const char *);
  FAIL_IF_TOLD(RENAME, source, -1, -1)
  return real(source, target);
}

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  FAIL_IF_TOLD(REMOVE, path, -1, -1)
  return real(path);
}

int rmdir(const char *path) {
  REAL(int, rmdir, const char *);
  FAIL_IF_TOLD(REMOVE, path, -1, -1)
  return real(path);
}

int unlinkat(int folder, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  FAIL_IF_TOLD(REMOVE, path, -1, -1)
  return real(folder, path, flags);
}

int remove(const char *path) {
  REAL(int, remove, const char *);
  FAIL_IF_TOLD(REMOVE, path, -1, -1)
  return real(path);
}

// Of a connection no path is known: it is "connection".
int accept4(int file, struct sockaddr *address, socklen_t *length, int flags) {
  REAL(int, accept4, int, struct sockaddr *, socklen_t *, int);
  FAIL_IF_TOLD(ACCEPT, "connection", -1, -1)
  return real(file, address, length, flags);
}
