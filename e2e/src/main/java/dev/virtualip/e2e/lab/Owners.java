package dev.virtualip.e2e.lab;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Records which host has which address, and since when. The source are the kernel's reports, as
 * {@code ip monitor} on each host prints them, with the microsecond of their arrival.
 */
public final class Owners implements AutoCloseable {
  private static final Pattern LINE =
      Pattern.compile("\\[(\\S+)] (Deleted )?\\d+: \\S+ +inet6? ([0-9a-f.:]+)/.*");
  // A documentation address that is put on lo once, to find out when the monitor listens.
  private static final String MARK = "192.0.2.254";
  private static final Duration SOON = Duration.ofSeconds(60);

  /** An address came to a host, or left it. */
  public record Change(Instant time, String host, String address, boolean there) {}

  private final Map<Host, Proc> monitors = new LinkedHashMap<>();
  private final Map<Host, OutputLines> lines = new LinkedHashMap<>();
  private final Map<String, Set<String>> now = new LinkedHashMap<>();
  private final List<Change> changes = new ArrayList<>();

  private Owners() {}

  /** Begins to watch hosts that have no virtual address yet; returns when all monitors listen. */
  public static Owners watch(List<Host> hosts) {
    var owners = new Owners();
    for (var host : hosts) {
      var monitor =
          host.start("owners", Map.of("TZ", "UTC"), "ip", "-tshort", "monitor", "address");
      owners.monitors.put(host, monitor);
      owners.lines.put(host, new OutputLines(monitor));
      owners.now.put(host.name(), new HashSet<>());
      Await.until("ip monitor listens on " + host, SOON, () -> owners.seesMark(host));
      host.ip("addr del " + MARK + "/32 dev lo");
    }
    Await.until("no mark", SOON, () -> owners.of(MARK).isEmpty());
    owners.forget();
    return owners;
  }

  private boolean seesMark(Host host) {
    host.ip("addr replace " + MARK + "/32 dev lo");
    return of(MARK).contains(host.name());
  }

  /** Names of the hosts that have an address now. */
  public synchronized Set<String> of(String address) {
    read();
    var holders = new HashSet<String>();
    now.forEach(
        (host, addresses) -> {
          if (addresses.contains(address)) {
            holders.add(host);
          }
        });
    return holders;
  }

  /** Whether a host has all of these addresses now. */
  public synchronized boolean hasAll(Host host, Collection<String> addresses) {
    read();
    return now.get(host.name()).containsAll(addresses);
  }

  /** Whether a host has none of these addresses now. */
  public synchronized boolean hasNone(Host host, Collection<String> addresses) {
    read();
    return addresses.stream().noneMatch(now.get(host.name())::contains);
  }

  /** All changes since {@link #forget}, in order, without renewals. */
  public synchronized List<Change> changes() {
    read();
    changes.sort(Comparator.comparing(Change::time));
    return List.copyOf(changes);
  }

  /** Drops the changes so far. */
  public synchronized void forget() {
    read();
    changes.clear();
  }

  /**
   * Makes sure that no report was lost, by a comparison with the kernel's present addresses.
   *
   * @throws AssertionError if they differ for good
   */
  public void compareWithKernel(Collection<String> addresses) {
    for (var host : monitors.keySet()) {
      Await.until(
          "what ip monitor told is what is on " + host,
          SOON,
          () -> {
            var there = host.ip("-o addr show");
            return addresses.stream()
                .allMatch(a -> there.contains(" " + a + "/") == of(a).contains(host.name()));
          });
    }
  }

  private void read() {
    lines.forEach((host, output) -> output.fresh().forEach(line -> take(line, host.name())));
  }

  private void take(String line, String host) {
    var matcher = LINE.matcher(line);
    if (!matcher.matches()) {
      return;
    }
    var address = matcher.group(3);
    boolean there = matcher.group(2) == null;
    var addresses = now.get(host);
    if (there ? addresses.add(address) : addresses.remove(address)) {
      var time = LocalDateTime.parse(matcher.group(1)).toInstant(ZoneOffset.UTC);
      changes.add(new Change(time, host, address, there));
    }
  }

  @Override
  public void close() {
    monitors.values().forEach(Proc::close);
  }
}
