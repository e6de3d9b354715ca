/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_WRAPPED_H
#define SIM_WRAPPED_H

#include <dirent.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/*
 * The linker's names for what sim/meson.build has it wrap: a call of NAME()
 * arrives at __wrap_NAME(), and __real_NAME() is what it would have been.
 */
typedef int nftw_call(const char *path, const struct stat *info, int kind, struct FTW *where);

#define WRAPPED(type, name, ...)                                                               \
	type __wrap_##name(__VA_ARGS__);                                                       \
	type __real_##name(__VA_ARGS__)

WRAPPED(int, open64, const char *path, int flags, ...);
WRAPPED(int, openat64, int at, const char *path, int flags, ...);
WRAPPED(int, close, int fd);
WRAPPED(ssize_t, read, int fd, void *data, size_t size);
WRAPPED(ssize_t, write, int fd, const void *data, size_t size);
WRAPPED(ssize_t, pread64, int fd, void *data, size_t size, off_t offset);
WRAPPED(ssize_t, pwrite64, int fd, const void *data, size_t size, off_t offset);
WRAPPED(off_t, lseek64, int fd, off_t offset, int whence);
WRAPPED(ssize_t, copy_file_range, int from, off_t *from_at, int to, off_t *to_at, size_t size,
    unsigned flags);
WRAPPED(int, ftruncate64, int fd, off_t size);
WRAPPED(int, fsync, int fd);
WRAPPED(int, fdatasync, int fd);
WRAPPED(int, syncfs, int fd);
WRAPPED(int, flock, int fd, int how);
WRAPPED(int, fcntl64, int fd, int command, ...);
WRAPPED(int, fchmod, int fd, mode_t mode);
WRAPPED(int, fstat64, int fd, struct stat *info_r);
WRAPPED(int, lstat64, const char *path, struct stat *info_r);
WRAPPED(int, stat64, const char *path, struct stat *info_r);
WRAPPED(int, access, const char *path, int mode);
WRAPPED(int, faccessat, int at, const char *path, int mode, int flags);
WRAPPED(int, mkdir, const char *path, mode_t mode);
WRAPPED(int, mkdirat, int at, const char *path, mode_t mode);
WRAPPED(int, unlink, const char *path);
WRAPPED(int, unlinkat, int at, const char *path, int flags);
WRAPPED(int, rmdir, const char *path);
WRAPPED(int, remove, const char *path);
WRAPPED(int, rename, const char *path, const char *to_path);
WRAPPED(int, renameat, int at, const char *path, int to_at, const char *to_path);
WRAPPED(
    int, renameat2, int at, const char *path, int to_at, const char *to_path, unsigned flags);
WRAPPED(int, linkat, int at, const char *path, int to_at, const char *to_path, int flags);
WRAPPED(int, link, const char *path, const char *to_path);
WRAPPED(int, truncate64, const char *path, off_t size);
WRAPPED(DIR *, opendir, const char *path);
WRAPPED(DIR *, fdopendir, int fd);
WRAPPED(struct dirent *, readdir64, DIR *folder);
WRAPPED(int, dirfd, DIR *folder);
WRAPPED(int, closedir, DIR *folder);
WRAPPED(int, nftw64, const char *path, nftw_call *call, int fds, int flags);
WRAPPED(char *, mkdtemp, char *path);
WRAPPED(FILE *, fopen64, const char *path, const char *mode);
int __wrap_dprintf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap___dprintf_chk(int fd, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
WRAPPED(void *, malloc, size_t size);
WRAPPED(void *, calloc, size_t number, size_t size);
WRAPPED(void *, realloc, void *memory, size_t size);
WRAPPED(void *, reallocarray, void *memory, size_t number, size_t size);
WRAPPED(void *, aligned_alloc, size_t alignment, size_t size);
WRAPPED(void, free, void *memory);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_vasprintf(char **text_r, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
int __wrap___vasprintf_chk(char **text_r, int flag, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int __wrap_asprintf(char **text_r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **text_r, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
WRAPPED(int, clock_gettime, clockid_t clock, struct timespec *time_r);

#endif
