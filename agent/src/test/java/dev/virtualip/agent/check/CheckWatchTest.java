package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Checks of an hour's interval: whatever they notice, they notice since they watch. */
class CheckWatchTest {
  private static final InetAddress LOCAL = InetAddress.ofLiteral("127.0.0.1");

  private final List<CheckState> told = new CopyOnWriteArrayList<>();
  private final List<EarlyCause> early = new CopyOnWriteArrayList<>();
  private final AtomicInteger runs = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicReference<Optional<Readiness>> pods =
      new AtomicReference<>(Optional.of(Readiness.Ready));
  private final List<Runnable> podFollowers = new CopyOnWriteArrayList<>();
  private final AtomicReference<Runnable> exited = new AtomicReference<>();
  private boolean kernelRefuses;
  private Server server;
  private CheckRunner runner;

  /** A server that answers requests with 200, and keeps what says nothing. */
  private static final class Server implements AutoCloseable {
    final ServerSocket listener;
    final List<Socket> accepted = new CopyOnWriteArrayList<>();
    final AtomicInteger idle = new AtomicInteger();
    volatile boolean closesIdle;

    Server(int port, boolean oneByOne) throws IOException {
      listener = new ServerSocket(port, 50, LOCAL);
      Thread.ofVirtual().start(() -> serve(oneByOne));
    }

    private void serve(boolean oneByOne) {
      try {
        while (true) {
          var socket = listener.accept();
          accepted.add(socket);
          if (oneByOne) {
            answer(socket);
          } else {
            Thread.ofVirtual().start(() -> answer(socket));
          }
        }
      } catch (IOException _) {
        // The test is over.
      }
    }

    private void answer(Socket socket) {
      try (socket) {
        if (closesIdle) {
          // Who asks has asked by then.
          socket.setSoTimeout(20);
        }
        idle.incrementAndGet();
        int first = socket.getInputStream().read();
        idle.decrementAndGet();
        if (first >= 0) {
          var answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
          socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
        }
      } catch (IOException _) {
        idle.decrementAndGet();
      }
    }

    void closeAccepted() throws IOException {
      for (var socket : accepted) {
        socket.close();
      }
    }

    /** As the kernel does for a process that has been killed. */
    @Override
    public void close() throws IOException {
      listener.close();
      closeAccepted();
    }
  }

