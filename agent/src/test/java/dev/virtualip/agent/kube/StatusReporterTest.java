package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StatusReporterTest {
  private final List<String> written = new CopyOnWriteArrayList<>();
  private final List<String> patches = new CopyOnWriteArrayList<>();
  private final Map<String, VirtualIpStatus> cached = new ConcurrentHashMap<>();
  private final AtomicInteger tries = new AtomicInteger();
  private final long began = System.nanoTime();
  private volatile int answer = 200;
  private StatusReporter reporter =
      StatusReporter.start(this::write, "a", name -> Optional.ofNullable(cached.get(name)));

  private int write(String name, String json) throws IOException {
    // First the answer: who has seen the try may already set the next one.
    int code = answer;
    tries.incrementAndGet();
    if (code == 0) {
      throw new IOException("connection refused");
    }
    if (code == 200) {
      patches.add(json);
      written.add(name + " " + json.replaceAll(".*\"priority\":(\\d+).*", "$1"));
    }
    return code;
  }

  @AfterEach
  void close() {
    reporter.close(System.nanoTime() + 1_000_000_000L);
  }

  private static NodeStatus status(State state, int priority) {
    return new NodeStatus(state, priority, null, null, null, null, null, null);
  }

  private void awaitWritten(String... lines) {
    Await.until(() -> written.equals(List.of(lines)), () -> written);
  }

  @Test
  void onlyChangesAreWritten() {
    reporter.report("web", status(State.Backup, 1), false);
    awaitWritten("web 1");
    reporter.report("web", status(State.Backup, 1), false);
    reporter.report("web", status(State.Backup, 2), false);
    awaitWritten("web 1", "web 2");
  }

  /** A start goes through some states, and many VirtualIPs do so at once. */
  @Test
  void theFirstStatusWaitsForTheNextButNotThatOfAMaster() {
    reporter.report("web", status(State.Init, 1), false);
    reporter.report("other", status(State.Init, 1), false);
    reporter.report("other", status(State.Master, 2), true);
    awaitWritten("other 2");
    reporter.report("web", status(State.Backup, 2), false);
    awaitWritten("other 2", "web 2");
    assertTrue(System.nanoTime() - began > 500_000_000L, "it has waited");
  }

  private static NodeStatus serversUp(State state, int priority, int up) {
    var server = new VirtualServerStatus("http", true, up, 1, up, 0, null);
    return status(state, priority).withVirtualServers(List.of(server));
  }

  @Test
  void virtualServersAreWrittenByTheMasterAlone() {
    reporter.report("web", serversUp(State.Backup, 1, 3), false);
    awaitWritten("web 1");
    reporter.report("web", serversUp(State.Backup, 1, 2), false);
    assertEquals(0, reporter.pending());
    reporter.report("web", serversUp(State.Master, 2, 2), true);
    awaitWritten("web 1", "web 2");
  }

  @Test
  void serversThatFlapAreWrittenOnceASecondAndTheStateAtOnce() {
    reporter.report("web", serversUp(State.Master, 1, 0), true);
    awaitWritten("web 1");
    for (int up = 1; up <= 1_000; up++) {
      reporter.report("web", serversUp(State.Master, 1, up), true);
    }
    reporter.report("web", serversUp(State.Master, 2, 1_000), true);
    Await.until(() -> written.contains("web 2"), () -> written);
    assertTrue(written.size() <= 4, written::toString);
  }

  /** Forged adverts make states, reasons and speakers change as often as somebody likes. */
  @Test
  void whatFlapsWithoutEndIsWrittenAFewTimesAMinute() {
    for (int i = 1; i <= 1_000 && written.size() < 20; i++) {
      int priority = i;
      int before = written.size();
      reporter.report("web", status(State.Backup, priority), false);
      Await.until(() -> written.size() > before, () -> written);
    }
    reporter.report("web", status(State.Master, 21), true);
    reporter.report("other", status(State.Backup, 1), false);
    Await.until(() -> written.contains("other 1"), () -> written);
    assertFalse(written.contains("web 21"), "it waits for some seconds, others do not");
    Await.until(() -> written.contains("web 21"), () -> written);
  }

  /** A forged higher advert and a forged resignation make a node Backup and Master in turn. */
  @Test
  void whoIsMasterAndBackupInTurnIsWrittenAFewTimesAMinuteToo() {
    for (int i = 1; i <= 1_000 && written.size() < 20; i++) {
      int before = written.size();
      reporter.report("web", status(State.Master, i), true);
      Await.until(() -> written.size() > before, () -> written);
    }
    reporter.report("web", status(State.Backup, 99), false);
    Await.until(() -> written.contains("web 99"), () -> written);
    assertTrue(System.nanoTime() - began > 10_000_000_000L, written::toString);
  }

  @Test
  void afterAnOutageOnlyTheNewestIsWritten() {
    for (int failure : new int[] {0, 500, 429}) {
      answer = failure;
      written.clear();
      int before = tries.get();
      reporter.report("web", status(State.Backup, 0), false);
      Await.until(() -> tries.get() > before, tries::get);
      for (int i = 1; i <= failure + 5; i++) {
        reporter.report("web", status(State.Backup, i), false);
      }
      answer = 200;
      awaitWritten("web " + (failure + 5));
    }
  }

  @Test
  void aDeletedObjectIsNotTriedAgainUntilItIsBack() {
    answer = 404;
    reporter.report("web", status(State.Master, 1), true);
    reporter.report("other", status(State.Backup, 2), false);
    Await.until(() -> reporter.pending() == 0, () -> written);
    answer = 200;
    reporter.report("other", status(State.Backup, 3), false);
    awaitWritten("other 3");
    reporter.statusChanged("web");
    awaitWritten("other 3", "web 1");
  }

  @Test
  void aWrongMasterIsCorrected() {
    reporter.report("web", status(State.Master, 1), true);
    awaitWritten("web 1");
    var nodes = Map.of("a", status(State.Master, 1), "b", status(State.Master, 1));
    cached.put("web", new VirtualIpStatus(null, "a", 0, 1L, nodes, null, null, null));
    reporter.statusChanged("web");
    assertEquals(0, reporter.pending());
    cached.put("web", new VirtualIpStatus(null, null, nodes, null));
    reporter.statusChanged("web");
    awaitWritten("web 1", "web 1");
  }

  @Test
  void whoCountsAsUnknownContradictsOnceAfterEachHeartbeat() {
    reporter.report("web", status(State.Backup, 1), false);
    awaitWritten("web 1");
    var nodes = Map.of("a", status(State.Unknown, 1), "b", status(State.Master, 1));
    cached.put("web", new VirtualIpStatus(null, "b", nodes, null));
    reporter.statusChanged("web");
    assertEquals(0, reporter.pending(), "the operator has not heard of it yet");
    reporter.heartbeat();
    awaitWritten("web 1", "web 1");
    Await.until(() -> reporter.pending() == 0, reporter::pending);
    reporter.statusChanged("web");
    assertEquals(0, reporter.pending(), "the operator goes on to write it");
    reporter.heartbeat();
    awaitWritten("web 1", "web 1", "web 1");
  }

  @Test
  void aMasterThatYieldsIsNamedUntilItsSuccessorIsOrForTwoSeconds() {
    for (var successor : List.of("b", "a")) {
      written.clear();
      reporter.report("web", status(State.Master, 1), true);
      awaitWritten("web 1");
      var nodes = Map.of("a", status(State.Master, 1), "b", status(State.Backup, 1));
      cached.put("web", new VirtualIpStatus(null, "a", 1, 1L, nodes, null, null, null));
      long yielded = System.nanoTime();
      reporter.report("web", status(State.Backup, 2), false);
      Await.until(() -> written.size() == 2, () -> written);
      assertFalse(patches.getLast().contains("\"master\""), patches.getLast());
      cached.put("web", new VirtualIpStatus(null, successor, nodes, null));
      if (successor.equals("a")) {
        Await.until(() -> written.size() == 3, () -> written);
        assertTrue(patches.getLast().contains("\"master\":null"), patches.getLast());
        assertTrue(System.nanoTime() - yielded >= 2_000_000_000L);
      }
    }
  }

  /**
   * With a kubelet that starts anew, operator and agent overwrote each other five times a second.
   */
  @Test
  void aMasterThatCountsAsUnknownClaimsItsNameOnceAfterEachHeartbeatToo() {
    reporter.report("web", status(State.Master, 1), true);
    awaitWritten("web 1");
    var nodes = Map.of("a", status(State.Unknown, 2));
    cached.put("web", new VirtualIpStatus(null, null, 0, 1L, nodes, null, null, null));
    reporter.heartbeat();
    reporter.statusChanged("web");
    awaitWritten("web 1", "web 1");
    reporter.statusChanged("web");
    assertEquals(0, reporter.pending());
    reporter.heartbeat();
    awaitWritten("web 1", "web 1", "web 1");
  }

  /** Its name was taken away by a patch of a moment ago, when the successor had written its own. */
  @Test
  void aMasterThatIsRemovedLeavesItsNameToItsSuccessor() {
    reporter.report("web", status(State.Master, 1), true);
    awaitWritten("web 1");
    var nodes = Map.of("a", status(State.Master, 1), "b", status(State.Backup, 1));
    cached.put("web", new VirtualIpStatus(null, "a", 1, 1L, nodes, null, null, null));
    reporter.report("web", status(State.Backup, 2), false);
    reporter.remove("web");
    Await.until(() -> !written.isEmpty() && reporter.pending() == 0, () -> written);
    assertTrue(patches.stream().noneMatch(p -> p.contains("\"master\":null")), patches::toString);
    Await.until(() -> patches.getLast().contains("\"master\":null"), () -> patches);
  }

  @Test
  void aMasterAtFaultIsNamedNoMore() {
    reporter.report("web", status(State.Master, 1), true);
    awaitWritten("web 1");
    var nodes = Map.of("a", status(State.Master, 1));
    cached.put("web", new VirtualIpStatus(null, "a", 0, 1L, nodes, null, null, null));
    reporter.report("web", status(State.Fault, 2), false);
    awaitWritten("web 1", "web 2");
    assertTrue(patches.getLast().contains("\"master\":null"), patches.getLast());
  }

  @Test
  void whatIsRemovedIsForgotten() {
    reporter.report("web", status(State.Backup, 1), false);
    reporter.remove("web");
    Await.until(() -> !written.isEmpty() && reporter.pending() == 0, () -> written);
    assertEquals("web {\"status\":{\"nodes\":{\"a\":null}}}", written.getLast());
    reporter.statusChanged("web");
    assertEquals(0, reporter.pending());
  }

  @Test
  void closeWritesWhatIsLeft() {
    answer = 0;
    reporter.report("web", status(State.Master, 1), true);
    Await.until(() -> tries.get() == 4, tries::get);
    answer = 200;
    reporter.report("web", status(State.Init, 0), false);
    reporter.close(System.nanoTime() + 1_000_000_000L);
    assertEquals(List.of("web 0"), written);
  }

  @Test
  void aHungApiServerDelaysNobody() {
    var entered = hang();
    long start = System.nanoTime();
    reporter.report("web", status(State.Backup, 1), false);
    Await.until(entered::tryAcquire, () -> "not tried");
    reporter.report("web", status(State.Backup, 2), false);
    reporter.close(System.nanoTime() + 200_000_000L);
    assertTrue(System.nanoTime() - start < 2_000_000_000L);
    assertFalse(entered.tryAcquire());
  }

  @Test
  void closeDoesNotWaitForAHungApiServerBeyondItsEnd() {
    var entered = hang();
    reporter.report("web", status(State.Backup, 1), false);
    Await.until(entered::tryAcquire, () -> "not tried");
    long past = System.nanoTime();
    reporter.close(past);
    assertTrue(System.nanoTime() - past < 250_000_000L, "the 300 ms it once had of its own");
  }

  /** The API server takes requests and answers none; gives a permit for each. */
  private Semaphore hang() {
    var entered = new Semaphore(0);
    reporter.close(System.nanoTime() + 1_000_000_000L);
    reporter =
        StatusReporter.start(
            (_, _) -> {
              entered.release();
              new Semaphore(0).acquire();
              return 200;
            },
            "a",
            _ -> Optional.empty());
    return entered;
  }

  @Test
  void aDefectIsSurvivedAndWhatItKeptFromBeingWrittenIsTriedAgain() {
    var looks = new AtomicInteger();
    reporter.close(System.nanoTime() + 1_000_000_000L);
    reporter =
        StatusReporter.start(
            this::write,
            "a",
            _ -> {
              if (looks.incrementAndGet() == 1) {
                throw new AssertionError("on purpose");
              }
              return Optional.empty();
            });
    reporter.report("web", status(State.Backup, 1), false);
    awaitWritten("web 1");
  }
}
