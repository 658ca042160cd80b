package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
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

  @Test
  void whoHasNoAnswerMayBeInterrupted() {
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> pinger.ping(InetAddress.ofLiteral("127.0.0.1")));
  }

  /** The kernel sends no broadcast that was not asked for: it leaves the node never. */
  @Test
  void whatCannotBeSentIsAnError() {
    assertThrows(IOException.class, () -> pinger.ping(InetAddress.ofLiteral("127.255.255.255")));
  }
}
