package dev.virtualip.agent.vrrp;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a simulation is about, drawn from its seed. Times in nanoseconds.
 *
 * @param interval the usual advertisement interval
 * @param delayMax longest way of a datagram
 * @param jitterMax how late a timer may be
 * @param tied few priorities, so that addresses decide often
 * @param late whether the LAN may hold datagrams back for several intervals
 */
record SimulationSettings(
    int size,
    Version version,
    boolean ipv6,
    Password password,
    long interval,
    long delayMax,
    long jitterMax,
    boolean preemptAll,
    boolean tied,
    boolean late) {
  private static final long MS = 1_000_000L;

  /** Last bytes of addresses: as signed bytes they have another order. */
  private static final int[] HOSTS = {1, 100, 127, 128, 200};

  static SimulationSettings draw(long seed, SplittableRandom random) {
    boolean v2 = random.nextInt(3) == 0;
    long[] intervals =
        v2
            ? new long[] {1_000 * MS, 2_000 * MS}
            : new long[] {10 * MS, 50 * MS, 200 * MS, 1_000 * MS, 5_000 * MS};
    long interval = intervals[random.nextInt(intervals.length)];
    var password =
        v2 && random.nextBoolean()
            ? new Password("s3cret".getBytes(StandardCharsets.US_ASCII))
            : null;
    return new SimulationSettings(
        random.nextInt(2, 6),
        v2 ? Version.V2 : Version.V3,
        !v2 && random.nextInt(3) == 0,
        password,
        interval,
        random.nextLong(50_000, interval / 5),
        Math.min(20 * MS, interval / 20),
        random.nextBoolean(),
        random.nextBoolean(),
        // No draw: it came later, and simulations of even seeds stay what they were.
        seed % 2 != 0);
  }

  /** Not drawn, so that the seeds of old stay what they were. */
  LeasePolicy leasePolicy() {
    return interval >= 1_000 * MS && delayMax % 2 == 0
        ? LeasePolicy.Exclusive
        : LeasePolicy.Overlap;
  }

  /** Time that an exclusive claim gives the lower master, once that one has just begun. */
  long claim() {
    return leasePolicy() == LeasePolicy.Exclusive ? 100 * MS : 0;
  }

  InetAddress source(int node) {
    return InetAddress.ofLiteral(
        ipv6 ? "fe80::%x:0:0:1".formatted(HOSTS[node] << 8) : "10.9.0." + HOSTS[node]);
  }

  InetAddress group() {
    return InetAddress.ofLiteral(ipv6 ? "ff02::12" : "224.0.0.18");
  }

  List<InetAddress> addresses() {
    var addresses = new ArrayList<InetAddress>();
    addresses.add(InetAddress.ofLiteral(ipv6 ? "fe80::61" : "10.9.0.60"));
    addresses.add(InetAddress.ofLiteral(ipv6 ? "2001:db8:9::100" : "203.0.113.10"));
    return addresses;
  }

  int priority(SplittableRandom random) {
    int[] priorities = tied ? new int[] {100, 100, 150} : new int[] {1, 50, 99, 100, 150, 254, 255};
    return priorities[random.nextInt(priorities.length)];
  }

  VirtualRouterConfig config(SplittableRandom random) {
    return withPreemption(
        Routers.config(version, interval, true, 0, random.nextInt(4) == 0, leasePolicy()), random);
  }

  VirtualRouterConfig withPreemption(VirtualRouterConfig config, SplittableRandom random) {
    if (preemptAll) {
      return config;
    }
    long delay = random.nextInt(3) == 0 ? random.nextInt(1, 6) * interval : 0;
    return Routers.withPreempt(config, random.nextInt(3) > 0, delay);
  }

  /** The usual interval, or twice that. */
  long otherInterval(SplittableRandom random) {
    return random.nextBoolean() ? interval : 2 * interval;
  }

  long intervalMax() {
    return 2 * interval;
  }

  long preemptDelayMax() {
    return preemptAll ? 0 : 5 * interval;
  }

  /** Nodes' clocks are up to 1 % fast or slow. */
  int clockPpm(SplittableRandom random) {
    return random.nextInt(-10_000, 10_001);
  }
}
