package dev.virtualip.agent.linux;

import dev.virtualip.log.Defects;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices at once that processes exit, by a pidfd of each (pidfd_open(2), Linux 5.3 or later) and
 * one thread that waits for all of them.
 */
public final class ProcessExits {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessExits.class);

  /** Bytes of a struct pollfd: fd (int), events and revents (short). */
  private static final int POLLFD_BYTES = 8;

  private static final int EVENTS = 4;
  private static final int REVENTS = 6;

  /** By descriptor, what to call. A descriptor is closed by the thread that waits, and no other. */
  private final Map<Integer, Runnable> watched = new HashMap<>();

  private final List<Integer> ended = new ArrayList<>();
  private int wakeFd = -1;
  private ErrnoException refusal;

  /**
   * Watches a process of the PID namespace of this one.
   *
   * @param exited called once when it has exited, or before this returns if there is no such
   *     process; must not block
   * @return ends the watch; an exit is not told from then on, but for one that is being told now
   * @throws IOException if the kernel, or a seccomp filter, has no such call
   */
  public Runnable watch(int pid, Runnable exited) throws IOException {
    int fd;
    try {
      fd = open(pid);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e;
      }
      exited.run();
      return () -> {};
    }
    // Not the caller's: the same may be watched twice.
    Runnable call = exited::run;
    synchronized (this) {
      watched.put(fd, call);
      wake();
    }
    return () -> end(fd, call);
  }

  private synchronized int open(int pid) throws ErrnoException {
    if (refusal != null) {
      throw refusal;
    }
    if (wakeFd < 0) {
      wakeFd = Libc.eventfd();
      // A platform thread: the call blocks the carrier of a virtual one.
      Thread.ofPlatform().daemon().name("watch-processes").start(this::waitForExits);
    }
    try {
      return Libc.pidfdOpen(pid);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOSYS || e.errno() == Errno.EPERM) {
        LOG.info(
            "exits_unseen error={}: process checks look at each interval", Errno.name(e.errno()));
        refusal = e;
      }
      throw e;
    }
  }

  private synchronized void end(int fd, Runnable call) {
    if (watched.remove(fd, call)) {
      ended.add(fd);
      wake();
    }
  }

  private void wake() {
    try {
      Libc.write(wakeFd, 1);
    } catch (ErrnoException e) {
      throw new AssertionError(e);
    }
  }

  private void waitForExits() {
    try {
      while (true) {
        try (var arena = Arena.ofConfined()) {
          var descriptors = descriptors();
          var pollfds = arena.allocate((long) descriptors.size() * POLLFD_BYTES, 4);
          for (int i = 0; i < descriptors.size(); i++) {
            pollfds.set(ValueLayout.JAVA_INT, at(i), descriptors.get(i));
            pollfds.set(ValueLayout.JAVA_SHORT, at(i) + EVENTS, Libc.POLLIN);
          }
          Libc.poll(pollfds, descriptors.size(), -1);
          tell(descriptors, pollfds);
        }
      }
    } catch (ErrnoException e) {
      LOG.warn("exits_unseen: process checks look at each interval", e);
      refuse(e);
    }
  }

  private static long at(int index) {
    return (long) index * POLLFD_BYTES;
  }

  /** That which wakes the thread, and those that are watched; closes those that are so no more. */
  private synchronized List<Integer> descriptors() {
    ended.forEach(Libc::close);
    ended.clear();
    var descriptors = new ArrayList<Integer>();
    descriptors.add(wakeFd);
    descriptors.addAll(watched.keySet());
    return descriptors;
  }

  private void tell(List<Integer> descriptors, MemorySegment pollfds) throws ErrnoException {
    var calls = new ArrayList<Runnable>();
    synchronized (this) {
      for (int i = 0; i < descriptors.size(); i++) {
        if (pollfds.get(ValueLayout.JAVA_SHORT, at(i) + REVENTS) == 0) {
          continue;
        }
        int fd = descriptors.get(i);
        if (fd == wakeFd) {
          Libc.read(fd);
        } else if (watched.containsKey(fd)) {
          calls.add(watched.remove(fd));
          ended.add(fd);
        }
      }
    }
    calls.forEach(Defects::contain);
  }

  /** Tells all, so that their checks look, and watches nothing from now on. */
  private void refuse(ErrnoException e) {
    List<Runnable> calls;
    synchronized (this) {
      refusal = e;
      calls = List.copyOf(watched.values());
      ended.addAll(watched.keySet());
      watched.clear();
      ended.forEach(Libc::close);
      ended.clear();
    }
    calls.forEach(Defects::contain);
  }
}
