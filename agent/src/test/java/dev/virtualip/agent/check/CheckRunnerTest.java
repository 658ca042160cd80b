package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.virtualip.agent.Await;
import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.crds.schema.HealthCheck;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CheckRunnerTest {
  private static final InetAddress LOCAL = InetAddress.ofLiteral("127.0.0.1");

  private final List<CheckState> told = new CopyOnWriteArrayList<>();

  private static HealthCheck check(String yaml) {
    return Serialization.unmarshal("---\n" + yaml, HealthCheck.class).at("127.0.0.1", null);
  }

  private static HealthCheck http(String name, int port, String interval, String timeout) {
    return check(
        "{name: %s, http: {port: %d}, interval: %s, timeout: %s}"
            .formatted(name, port, interval, timeout));
  }

  private static HealthCheck tcp(int port) {
    return check("{name: t, tcp: {port: %d}, interval: 50ms}".formatted(port));
  }

  private static HealthCheck pod() {
    return check(
        "{name: p, interval: 50ms,"
            + " pod: {namespace: ingress-nginx, selector: {matchLabels: {app: x}}}}");
  }

  private CheckRunner start(PodReadiness pods, HealthCheck... checks) {
    return start(told::add, pods, checks);
  }

  private static CheckRunner start(
      CheckRunner.Listener listener, PodReadiness pods, HealthCheck... checks) {
    return CheckRunner.start(
        Stream.of(checks).map(ScheduledCheck::ofNode).toList(),
        new CheckMeans(pods, null, null, null, null),
        listener);
  }

  private static CheckState state(String name, Verdict verdict, String detail) {
    return new CheckState(name, 0, false, verdict, detail);
  }

  private void awaitTold(CheckState... states) {
    Await.until(() -> told.equals(List.of(states)), () -> told);
  }

  /** Answers every request with the status that the reference holds. */
  private static HttpServer server(int port, AtomicInteger status, AtomicInteger connections)
      throws IOException {
    var server = HttpServer.create(new InetSocketAddress(LOCAL, port), 0);
    server.createContext(
        "/",
        exchange -> {
          connections.incrementAndGet();
          exchange.getResponseHeaders().add("Location", "/elsewhere");
          exchange.sendResponseHeaders(status.get(), -1);
          exchange.close();
        });
    server.start();
    return server;
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, LOCAL)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void anHttpCheckFollowsTheServer() throws IOException {
    var status = new AtomicInteger(200);
    var requests = new AtomicInteger();
    int port = freePort();
    var server = server(port, status, requests);
    try (var _ = start(null, http("h", port, "50ms", "1s"))) {
      var good = state("h", Verdict.Good, "");
      awaitTold(good);
      status.set(503);
      var unavailable = state("h", Verdict.Failed, "503 expected 200-399");
      awaitTold(good, unavailable);
      status.set(301);
      awaitTold(good, unavailable, good);
      server.stop(0);
      var refused = state("h", Verdict.Failed, "connect refused 127.0.0.1:" + port);
      awaitTold(good, unavailable, good, refused);
      server = server(port, status, requests);
      awaitTold(good, unavailable, good, refused, good);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aHungCheckTimesOutAndDelaysNoOther() throws IOException {
    var requests = new AtomicInteger();
    var server = server(0, new AtomicInteger(204), requests);
    try (var hung = new ServerSocket(0, 50, LOCAL)) {
      var slow = http("slow", hung.getLocalPort(), "100ms", "100ms");
      var fast = http("fast", server.getAddress().getPort(), "50ms", "1s");
      long start = System.nanoTime();
      try (var _ = start(null, slow, fast)) {
        Await.until(() -> told.size() == 2, () -> told);
        assertTrue(told.contains(state("slow", Verdict.Failed, "timeout after 1s")));
        assertTrue(told.contains(state("fast", Verdict.Good, "")));
        Await.until(() -> requests.get() >= 20, requests::get);
      }
      // 20 requests at 50 ms take 1 s, with the timeouts of the other added it would be 3 s.
      assertTrue(System.nanoTime() - start < 2_500_000_000L);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aServerThatDripsIsTimedOutAsAWhole() throws IOException {
    try (var listener = new ServerSocket(0, 50, LOCAL)) {
      Thread.ofVirtual().start(() -> drip(listener));
      var check = http("d", listener.getLocalPort(), "1h", "300ms");
      try (var _ = start(null, check)) {
        awaitTold(state("d", Verdict.Failed, "timeout after 1s"));
      }
    }
  }

  private static void drip(ServerSocket listener) {
    try (var socket = listener.accept()) {
      for (var letter :
          ("HTTP/1.1 200 OK\r\nX: " + "y".repeat(40)).getBytes(StandardCharsets.US_ASCII)) {
        socket.getOutputStream().write(letter);
        socket.getOutputStream().flush();
        LockSupport.parkNanos(50_000_000);
      }
    } catch (IOException _) {
      // The check has hung up, as it should.
    }
  }

  @Test
  void aConnectThatIsNeverAnsweredTimesOut() throws IOException {
    var fillers = new ArrayList<Socket>();
    try (var full = new ServerSocket(0, 1, LOCAL)) {
      for (int i = 0; i < 2; i++) {
        fillers.add(new Socket(LOCAL, full.getLocalPort()));
      }
      // The queue of one is full now: the kernel drops further connects.
      try (var _ = start(null, tcp(full.getLocalPort()))) {
        awaitTold(state("t", Verdict.Failed, "timeout after 1s"));
      }
    } finally {
      for (var filler : fillers) {
        filler.close();
      }
    }
  }

  @Test
  void aTcpCheckFollowsTheListener() throws IOException {
    int port = freePort();
    try (var _ = start(null, tcp(port))) {
      var refused = state("t", Verdict.Failed, "connect refused 127.0.0.1:" + port);
      awaitTold(refused);
      try (var _ = new ServerSocket(port, 50, LOCAL)) {
        awaitTold(refused, state("t", Verdict.Good, ""));
      }
    }
  }

  @Test
  void aPodCheckWaitsForTheFirstAnswer() {
    var ready = new AtomicReference<>(Optional.<Readiness>empty());
    var asked = new AtomicInteger();
    PodReadiness pods =
        (namespace, selector) -> {
          asked.incrementAndGet();
          return ready.get();
        };
    try (var _ = start(pods, pod())) {
      Await.until(() -> asked.get() > 2, asked::get);
      assertEquals(List.of(), told);
      ready.set(Optional.of(Readiness.None));
      var none = state("p", Verdict.Failed, "no Ready pod in ingress-nginx matches app=x");
      awaitTold(none);
      ready.set(Optional.of(Readiness.Ready));
      awaitTold(none, state("p", Verdict.Good, ""));
    }
  }

  @Test
  void aPodThatIsBeingDeletedIsToldBeforeItIsGone() {
    var ready = new AtomicReference<>(Optional.of(Readiness.Ready));
    try (var _ = start((_, _) -> ready.get(), pod())) {
      var good = state("p", Verdict.Good, "");
      awaitTold(good);
      ready.set(Optional.of(Readiness.Terminating));
      var leaving =
          state(
              "p",
              Verdict.Leaving,
              "each Ready pod in ingress-nginx that matches app=x is being deleted");
      awaitTold(good, leaving);
      ready.set(Optional.of(Readiness.None));
      awaitTold(
          good, leaving, state("p", Verdict.Failed, "no Ready pod in ingress-nginx matches app=x"));
    }
  }

  @Test
  void aPodCheckFailsWithoutApiServer() {
    try (var _ = start(null, pod())) {
      awaitTold(state("p", Verdict.Failed, "pod checks need the API server"));
    }
  }

  @Test
  void anInitialVerdictHoldsUntilResultsSpeakAgainstIt() throws IOException {
    var status = new AtomicInteger(503);
    var requests = new AtomicInteger();
    var server = server(0, status, requests);
    var check =
        check(
            "{name: i, http: {port: %d}, interval: 50ms, timeout: 5s, initial: Failed, rise: 3}"
                .formatted(server.getAddress().getPort()));
    try (var _ = start(null, check)) {
      awaitTold(state("i", Verdict.Failed, "503 expected 200-399"));
      int failed = requests.get();
      status.set(200);
      Await.until(() -> told.size() == 2, () -> told);
      assertTrue(requests.get() >= failed + 3, requests::toString);
    } finally {
      server.stop(0);
    }
  }

  /** keepalived: retry and delay_before_retry. */
  @Test
  void afterAFailureThatDoesNotDecideItAsksAgainSooner() throws IOException {
    int port = freePort();
    var check =
        check(
            "{name: r, tcp: {port: %d}, interval: 1h, fall: 3, retryInterval: 50ms, initial: Good}"
                .formatted(port));
    try (var _ = start(null, check)) {
      awaitTold(
          state("r", Verdict.Good, ""),
          state("r", Verdict.Failed, "connect refused 127.0.0.1:" + port));
    }
  }

  @Test
  void aFailureThatChangesItsFaceAllTheTimeIsToldSeldom() throws IOException {
    var status = new AtomicInteger(500);
    var requests = new AtomicInteger();
    var server = server(0, status, requests);
    try (var _ = start(null, http("c", server.getAddress().getPort(), "50ms", "1s"))) {
      for (int i = 1; i <= 10; i++) {
        int seen = i;
        Await.until(() -> requests.get() >= seen, requests::get);
        status.set(500 + i);
      }
      assertTrue(told.size() <= 2, told::toString);
      status.set(200);
      Await.until(() -> told.getLast().verdict() == Verdict.Good, () -> told);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void everyRunIsTold() throws IOException {
    var runs = new CopyOnWriteArrayList<String>();
    var listener =
        new CheckRunner.Listener() {
          @Override
          public void changed(CheckState state) {}

          @Override
          public void ran(String check, boolean good, Duration took) {
            assertTrue(took.isPositive());
            runs.add(check + " " + good);
          }
        };
    try (var _ = start(listener, null, tcp(freePort()))) {
      Await.until(() -> runs.size() > 2, () -> runs);
    }
    assertEquals(Set.of("t false"), Set.copyOf(runs));
  }

  /** The event loop closes checks, and they wait for it while its queue is full. */
  @Test
  void whoeverChecksWaitToTellMayCloseThem() throws InterruptedException {
    var tells = new CountDownLatch(1);
    var never = new CountDownLatch(1);
    var runner =
        start(
            _ -> {
              tells.countDown();
              try {
                never.await();
              } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
              }
            },
            null,
            pod());
    tells.await();
    assertTimeoutPreemptively(Duration.ofSeconds(10), runner::close);
  }

  @Test
  void nothingIsToldAfterClose() {
    var late = new AtomicInteger();
    for (int i = 0; i < 100; i++) {
      var closed = new AtomicBoolean();
      var runner = start(_ -> late.addAndGet(closed.get() ? 1 : 0), null, pod(), tcp(1));
      LockSupport.parkNanos(i * 50_000L);
      long start = System.nanoTime();
      runner.close();
      closed.set(true);
      assertTrue(System.nanoTime() - start < 1_000_000_000L);
    }
    assertEquals(0, late.get());
  }

  @Test
  void aDefectInWhatCountsKeepsNoVerdictBack() {
    var ready = new AtomicReference<>(Optional.of(Readiness.Ready));
    var runs = new AtomicInteger();
    var listener =
        new CheckRunner.Listener() {
          @Override
          public void changed(CheckState state) {
            told.add(state);
            throw new AssertionError("on purpose");
          }

          @Override
          public void ran(String check, boolean good, Duration took) {
            runs.incrementAndGet();
            throw new AssertionError("on purpose");
          }
        };
    PodReadiness pods = (_, _) -> ready.get();
    try (var _ = start(listener, pods, pod())) {
      Await.until(() -> told.size() == 1, () -> told);
      ready.set(Optional.of(Readiness.None));
      Await.until(() -> told.size() == 2, () -> told);
      assertTrue(runs.get() >= 2);
    }
  }

  @Test
  void aDefectInACheckIsItsFailure() {
    PodReadiness pods =
        (_, _) -> {
          throw new AssertionError("on purpose");
        };
    try (var _ = start(pods, pod())) {
      Await.until(() -> !told.isEmpty(), () -> told);
      assertEquals("java.lang.AssertionError: on purpose", told.getFirst().detail());
    }
  }
}