  @AfterEach
  void end() throws IOException {
    if (runner != null) {
      runner.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private void start(String check) {
    var parsed =
        Serialization.unmarshal(
                "---\n{name: c, %s%s}".formatted(check, rest(check)), HealthCheck.class)
            .at("127.0.0.1", server == null ? null : server.listener.getLocalPort());
    PodReadiness readiness =
        new PodReadiness() {
          @Override
          public Optional<Readiness> readiness(String namespace, LabelSelector selector) {
            return pods.get();
          }

          @Override
          public Runnable follow(String namespace, LabelSelector selector, Runnable changed) {
            podFollowers.add(changed);
            return () -> podFollowers.remove(changed);
          }
        };
    Exits exits =
        (_, call) -> {
          if (kernelRefuses) {
            throw new IOException("pidfd_open failed: ENOSYS");
          }
          exited.set(call);
          return () -> exited.compareAndSet(call, null);
        };
    runner =
        CheckRunner.start(
            List.of(ScheduledCheck.ofNode(parsed)),
            new CheckMeans(readiness, null, null, new IdleConnections(9), exits),
            listener());
  }

  private static String rest(String check) {
    return (check.contains("interval") ? "" : ", interval: 1h")
        + (check.contains("watch") ? "" : ", watch: true");
  }

  private CheckRunner.Listener listener() {
    return new CheckRunner.Listener() {
      @Override
      public void changed(CheckState state) {
        told.add(state);
      }

      @Override
      public void ran(String check, boolean good, Duration took) {
        runs.incrementAndGet();
        failures.addAndGet(good ? 0 : 1);
      }

      @Override
      public void early(String check, EarlyCause cause) {
        early.add(cause);
      }
    };
  }

  private void serve(boolean oneByOne) throws IOException {
    server = new Server(0, oneByOne);
  }

  private void awaitVerdict(Verdict verdict) {
    Await.until(() -> !told.isEmpty() && told.getLast().verdict() == verdict, () -> told);
  }

  /** Waits for a connection that is held, after those of so many checks and earlier ones. */
  private void awaitHeldAfter(int connections) {
    Await.until(() -> server.accepted.size() > connections, server.accepted::size);
    awaitIdle(1);
  }

  private void awaitIdle(int connections) {
    Await.until(() -> server.idle.get() == connections, server.idle::get);
  }

  @Test
  void aKilledServerIsSeenAtOnce() throws IOException {
    serve(false);
    start("http: {}");
    awaitHeldAfter(1);
    server.close();
    awaitVerdict(Verdict.Failed);
    assertEquals(EarlyCause.ConnectionEnded, early.getFirst());
    assertEquals(1, failures.get());
  }

  @Test
  void failuresAreRepeatedQuicklyUntilFallIsReached() throws IOException {
    serve(false);
    start("tcp: {}, fall: 5");
    awaitHeldAfter(1);
    server.close();
    awaitVerdict(Verdict.Failed);
    assertEquals(5, failures.get());
    assertEquals(EarlyCause.ConnectionEnded, early.getFirst());
    assertEquals(EarlyCause.Repeated, early.getLast());
  }

  @Test
  void aReloadCostsACheckAndMovesNothing() throws IOException {
    serve(false);
    start("http: {}");
    awaitHeldAfter(1);
    server.closeAccepted();
    // It ended soon after it was opened, so there are two checks before it is held anew.
    awaitHeldAfter(4);
    assertEquals(1, told.size());
    // What is held now is watched as well.
    server.close();
    awaitVerdict(Verdict.Failed);
  }

  @Test
  void aServerThatClosesEveryConnectionIsAskedLittle() throws IOException {
    serve(false);
    server.closesIdle = true;
    long begun = System.nanoTime();
    start("http: {}");
    // The n-th connection is opened 2^(n-1) times 10 ms after the end of the one before.
    Await.until(() -> runs.get() >= 13, runs::get);
    long millis = (System.nanoTime() - begun) / 1_000_000;
    assertTrue(millis >= (1 + 2 + 4 + 8 + 16) * 10, millis + " ms");
    assertEquals(1, told.size());
    assertEquals(runs.get() - 1, early.size());
  }

  @Test
  void aServerOfOneConnectionAtATimeIsNotWatched() throws IOException {
    serve(true);
    start("http: {}, interval: 50ms, timeout: 300ms");
    Await.until(() -> runs.get() >= 10, runs::get);
    assertEquals(1, told.size(), told::toString);
    awaitIdle(0);
  }

  @Test
  void aFailedServerIsNotWatched() throws IOException {
    serve(false);
    start("http: {statuses: '500'}");
    awaitVerdict(Verdict.Failed);
    awaitIdle(0);
    assertEquals(1, server.accepted.size());
  }

  @Test
  void watchFalseHoldsNothing() throws IOException {
    serve(false);
    start("http: {}, watch: false, interval: 50ms");
    Await.until(() -> runs.get() >= 3, runs::get);
    assertEquals(List.of(), early);
    runner.close();
    awaitIdle(0);
    assertTrue(server.accepted.size() <= runs.get() + 1);
  }

  @Test
  void theEndOfACheckLetsTheConnectionGo() throws IOException {
    serve(false);
    start("tcp: {}");
    awaitHeldAfter(1);
    runner.close();
    awaitIdle(0);
  }

  @Test
  void anExitIsSeenAtOnceAndTheCheckDecides() {
    start("process: {name: %s}".formatted(ownName()));
    Await.until(() -> exited.get() != null, () -> told);
    var first = exited.get();
    first.run();
    Await.until(() -> runs.get() == 2, runs::get);
    // Another of that name runs: nothing has happened, and it is watched.
    Await.until(() -> exited.get() != null && exited.get() != first, () -> told);
    assertEquals(List.of(Verdict.Good), told.stream().map(CheckState::verdict).toList());
    assertEquals(EarlyCause.ProcessExited, early.getFirst());
  }

  @Test
  void whereTheKernelRefusesAProcessIsLookedForAtEachInterval() {
    kernelRefuses = true;
    start("process: {name: %s}, interval: 50ms".formatted(ownName()));
    Await.until(() -> runs.get() >= 4, runs::get);
    assertEquals(List.of(Verdict.Good), told.stream().map(CheckState::verdict).toList());
    assertEquals(List.of(), early);
  }

  private static String ownName() {
    try {
      return Files.readString(Path.of("/proc/self/comm")).strip();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aPodsReportIsFollowedAtOnceBothWays() {
    start("pod: {namespace: n, selector: {matchLabels: {a: b}}}");
    awaitVerdict(Verdict.Good);
    for (var step : List.of(Readiness.None, Readiness.Ready, Readiness.Terminating)) {
      pods.set(Optional.of(step));
      podFollowers.forEach(Runnable::run);
      awaitVerdict(
          switch (step) {
            case None -> Verdict.Failed;
            case Ready -> Verdict.Good;
            case Terminating -> Verdict.Leaving;
          });
    }
    assertEquals(EarlyCause.PodChanged, early.getFirst());
    runner.close();
    Await.until(podFollowers::isEmpty, podFollowers::size);
  }
}
