// Runs each piece of a Swift task on a thread chosen at random. The thread sanitizer compares threads,
// not tasks: two tasks that race, but happen to run on the same thread one after the other, look fine to
// it, and on a machine with two processors Swift has two threads. Two writes 50 ms apart it never reported
// in 20 runs without this, and in 8 of 12 with it.
//
// To be compiled together with interpose.c; see docs/testing.md.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORKERS 12
#define SWIFT __attribute__((swiftcall))

typedef SWIFT void (*enqueue_function)(void *job);
typedef SWIFT void (*hook_function)(void *job, enqueue_function original);

// Of Swift's runtime, which the programs that the tests start do not all have.
extern SWIFT void swift_job_run(void *job, void *executor, void *witness) __attribute__((weak));
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

struct entry {
  struct entry *next;
  void *job;
};

struct worker {
  // 1 if a job was handed over.
  uint32_t called;
  int busy;
  void *job;
};

// What threads do to each other here must stay unknown to the sanitizer, or it would take each job for
// ordered behind all that were queued before. So there are no locks of the C library, which it knows.
static int taken;
static struct worker workers[WORKERS];
static struct entry *first, **end = &first;
static uint64_t state;

static void lock(void) {
  while (__atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE)) syscall(SYS_sched_yield);
}

static void unlock(void) { __atomic_store_n(&taken, 0, __ATOMIC_RELEASE); }

// The next job for a worker; sleeps until there is one.
static void *take(struct worker *worker) {
  lock();
  struct entry *entry = first;
  if (entry) {
    first = entry->next;
    if (!first) end = &first;
    unlock();
    void *job = entry->job;
    free(entry);
    return job;
  }
  worker->busy = 0;
  worker->called = 0;
  unlock();
  while (!__atomic_load_n(&worker->called, __ATOMIC_ACQUIRE))
    syscall(SYS_futex, &worker->called, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  return worker->job;
}

static void *work(void *argument) {
  for (;;) {
    void *job = take(argument);
    if (__tsan_acquire) __tsan_acquire(job);
    swift_job_run(job, NULL, NULL);
  }
}

// An idle worker, -1 if there is none. xorshift64 is random enough.
static int choose(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  for (int step = 0; step < WORKERS; step++) {
    int index = (state % WORKERS + step) % WORKERS;
    if (!workers[index].busy) return index;
  }
  return -1;
}

static SWIFT void enqueue(void *job, enqueue_function original) {
  (void)original;
  // The order that there really is: what comes before a job is made, comes before it runs.
  if (__tsan_release) __tsan_release(job);
  struct entry *entry = malloc(sizeof *entry);
  if (!entry) abort();
  *entry = (struct entry){NULL, job};
  lock();
  int index = choose();
  if (index < 0) {
    *end = entry;
    end = &entry->next;
    unlock();
    return;
  }
  struct worker *worker = &workers[index];
  worker->busy = 1;
  worker->job = job;
  unlock();
  free(entry);
  __atomic_store_n(&worker->called, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &worker->called, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

__attribute__((constructor)) static void begin(void) {
  hook_function *hook = dlsym(RTLD_DEFAULT, "swift_task_enqueueGlobal_hook");
  if (!hook || !swift_job_run) return;
  state = (uint64_t)getpid() * 0x9E3779B97F4A7C15u | 1;
  for (int index = 0; index < WORKERS; index++) {
    workers[index].busy = 1;
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, &workers[index])) abort();
    pthread_detach(thread);
  }
  *hook = enqueue;
}
