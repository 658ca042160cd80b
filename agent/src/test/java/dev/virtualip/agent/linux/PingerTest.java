package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ICMP by the kernel of this machine, on loopback. */
class PingerTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private final Pinger pinger = new Pinger();

  @BeforeAll
  static void mayOpenRawSockets() {
    try {
      Libc.close(Libc.socket(Libc.AF_INET, Libc.SOCK_RAW, 1));
    } catch (ErrnoException e) {
      assumeTrue(false, "SKIPPED: needs NET_RAW: " + e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "127.0.0.7", "::1"})
  void aHostThatIsThereAnswers(String address) {
    assertTimeoutPreemptively(LIMIT, () -> pinger.ping(InetAddress.ofLiteral(address)));
  }

  @Test
  void manyMayAskAtOnce() throws InterruptedException {
    var answered = new AtomicInteger();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < 100; i++) {
      var address = InetAddress.ofLiteral("127.0.1." + i);
      threads.add(
          Thread.startVirtualThread(
              () -> {
                try {
                  pinger.ping(address);
                  answered.incrementAndGet();
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              }));
    }
    for (var thread : threads) {
      assertTrue(thread.join(LIMIT), answered::toString);
    }
    assertTrue(answered.get() == 100, answered::toString);
  }

  /** Nobody has this address (RFC 5737). */
  @Test
  void aHostThatIsNotThereDoesNot() throws InterruptedException {
    var answered = new AtomicInteger();
    var thread =
        Thread.startVirtualThread(
            () -> {
              try {
                pinger.ping(InetAddress.ofLiteral("192.0.2.1"));
                answered.incrementAndGet();
              } catch (Exception _) {
                // Not sent, or interrupted.
              }
            });
    assertFalse(thread.join(Duration.ofMillis(200)) && answered.get() > 0);
    thread.interrupt();
    assertTrue(thread.join(LIMIT));
  }
}
