package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.virtualip.e2e.InteropPair.Side;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/**
 * Our agent and live keepalived, as master and backup and the other way round, with every family,
 * version and transport at once: one virtual router each in either program. The two ways round are
 * two networks that go through the same at the same time, for most of it is waiting. Case numbers 5
 * to 7, 52, 55 to 57.
 */
@InLab
class KeepalivedMatrixIT {

  /** Something that happens, and what has to be true for each mode afterwards. */
  private record Step(String name, Executable action, ModeCheck check) {
    Stream<DynamicNode> modes(String way) {
      return InteropMode.ALL.stream()
          .map(m -> dynamicTest(way + ", " + m.name(), () -> check.check(m)));
    }
  }

  private interface ModeCheck {
    void check(InteropMode mode) throws Exception;
  }

  /** keepalived 2.3, by {@code e2e/src/lab/from-debian trixie keepalived}. */
  private static final String NEWER = "/var/cache/virtualip/trixie/keepalived/bin/keepalived";

  /** Steps that are gone through with it: to the first kill, and what was logged by then. */
  private static final List<Integer> WITH_NEWER = List.of(0, 1, 2, 3, 4, 11);

  private final Map<InteropMode, String> theirFrames = new HashMap<>();
  private Lab lab;

  @BeforeEach
  void build() {
    lab = Lab.open();
  }

  @AfterEach
  void close() {
    lab.close();
  }

  @TestFactory
  Stream<DynamicNode> case56_57_eitherProgramIsMasterAndTheOtherFollows() {
    var ours = oursIsMaster(new InteropPair(lab, "a", "b"));
    var theirs = keepalivedIsMaster(new InteropPair(lab, "c", "d"));
    assertEquals(ours.size(), theirs.size());
    var strangers = new Strangers(lab);
    var steps = IntStream.range(0, ours.size()).mapToObj(i -> together(ours.get(i), theirs.get(i)));
    return Stream.concat(
        Stream.concat(Stream.of(dynamicTest("different passwords", strangers::start)), steps),
        Stream.of(dynamicTest("both have been master all the time", strangers::check)));
  }

  @Tag("long")
  @TestFactory
  Stream<DynamicNode> soItIsWithANewerKeepalived() {
    assumeTrue(Files.exists(Path.of(NEWER)), "run e2e/src/lab/from-debian trixie keepalived first");
    var ours = oursIsMaster(new InteropPair(lab, "a", "b", NEWER));
    var theirs = keepalivedIsMaster(new InteropPair(lab, "c", "d", NEWER));
    return WITH_NEWER.stream().map(i -> together(ours.get(i), theirs.get(i)));
  }

  private static DynamicNode together(Step ours, Step theirs) {
    var happens =
        Stream.<DynamicNode>of(
            dynamicTest(ours.name(), ours.action()), dynamicTest(theirs.name(), theirs.action()));
    return dynamicContainer(
        ours.name(),
        Stream.concat(
            happens, Stream.concat(ours.modes("ours master"), theirs.modes("keepalived master"))));
  }

  private static List<Step> oursIsMaster(InteropPair pair) {
    return List.of(
        new Step(
            "both start",
            () -> {
              pair.startKeepalived(Side.B, 100);
              pair.startAgent(Side.A, 150);
            },
            mode -> pair.awaitMaster(mode, Side.A)),
        step(pair, "they advertise alike", () -> {}, m -> pair.assertAdverts(m, Side.A, 150)),
        step(
            pair,
            "ours stops",
            () -> pair.agent().stop(),
            m -> pair.assertHandOver(m, Side.A, 100)),
        step(pair, "ours starts", () -> pair.agent().start(), m -> pair.assertYields(m, Side.B)),
        step(
            pair,
            "ours is killed",
            () -> pair.agent().kill(),
            mode -> {
              pair.awaitMaster(mode, Side.B);
              pair.assertSilentTakeover(mode, Side.A, 100);
            }),
        step(
            pair,
            "ours starts again",
            () -> pair.agent().start(),
            m -> pair.assertYields(m, Side.B)),
        step(
            pair,
            "ours lowers its priority",
            () -> pair.ours(50),
            m -> pair.assertYields(m, Side.A)),
        step(pair, "ours raises it", () -> pair.ours(150), m -> pair.assertYields(m, Side.B)),
        step(pair, "they are equal", () -> pair.ours(100), m -> pair.awaitPriority(m, Side.A, 100)),
        step(
            pair, "the network splits", () -> pair.host(Side.A).cut("eth0"), pair::awaitTwoMasters),
        step(
            pair,
            "it heals",
            () -> pair.host(Side.A).mend("eth0"),
            m -> pair.assertYields(m, Side.A)),
        step(pair, "nobody complained", () -> {}, pair::assertNoComplaints),
        step(pair, "the end", () -> {}, _ -> {}));
  }

