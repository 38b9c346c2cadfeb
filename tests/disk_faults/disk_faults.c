/* A library to preload: files below a folder are slow, or on a disk that is full, while another
 * process says so.
 *
 *   DISK_FOLDER=/path    the folder, as the kernel tells its path
 *   DISK_STATE=/file     8 bytes: milliseconds that each operation takes, and whether the disk is
 *                        full, as two integers; read before each operation */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static volatile const int32_t *state;
static const char *folder;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("DISK_STATE");
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    folder = getenv("DISK_FOLDER");
    int fd = path && folder ? real_open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        state = mapped;
}

static int is_within(const char *path)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static void wait_for_disk(void)
{
    struct timespec left = {state[0] / 1000, state[0] % 1000 * 1000000L};
    while (state[0] && nanosleep(&left, &left) && errno == EINTR)
        ;
}

/* Whether a file is within the folder; waits for the disk then. */
static int wait_within(int fd)
{
    char link[40], path[PATH_MAX];
    if (!state || !(state[0] || state[1]))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!is_within(path))
        return 0;
    wait_for_disk();
    return 1;
}

/* Whether there is no room. */
static int suffer(int fd)
{
    if (!wait_within(fd))
        return 0;
    if (state[1])
        errno = ENOSPC;
    return state[1];
}

static int suffer_at(const char *path, int flags)
{
    if (!state || !(state[0] || state[1]) || !is_within(path))
        return 0;
    wait_for_disk();
    if (state[1] && flags & O_CREAT && access(path, F_OK) != 0) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    return suffer(fd) ? -1 : real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    REAL(writev);
    return suffer(fd) ? -1 : real(fd, pieces, count);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t where)
{
    REAL(pwrite);
    return suffer(fd) ? -1 : real(fd, data, size, where);
}

int fsync(int fd)
{
    REAL(fsync);
    return suffer(fd) ? -1 : real(fd);
}

int open(const char *path, int flags, ...)
{
    REAL(open);
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return suffer_at(path, flags) ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    REAL(open64);
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return suffer_at(path, flags) ? -1 : real(path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    return suffer_at(path, O_CREAT) ? -1 : real(path, mode);
}

int unlink(const char *path)
{
    REAL(unlink);
    suffer_at(path, 0);
    return real(path);
}

int rmdir(const char *path)
{
    REAL(rmdir);
    suffer_at(path, 0);
    return real(path);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    suffer_at(to, 0);
    return real(from, to);
}

int unlinkat(int folder_fd, const char *path, int flags)
{
    REAL(unlinkat);
    if (folder_fd == AT_FDCWD)
        suffer_at(path, 0);
    else
        wait_within(folder_fd);
    return real(folder_fd, path, flags);
}
