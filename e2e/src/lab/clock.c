/*
 * A wall clock that can be stepped, for one program: with this preloaded, what the file
 * $CLOCK_STEP says in seconds is added to CLOCK_REALTIME, and to no other clock. Needs no headers:
 * gcc -shared -fPIC -nostdlib.
 */
struct timespec {
  long seconds;
  long nanoseconds;
};

enum {
  CLOCK_REALTIME = 0,
  O_RDONLY = 0,
#ifdef __aarch64__
  SYS_CLOCK_GETTIME = 113
#else
  SYS_CLOCK_GETTIME = 228
#endif
};

extern long syscall(long number, ...);
extern char *getenv(const char *name);
extern long atol(const char *text);
extern int open(const char *path, int flags, ...);
extern long read(int file, void *buffer, unsigned long size);
extern int close(int file);

int clock_gettime(int clock, struct timespec *time) {
  int result = syscall(SYS_CLOCK_GETTIME, clock, time);
  const char *path = getenv("CLOCK_STEP");
  if (clock == CLOCK_REALTIME && path) {
    char text[32] = {0};
    int file = open(path, O_RDONLY);
    if (file >= 0) {
      read(file, text, sizeof text - 1);
      close(file);
    }
    time->seconds += atol(text);
  }
  return result;
}
