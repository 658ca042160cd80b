package dev.virtualip.e2e.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/** A {@link ProbeClient} on a host, and its results for a URL from its start on. */
public final class Probe implements AutoCloseable {
  private static final Duration LIFE_MAX = Duration.ofMinutes(30);
  private static final Duration PERIOD = Duration.ofMillis(10);
  // A longer time between two successes means that a request between them was lost or late.
  private static final Duration OUTAGE_MIN = PERIOD.multipliedBy(5);

  /**
   * One request.
   *
   * @param start when it began, which is its time in all methods here
   * @param answer the body, which is the answering host's name, or the error
   */
  public record Sample(Instant start, boolean ok, Duration took, String answer)
      implements Comparable<Sample> {
    private static final Comparator<Sample> ORDER =
        Comparator.comparing(Sample::start).thenComparing(Sample::answer);

    @Override
    public int compareTo(Sample other) {
      return ORDER.compare(this, other);
    }
  }

  /** Time without a success: from the start of the last one to the start of the next one. */
  public record Outage(Instant from, Instant to) {
    public Duration duration() {
      return Duration.between(from, to);
    }
  }

  private final Proc client;
  private final OutputLines lines;
  private final TreeSet<Sample> samples = new TreeSet<>();

  private Probe(Proc client) {
    this.client = client;
    lines = new OutputLines(client);
  }

  /**
   * Starts a client on {@code host} with a request every 10 ms. See {@link #start(Host, String,
   * Duration)}.
   */
  public static Probe start(Host host, String url) {
    return start(host, url, PERIOD);
  }

  /**
   * Starts a client on {@code host}; returns when the first request has succeeded or failed.
   *
   * @param url URL with an address, not a name, as host
   * @param period time from request to request, 1 ms or more
   */
  public static Probe start(Host host, String url, Duration period) {
    // A small JVM of its own on the client's host, with only this class's folder or jar.
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classes =
        ProbeClient.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    Proc client =
        host.start(
            "probe-" + url.replaceAll("[^0-9a-zA-Z.]+", "-"),
            java,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-Xms32m",
            "-Xmx64m",
            "-cp",
            classes,
            ProbeClient.class.getName(),
            url,
            Long.toString(LIFE_MAX.toSeconds()),
            Long.toString(period.toMillis()));
    client.awaitOutput("^[0-9]+ (ok|fail) ", Duration.ofSeconds(10));
    return new Probe(client);
  }

  /** All requests that have ended, by start. */
  public synchronized List<Sample> samples() {
    read();
    return List.copyOf(samples);
  }

  /** The outages of at least 50 ms since a time; the last one may still go on. */
  public List<Outage> outages(Instant since) {
    return gaps(since, Instant.MAX).stream()
        .filter(gap -> gap.duration().compareTo(OUTAGE_MIN) >= 0)
        .toList();
  }

  /**
   * The longest time between two neighbouring successes of which one at least lies between {@code
   * from} and {@code to}. Call it more than a second after {@code to}, since requests take up to
   * that long.
   */
  public Duration longestOutage(Instant from, Instant to) {
    return gaps(from, to).stream()
        .map(Outage::duration)
        .max(Comparator.naturalOrder())
        .orElse(Duration.between(from, to));
  }

  /**
   * The longest of these times in which a request failed: where none has, the client itself had no
   * processor. Call it as {@link #longestOutage}.
   */
  public synchronized Duration longestLoss(Instant from, Instant to) {
    return gaps(from, to).stream()
        .filter(
            gap ->
                samples
                    .subSet(
                        new Sample(gap.from(), false, Duration.ZERO, ""),
                        new Sample(gap.to(), false, Duration.ZERO, ""))
                    .stream()
                    .anyMatch(sample -> !sample.ok()))
        .map(Outage::duration)
        .max(Comparator.naturalOrder())
        .orElse(Duration.ZERO);
  }

  /** The host that answered the latest successful request, or an empty text without one. */
  public String servedBy() {
    return servedBy(Instant.MAX);
  }

  /** The host that answered the latest successful request that began before {@code time}. */
  public synchronized String servedBy(Instant time) {
    read();
    for (Sample sample : samples.descendingSet()) {
      if (sample.ok() && sample.start().isBefore(time)) {
        return sample.answer();
      }
    }
    return "";
  }

  /** Waits until a request begun from now on is answered by this host. */
  public Sample awaitServedBy(String host, Duration deadline) {
    Instant since = Instant.now();
    return Await.until(
            "served by " + host,
            deadline,
            () -> samplesSince(since),
            seen -> seen.stream().anyMatch(s -> s.ok() && s.answer().equals(host)))
        .stream()
        .filter(s -> s.ok() && s.answer().equals(host))
        .findFirst()
        .orElseThrow();
  }

  /** Ends the client; what it saw stays readable. */
  @Override
  public void close() {
    client.stop();
  }

  private synchronized List<Sample> samplesSince(Instant since) {
    read();
    return List.copyOf(samples.tailSet(new Sample(since, false, Duration.ZERO, "")));
  }

  /** Neighbouring successes, those around {@code from} and {@code to} included. */
  private synchronized List<Outage> gaps(Instant from, Instant to) {
    read();
    List<Outage> gaps = new ArrayList<>();
    if (samples.isEmpty()) {
      return gaps;
    }
    Instant last = samples.first().start();
    for (Sample sample : samples) {
      if (!sample.ok()) {
        continue;
      }
      if (!sample.start().isBefore(from)) {
        gaps.add(new Outage(last, sample.start()));
      }
      last = sample.start();
      if (last.isAfter(to)) {
        return gaps;
      }
    }
    gaps.add(new Outage(last, samples.last().start()));
    return gaps;
  }

  /** Reads the client's output since the last call. */
  private void read() {
    lines.fresh().stream().filter(l -> l.matches("[0-9]+ (ok|fail) .*")).forEach(this::add);
  }

  private void add(String line) {
    String[] parts = line.split(" ", 4);
    samples.add(
        new Sample(
            Instant.EPOCH.plus(Long.parseLong(parts[0]), ChronoUnit.MICROS),
            parts[1].equals("ok"),
            Duration.ofMillis(Long.parseLong(parts[2])),
            parts[3]));
  }
}
