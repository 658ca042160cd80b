package dev.virtualip.agent.check;

import java.io.IOException;

/** Notices at once that a process exits. */
@FunctionalInterface
public interface Exits {
  /**
   * Watches a process.
   *
   * @param exited called once when it has exited; by another thread, and must not block
   * @return ends the watch
   * @throws IOException if the kernel does not offer it, or there is no such process
   */
  Runnable watch(int pid, Runnable exited) throws IOException;
}
