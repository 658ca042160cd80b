package dev.virtualip.memory;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;

/**
 * Collects the old part of the heap when it has grown. HotSpot's serial collector lets garbage
 * there fill the heap up to its limit first, so a program that does little takes ever more memory.
 */
public final class OldGeneration {
  private static final String SERIAL = "Tenured Gen";
  private static final long PERIOD_MILLIS = 60_000;

  /** Growth that is not worth a pause of all threads for some 20 ms, beside a quarter. Bytes. */
  private static final long ROOM = 2L << 20;

  private OldGeneration() {}

  /**
   * Looks at it once a minute, on a thread of its own, as long as the process lives. With another
   * collector it does nothing.
   */
  public static void watch() {
    for (var pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getName().equals(SERIAL)) {
        Thread.ofVirtual().name("heap").start(() -> watch(pool));
      }
    }
  }

  private static void watch(MemoryPoolMXBean pool) {
    try {
      while (true) {
        Thread.sleep(PERIOD_MILLIS);
        if (hasGrown(pool.getUsage().getUsed(), pool.getCollectionUsage().getUsed())) {
          System.gc();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Whether a collection is worth its pause.
   *
   * @param used bytes in use, garbage among them
   * @param kept bytes that the last collection has left, 0 before the first
   */
  static boolean hasGrown(long used, long kept) {
    return used > kept + kept / 4 + ROOM;
  }
}
