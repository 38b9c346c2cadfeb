/* A library to preload: the process, and those that it starts, see another number of cores.
 *
 *   SEEN_CORES=16     cores of the machine
 *   SEEN_ALLOWED=4    cores that the process may run on, as taskset would leave it; all by default
 *
 * What is computed still runs on the cores that there are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static int number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    int value = text ? atoi(text) : 0;
    return value > 0 ? value : otherwise;
}

static int machine(void)
{
    return number("SEEN_CORES", 1);
}

static int fill(size_t size, cpu_set_t *set)
{
    int allowed = number("SEEN_ALLOWED", machine());
    if (size * 8 < (size_t)machine())
        return EINVAL;
    memset(set, 0, size);
    for (int core = 0; core < allowed; core++)
        CPU_SET_S(core, size, set);
    return 0;
}

long sysconf(int name)
{
    static long (*original)(int);
    if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF)
        return machine();
    if (!original)
        original = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return original(name);
}

int get_nprocs(void)
{
    return machine();
}

int get_nprocs_conf(void)
{
    return machine();
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    (void)pid;
    errno = fill(size, set);
    return errno ? -1 : 0;
}

int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *set)
{
    (void)thread;
    return fill(size, set);
}
