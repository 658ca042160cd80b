package dev.virtualip.vip;

import dev.virtualip.crds.values.Trust;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;

/**
 * A client that asks a URL every 10 ms, each time by a connection of its own, for a second at most.
 * Statuses of 200 to 399 are good answers.
 */
final class Probe {
  static final Duration PERIOD = Duration.ofMillis(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(1);

  /** Twice as many as end within their timeout: then the machine is too slow to measure. */
  private static final int IN_FLIGHT_MAX = 2 * (int) TIMEOUT.dividedBy(PERIOD);

  private final URL url;
  private final SSLContext trusting;
  private final ConcurrentLinkedQueue<Sample> samples = new ConcurrentLinkedQueue<>();
  private final Semaphore slots = new Semaphore(IN_FLIGHT_MAX);
  private final Semaphore ended = new Semaphore(0);
  private final Thread sender = Thread.ofPlatform().daemon().name("probe").unstarted(this::send);

  /**
   * A request.
   *
   * @param begin {@link System#nanoTime} when it began
   * @param error null if it had a good answer
   */
  record Sample(long begin, String error) {
    boolean good() {
      return error == null;
    }
  }

  private Probe(URI url, boolean insecure) throws IOException {
    this.url = url.toURL();
    this.trusting = insecure ? trustingAll() : null;
  }

  /**
   * Begins to ask.
   *
   * @param url http or https
   * @param insecure whether any certificate is good, as an address has none as a rule
   */
  static Probe start(URI url, boolean insecure) throws IOException {
    var probe = new Probe(url, insecure);
    probe.sender.start();
    return probe;
  }

  /** A mark on the time axis of the requests. */
  long mark() {
    return System.nanoTime();
  }

  /** Waits until so many more requests have ended, in whatever way. */
  void awaitEnded(int count) throws InterruptedException {
    ended.drainPermits();
    ended.acquire(count);
  }

  /** All requests that have ended, in the order of their beginnings. */
  List<Sample> samples() {
    return samples.stream().sorted(Comparator.comparingLong(Sample::begin)).toList();
  }

  /**
   * The longest time between the beginnings of two neighbouring good requests, of which the later
   * one began after {@code from} and the earlier one before {@code to}; zero without any.
   */
  static Duration longestGap(List<Sample> samples, long from, long to) {
    long longest = 0;
    Sample before = null;
    for (var sample : samples) {
      if (sample.good()) {
        if (before != null && sample.begin() - from > 0 && before.begin() - to < 0) {
          longest = Math.max(longest, sample.begin() - before.begin());
        }
        before = sample;
      }
    }
    return Duration.ofNanos(longest);
  }

  private void send() {
    long start = System.nanoTime();
    for (long at = 0; !Thread.currentThread().isInterrupted(); at += PERIOD.toNanos()) {
      long wait = start + at - System.nanoTime();
      if (wait > 0) {
        LockSupport.parkNanos(wait);
      }
      try {
        slots.acquire();
      } catch (InterruptedException _) {
        return;
      }
      Thread.ofVirtual().start(this::ask);
    }
  }

  private void ask() {
    long begin = System.nanoTime();
    String error;
    try {
      error = error();
    } catch (IOException | RuntimeException e) {
      error = e.getMessage() == null ? e.toString() : e.getMessage();
    }
    samples.add(new Sample(begin, error));
    slots.release();
    ended.release();
  }

  private String error() throws IOException {
    var connection = (HttpURLConnection) url.openConnection();
    connection.setConnectTimeout((int) TIMEOUT.toMillis());
    connection.setReadTimeout((int) TIMEOUT.toMillis());
    connection.setInstanceFollowRedirects(false);
    connection.setUseCaches(false);
    connection.setRequestProperty("Connection", "close");
    if (connection instanceof HttpsURLConnection https && trusting != null) {
      https.setSSLSocketFactory(trusting.getSocketFactory());
      https.setHostnameVerifier((_, _) -> true);
    }
    try {
      int status = connection.getResponseCode();
      return status >= 200 && status < 400 ? null : "HTTP status " + status;
    } finally {
      connection.disconnect();
    }
  }

  /** It is about an answer, not about who gives it. */
  private static SSLContext trustingAll() {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(null, Trust.anybody(), new SecureRandom());
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Ends, once the requests under way have ended. */
  void end() throws InterruptedException {
    sender.interrupt();
    sender.join();
    if (!slots.tryAcquire(IN_FLIGHT_MAX, 3 * TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new IllegalStateException("requests do not end: is this machine too busy to measure?");
    }
  }
}
