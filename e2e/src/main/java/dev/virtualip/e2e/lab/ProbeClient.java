package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;

/**
 * A client that sends one HTTP GET per period, each on a connection of its own and with a timeout
 * of 1 s. It prints a line per request: start in microseconds since the epoch, {@code ok} or {@code
 * fail}, milliseconds taken, and the body or the error.
 *
 * <p>Arguments: URL (with an address as host), the seconds after which it ends by itself, and the
 * period in milliseconds.
 */
public final class ProbeClient {
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static final int ANSWER_BYTES_MAX = 4096;

  private final InetSocketAddress server;
  private final byte[] request;
  private final Duration period;
  private final int inFlightMax;
  private final Semaphore slots;

  private ProbeClient(URI url, Duration period) {
    this.period = period;
    // Requests end within their timeout; twice that many at once means a machine too slow to
    // measure.
    inFlightMax = 2 * (int) TIMEOUT.dividedBy(period);
    slots = new Semaphore(inFlightMax);
    String host = url.getHost().replaceAll("[\\[\\]]", "");
    server =
        new InetSocketAddress(
            InetAddress.ofLiteral(host), url.getPort() == -1 ? 80 : url.getPort());
    request =
        "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n"
            .formatted(url.getPath().isEmpty() ? "/" : url.getPath(), url.getHost())
            .getBytes(StandardCharsets.US_ASCII);
  }

  /** See the type. */
  public static void main(String[] args) throws InterruptedException {
    new ProbeClient(URI.create(args[0]), Duration.ofMillis(Long.parseLong(args[2])))
        .run(Duration.ofSeconds(Long.parseLong(args[1])));
  }

  private void run(Duration duration) throws InterruptedException {
    long startNanos = System.nanoTime();
    for (long at = 0; at < duration.toNanos(); at += period.toNanos()) {
      long waitNanos = startNanos + at - System.nanoTime();
      if (waitNanos > 0) {
        LockSupport.parkNanos(waitNanos);
      }
      slots.acquire();
      Thread.ofVirtual().start(this::probe);
    }
    slots.acquire(inFlightMax);
  }

  private void probe() {
    long startMicros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    long startNanos = System.nanoTime();
    String line;
    try {
      line = "ok %d " + get(startNanos + TIMEOUT.toNanos());
    } catch (IOException e) {
      line = "fail %d " + e.getMessage();
    }
    long tookMillis = (System.nanoTime() - startNanos) / 1_000_000;
    String text = line.replaceAll("\\s+", " ").replaceFirst("%d", Long.toString(tookMillis));
    synchronized (System.out) {
      System.out.println(startMicros + " " + text);
      System.out.flush();
    }
    slots.release();
  }

  private String get(long endNanos) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(server, millisUntil(endNanos));
      socket.getOutputStream().write(request);
      byte[] answer = new byte[ANSWER_BYTES_MAX];
      int length = 0;
      while (length < answer.length) {
        socket.setSoTimeout(millisUntil(endNanos));
        int n = socket.getInputStream().read(answer, length, answer.length - length);
        if (n < 0) {
          break;
        }
        length += n;
      }
      return body(new String(answer, 0, length, StandardCharsets.US_ASCII));
    }
  }

  private static String body(String answer) throws IOException {
    int end = answer.indexOf("\r\n\r\n");
    if (end < 0 || !answer.matches("(?s)HTTP/1\\.[01] 200 .*")) {
      throw new IOException("answer: " + answer.lines().findFirst().orElse("none"));
    }
    return answer.substring(end + 4).strip();
  }

  private static int millisUntil(long endNanos) throws SocketTimeoutException {
    long millis = (endNanos - System.nanoTime()) / 1_000_000;
    if (millis <= 0) {
      throw new SocketTimeoutException("timed out");
    }
    return (int) millis;
  }
}
