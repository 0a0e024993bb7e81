/* Loaded before the C library into the processes of `labeler serve`: it makes fsync fail and moves the clock, as the
 * words of a file say that all of them share. Built by bench/soak/shim.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct words { volatile int64_t fsync_fails; volatile int64_t clock_offset; };
static struct words nothing;
static struct words *words = &nothing;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("LABELER_FAULTS");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0) return;
    void *shared = mmap(0, sizeof(struct words), PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) words = shared;
    close(file);
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int fsync(int file) {
    if (words->fsync_fails) { errno = EIO; return -1; }
    REAL(fsync);
    return real(file);
}

int fdatasync(int file) {
    if (words->fsync_fails) { errno = EIO; return -1; }
    REAL(fdatasync);
    return real(file);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    REAL(clock_gettime);
    int result = real(clock, at);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += words->clock_offset;
    return result;
}

int gettimeofday(struct timeval *at, void *zone) {
    REAL(gettimeofday);
    int result = real(at, zone);
    if (!result) at->tv_sec += words->clock_offset;
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