  private List<Step> keepalivedIsMaster(InteropPair pair) {
    return List.of(
        new Step(
            "both start",
            () -> {
              pair.startAgent(Side.B, 100);
              pair.startKeepalived(Side.A, 150);
            },
            mode -> {
              pair.awaitMaster(mode, Side.A);
              pair.awaitHeard(mode);
            }),
        step(pair, "they advertise alike", () -> {}, m -> pair.assertAdverts(m, Side.A, 150)),
        new Step(
            "keepalived stops",
            () -> pair.keepalived().stop(),
            mode -> {
              pair.assertFollowed(mode, Side.A);
              pair.assertReason(mode, "MasterResigned");
              theirFrames.put(mode, pair.advertAndResignation(mode, Side.A, 150));
            }),
        step(
            pair,
            "keepalived starts",
            () -> pair.keepalived().start(),
            m -> pair.assertYields(m, Side.B)),
        step(
            pair,
            "keepalived is killed",
            () -> pair.keepalived().kill(),
            mode -> {
              // It leaves its addresses behind: only ours can be awaited.
              pair.awaitHolds(mode, Side.B);
              pair.assertReason(mode, "MasterDown");
              pair.assertSilentMasterFollowed(mode, Side.A, 100);
            }),
        step(
            pair,
            "keepalived starts again",
            () -> pair.keepalived().start(),
            m -> pair.assertYields(m, Side.B)),
        step(
            pair,
            "keepalived lowers its priority",
            () -> pair.theirs(50),
            m -> pair.assertYields(m, Side.A)),
        step(
            pair,
            "keepalived raises it",
            () -> pair.theirs(150),
            m -> pair.assertYields(m, Side.B)),
        step(pair, "they are equal", () -> pair.ours(150), m -> pair.awaitOurPriority(m, 150)),
        step(
            pair, "the network splits", () -> pair.host(Side.A).cut("eth0"), pair::awaitTwoMasters),
        step(
            pair,
            "it heals",
            () -> pair.host(Side.A).mend("eth0"),
            m -> pair.assertYields(m, Side.A)),
        step(pair, "nobody complained", () -> {}, pair::assertNoComplaints),
        step(
            pair,
            "ours sends in keepalived's place, byte for byte",
            () -> {
              pair.keepalived().stop();
              pair.agent().stop();
              pair.startAgent(Side.A, 150);
              InteropMode.ALL.forEach(mode -> pair.awaitHolds(mode, Side.A));
              pair.agent().stop();
            },
            mode ->
                assertEquals(theirFrames.get(mode), pair.advertAndResignation(mode, Side.A, 150))));
  }

  private static Step step(InteropPair pair, String name, Executable action, ModeCheck check) {
    return new Step(
        name,
        () -> {
          pair.mark();
          action.execute();
        },
        check);
  }

  /** Two that do not have the same password, beside all the others. */
  private static final class Strangers {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final String VIP = "10.9.1.60";

    private final Host a;
    private final Host b;
    private final Capture capture;
    private AgentProgram agent;

    Strangers(Lab lab) {
      var wire = lab.wire("strangers");
      a = lab.host("e").plug("eth0", wire, "10.9.0.1/16");
      b = lab.host("f").plug("eth0", wire, "10.9.0.2/16");
      capture = b.capture("eth0", "ip proto 112 and src 10.9.0.1");
    }

    void start() {
      agent =
          AgentProgram.start(
              a,
              """
              apiVersion: virtualip.dev/v1alpha1
              kind: VirtualIP
              metadata: {name: web}
              spec:
                vrid: 60
                vrrpVersion: 2
                interface: eth0
                addresses: [{address: %s/32}]
                # It would find that the other one has the address.
                probe: false
                authentication: {passwordSecretRef: {name: vip-auth, key: web}}
              """
                  .formatted(VIP),
              Map.of("vip-auth/web", "s3cret"));
      var theirs =
          new Keepalived.Instance(
              "VI_1",
              "eth0",
              60,
              150,
              2,
              "1",
              "other",
              List.of(VIP + "/32"),
              List.of(),
              null,
              List.of());
      Keepalived.start(b, theirs.config());
    }

    /**
     * keepalived may fall silent, as each advert it rejects starts its timer anew; ours does not.
     */
    void check() {
      Await.until("both are master", SOON, () -> a.hasAddress(VIP) && b.hasAddress(VIP));
      var rejected =
          Stream.of(agent.metrics().split("\n"))
              .filter(line -> line.matches("virtualip_adverts_rejected_total\\{.*AuthFailure.*"))
              .toList();
      assertEquals(1, rejected.size(), () -> agent.metrics());
      assertEquals(1, agent.status("web").path("transitions").asInt() - 1, "Backup, then Master");
      var frames = capture.frames();
      assertTrue(frames.size() > 10, () -> frames.size() + " adverts");
      for (int i = 1; i < frames.size(); i++) {
        long millis = Duration.between(frames.get(i - 1).time(), frames.get(i).time()).toMillis();
        assertTrue(millis < 2_000, "an advert every second, and one only after " + millis + " ms");
      }
    }
  }
}
