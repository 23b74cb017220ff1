/*
 * Loaded before the C library into the program under test (LD_PRELOAD), this counts the calls that touch
 * files of one folder, over all threads and processes, and makes the n-th of them fail or kill its process
 * before it happens.
 *
 *   FAULTS_FOLDER   calls on paths in this folder count; all others pass
 *   FAULTS_STATE    a file of at least sizeof(struct state) bytes, shared by the processes
 *   FAULTS_LOG      where each call is written down: number, kind, path, one line each
 *   FAULTS_AT       the number of the call at which the fault is injected, from 1
 *   FAULTS_ERROR    the errno that it gives; 0 kills the process
 *   FAULTS_STAY     1: from there on every call fails that needs space (ENOSPC), or any that writes (EIO)
 *   FAULTS_CLOCK    how many times faster the monotonic clock goes
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct state {
  atomic_uint calls;
  atomic_uint hit;
  char kind[28];
  char path[PATH_MAX];
};

static struct state *state;
static const char *folder;
static size_t folder_length;
static unsigned at;
static int error_number, stays;
static int log_file = -1;
static long clock_factor = 1;
static struct timespec clock_start;

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTS_STATE");
  const char *log = getenv("FAULTS_LOG");
  folder = getenv("FAULTS_FOLDER");
  if (!folder || !path) return;
  folder_length = strlen(folder);
  at = (unsigned)number("FAULTS_AT");
  error_number = (int)number("FAULTS_ERROR");
  stays = (int)number("FAULTS_STAY");
  if (number("FAULTS_CLOCK") > 1) clock_factor = number("FAULTS_CLOCK");
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &clock_start);
  int appending = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
  if (log) log_file = (int)syscall(SYS_openat, AT_FDCWD, log, appending, 0600);
  int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (file < 0) return;
  void *mapped =
      (void *)syscall(SYS_mmap, NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L);
  syscall(SYS_close, file);
  if (mapped != MAP_FAILED) state = mapped;
}

static int inside(const char *path) {
  if (strncmp(path, folder, folder_length) != 0) return 0;
  return path[folder_length] == '/' || path[folder_length] == 0;
}

static int needs_space(const char *kind) {
  return !strcmp(kind, "write") || !strcmp(kind, "create") || !strcmp(kind, "mkdir") || !strcmp(kind, "link");
}

static int writes(const char *kind) {
  return strcmp(kind, "read") && strcmp(kind, "open") && strcmp(kind, "opendir");
}

/* Counts a call; 1 when it has to fail, with errno set. */
static int fails(const char *kind, const char *path) {
  if (!inside(path)) return 0;
  unsigned n = atomic_fetch_add(&state->calls, 1) + 1;
  if (log_file >= 0) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%u %s %s\n", n, kind, path);
    if (length > 0) syscall(SYS_write, log_file, line, (size_t)length);
  }
  if (at == 0 || n < at) return 0;
  if (n > at && !(stays && (error_number == ENOSPC ? needs_space(kind) : writes(kind)))) return 0;
  if (n == at) {
    strncpy(state->kind, kind, sizeof state->kind - 1);
    strncpy(state->path, path, sizeof state->path - 1);
    atomic_store(&state->hit, n);
  }
  if (error_number == 0) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
  }
  errno = error_number;
  return 1;
}

static int path_fails(const char *kind, const char *path) {
  if (!state || !path) return 0;
  if (path[0] == '/') return fails(kind, path);
  char whole[PATH_MAX * 2];
  long length = syscall(SYS_getcwd, whole, (size_t)PATH_MAX);
  if (length <= 0) return 0;
  snprintf(whole + length - 1, sizeof whole - (size_t)length, "/%s", path);
  return fails(kind, whole);
}

static int file_fails(const char *kind, int file) {
  if (!state) return 0;
  char link[40], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  int before = errno;
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, (size_t)(PATH_MAX - 1));
  errno = before;
  if (length <= 0 || path[0] != '/') return 0;
  path[length] = 0;
  return fails(kind, path);
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)


static int open_fails(const char *path, int flags) {
  if (!state) return 0;
  int before = errno;
  int is_new = (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
  errno = before;
  return path_fails(is_new ? "create" : "open", path);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
      va_list list; \
      va_start(list, flags); \
      mode = va_arg(list, mode_t); \
      va_end(list); \
    } \
    return open_fails(path, flags) ? -1 : real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int at_folder, const char *path, int flags, ...) { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
      va_list list; \
      va_start(list, flags); \
      mode = va_arg(list, mode_t); \
      va_end(list); \
    } \
    return open_fails(path, flags) ? -1 : real(at_folder, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

DIR *opendir(const char *path) {
  REAL(opendir);
  return path_fails("opendir", path) ? NULL : real(path);
}

#define SCANDIR(name, entry) \
  int name(const char *path, struct entry ***list, int (*chosen)(const struct entry *), \
           int (*order)(const struct entry **, const struct entry **)) { \
    REAL(name); \
    return path_fails("opendir", path) ? -1 : real(path, list, chosen, order); \
  }
SCANDIR(scandir, dirent)
SCANDIR(scandir64, dirent64)

#define CALL(result, name, kind, check, subject, parameters, arguments) \
  result name parameters { \
    REAL(name); \
    return check(kind, subject) ? -1 : real arguments; \
  }
CALL(ssize_t, read, "read", file_fails, file, (int file, void *bytes, size_t size), (file, bytes, size))
CALL(ssize_t, readv, "read", file_fails, file,
     (int file, const struct iovec *list, int count), (file, list, count))
CALL(ssize_t, pread, "read", file_fails, file,
     (int file, void *bytes, size_t size, off_t offset), (file, bytes, size, offset))
CALL(ssize_t, pread64, "read", file_fails, file,
     (int file, void *bytes, size_t size, off64_t offset), (file, bytes, size, offset))
CALL(ssize_t, preadv64, "read", file_fails, file,
     (int file, const struct iovec *list, int count, off64_t offset), (file, list, count, offset))
CALL(ssize_t, write, "write", file_fails, file,
     (int file, const void *bytes, size_t size), (file, bytes, size))
CALL(ssize_t, writev, "write", file_fails, file,
     (int file, const struct iovec *list, int count), (file, list, count))
CALL(ssize_t, pwrite, "write", file_fails, file,
     (int file, const void *bytes, size_t size, off_t offset), (file, bytes, size, offset))
CALL(ssize_t, pwrite64, "write", file_fails, file,
     (int file, const void *bytes, size_t size, off64_t offset), (file, bytes, size, offset))
CALL(ssize_t, pwritev64, "write", file_fails, file,
     (int file, const struct iovec *list, int count, off64_t offset), (file, list, count, offset))
CALL(int, fsync, "sync", file_fails, file, (int file), (file))
CALL(int, fdatasync, "sync", file_fails, file, (int file), (file))
CALL(int, ftruncate, "truncate", file_fails, file, (int file, off_t size), (file, size))
CALL(int, ftruncate64, "truncate", file_fails, file, (int file, off64_t size), (file, size))
CALL(int, fchmod, "chmod", file_fails, file, (int file, mode_t mode), (file, mode))
CALL(int, fchown, "chown", file_fails, file, (int file, uid_t user, gid_t group), (file, user, group))
CALL(int, futimens, "utime", file_fails, file, (int file, const struct timespec times[2]), (file, times))
CALL(int, chmod, "chmod", path_fails, path, (const char *path, mode_t mode), (path, mode))
CALL(int, chown, "chown", path_fails, path, (const char *path, uid_t user, gid_t group), (path, user, group))
CALL(int, lchown, "chown", path_fails, path, (const char *path, uid_t user, gid_t group), (path, user, group))
CALL(int, utimes, "utime", path_fails, path, (const char *path, const struct timeval times[2]), (path, times))
CALL(int, utimensat, "utime", path_fails, path,
     (int at_folder, const char *path, const struct timespec times[2], int flags),
     (at_folder, path, times, flags))
CALL(int, mkdir, "mkdir", path_fails, path, (const char *path, mode_t mode), (path, mode))
CALL(int, mkdirat, "mkdir", path_fails, path,
     (int at_folder, const char *path, mode_t mode), (at_folder, path, mode))
CALL(int, rmdir, "rmdir", path_fails, path, (const char *path), (path))
CALL(int, unlink, "unlink", path_fails, path, (const char *path), (path))
CALL(int, unlinkat, "unlink", path_fails, path,
     (int at_folder, const char *path, int flags), (at_folder, path, flags))
CALL(int, rename, "rename", path_fails, to, (const char *from, const char *to), (from, to))
CALL(int, renameat, "rename", path_fails, to,
     (int from_folder, const char *from, int to_folder, const char *to), (from_folder, from, to_folder, to))
CALL(int, link, "link", path_fails, to, (const char *from, const char *to), (from, to))
CALL(int, linkat, "link", path_fails, to,
     (int from_folder, const char *from, int to_folder, const char *to, int flags),
     (from_folder, from, to_folder, to, flags))
CALL(int, symlink, "link", path_fails, path, (const char *target, const char *path), (target, path))

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  int result = real(clock, time);
  if (clock_factor == 1 || clock != CLOCK_MONOTONIC || result != 0) return result;
  long long passed = (time->tv_sec - clock_start.tv_sec) * 1000000000LL + time->tv_nsec - clock_start.tv_nsec;
  long long shown = clock_start.tv_sec * 1000000000LL + clock_start.tv_nsec + passed * clock_factor;
  time->tv_sec = shown / 1000000000LL;
  time->tv_nsec = shown % 1000000000LL;
  return 0;
}
