package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.Frame;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/**
 * Our agent and live keepalived on one network, as master and backup and the other way round, with
 * every family, version and transport at once: one virtual router each in either program. Case
 * numbers 5 to 7, 52, 55 and 56.
 */
class KeepalivedMatrixIT {
  private static final Duration MOVE = Duration.ofSeconds(15);
  private static final String PASSWORD = "s3cret";

  /** A VirtualIP of ours, and keepalived's instance for it. */
  private record Mode(
      String name,
      int vrid,
      int version,
      boolean ipv6,
      boolean unicast,
      boolean password,
      List<String> addresses,
      List<String> excluded) {

    static final List<Mode> ALL =
        List.of(
            new Mode("v2", 51, 2, false, false, false, List.of("10.9.1.51/32"), List.of()),
            new Mode("v2 PASS", 52, 2, false, false, true, List.of("10.9.1.52/24"), List.of()),
            new Mode("v3 IPv4", 53, 3, false, false, false, List.of("10.9.1.53/24"), List.of()),
            new Mode(
                "v3 IPv6",
                54,
                3,
                true,
                false,
                false,
                List.of("fe80::54/64", "2001:db8:9::54/128"),
                List.of()),
            new Mode("v2 unicast", 55, 2, false, true, true, List.of("10.9.1.55/32"), List.of()),
            new Mode("v3 unicast", 56, 3, false, true, false, List.of("10.9.1.56/32"), List.of()),
            new Mode(
                "v3 IPv6 unicast",
                57,
                3,
                true,
                true,
                false,
                List.of("fe80::57/64", "2001:db8:9::57/128"),
                List.of()),
            new Mode(
                "dual stack",
                58,
                3,
                false,
                false,
                false,
                List.of("10.9.1.58/32"),
                List.of("2001:db8:9::58/128", "10.9.2.58/32")));

    long intervalMillis() {
      return version == 2 ? 1000 : 200;
    }

    /** Takeover time of a backup after a resignation. */
    long skewMillis(int priority) {
      return intervalMillis() * (256 - priority) / 256;
    }

    Stream<String> all() {
      return Stream.concat(addresses.stream(), excluded.stream());
    }

    String object() {
      return "m" + vrid;
    }

    String manifest(int priority) {
      return """
      ---
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: %s}
      spec:
        vrid: %d
        vrrpVersion: %d
        interface: eth0
        priority: %d
        advertInterval: %dms
        transport: %s
        addresses:
      """
              .formatted(object(), vrid, version, priority, intervalMillis(), transport())
          + String.join("", addresses.stream().map("    - {address: '%s'}\n"::formatted).toList())
          + String.join(
              "",
              excluded.stream()
                  .map("    - {address: '%s', advertised: false}\n"::formatted)
                  .toList())
          + (password ? "  authentication: {passwordSecretRef: {name: vip-auth, key: web}}\n" : "");
    }

    private String transport() {
      return !unicast
          ? "{mode: Multicast}"
          : ipv6
              ? "{mode: Unicast, peers: ['2001:db8:9::a', '2001:db8:9::b']}"
              : "{mode: Unicast, peers: [10.9.0.1, 10.9.0.2]}";
    }

    String instance(int priority, Side side) {
      var text =
          new StringBuilder(
              """
              vrrp_instance %s {
                state BACKUP
                interface eth0
                version %d
                virtual_router_id %d
                priority %d
                advert_int %s
              """
                  .formatted(object(), version, vrid, priority, version == 2 ? "1" : "0.2"));
      if (password) {
        text.append("  authentication {\n auth_type PASS\n auth_pass %s\n }\n".formatted(PASSWORD));
      }
      if (unicast) {
        text.append("  unicast_src_ip %s\n".formatted(side.address(this)));
        text.append("  unicast_peer {\n %s\n }\n".formatted(side.other().address(this)));
      }
      if (unicast && version == 3 && !ipv6) {
        text.append("  old_unicast_checksum never\n");
      }
      text.append("  virtual_ipaddress {\n %s\n }\n".formatted(String.join("\n", addresses)));
      if (!excluded.isEmpty()) {
        text.append(
            "  virtual_ipaddress_excluded {\n %s\n }\n".formatted(String.join("\n", excluded)));
      }
      return text.append("}\n").toString();
    }
  }

  /** The two hosts; the address of B is the greater one in each family. */
  private enum Side {
    A("10.9.0.1", "2001:db8:9::a", "fe80::ff:fe00:100"),
    B("10.9.0.2", "2001:db8:9::b", "fe80::ff:fe00:200");

    private final String ipv4;
    private final String ipv6;
    private final String linkLocal;

    Side(String ipv4, String ipv6, String linkLocal) {
      this.ipv4 = ipv4;
      this.ipv6 = ipv6;
      this.linkLocal = linkLocal;
    }

    Side other() {
      return this == A ? B : A;
    }

    /** Source of a mode's adverts. */
    String address(Mode mode) {
      return !mode.ipv6() ? ipv4 : mode.unicast() ? ipv6 : linkLocal;
    }
  }

  /** Something that happens, and what has to be true for each mode afterwards. */
  private record Step(String name, Executable action, ModeCheck check) {
    DynamicNode node() {
      return dynamicContainer(
          name,
          Stream.concat(
              Stream.of(dynamicTest("happens", action)),
              Mode.ALL.stream().map(m -> dynamicTest(m.name(), () -> check.check(m)))));
    }
  }

  private interface ModeCheck {
    void check(Mode mode) throws Exception;
  }

  private Lab lab;
  private Host a;
  private Host b;
  private Capture capture;
  private AgentProgram agent;
  private Keepalived keepalived;
  private Instant since = Instant.EPOCH;

  @BeforeEach
  void build() {
    assumeTrue(Lab.available(), "needs root and e2e/src/lab/bin/java as the JVM");
    lab = Lab.open();
    var wire = lab.wire("lan");
    a = lab.host("a").plug("eth0", wire, "10.9.0.1/16", "2001:db8:9::a/64");
    b = lab.host("b").plug("eth0", wire, "10.9.0.2/16", "2001:db8:9::b/64");
    capture = b.capture("eth0", "ip proto 112 or ip6 proto 112");
  }

  @AfterEach
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  @TestFactory
  Stream<DynamicNode> oursIsMasterOnTheLowerAddress() {
    return Stream.of(
            new Step(
                "both start",
                () -> {
                  keepalived = Keepalived.start(b, keepalivedConfig(100, Side.B));
                  agent = agent(a, 150);
                },
                mode -> awaitMaster(mode, Side.A)),
            new Step("they advertise alike", this::mark, mode -> assertAdverts(mode, Side.A, 150)),
            step("ours stops", () -> agent.stop(), mode -> assertHandOver(mode, Side.A, 100)),
            step("ours starts", () -> agent.start(), mode -> assertYields(mode, Side.B)),
            step("ours is killed", () -> agent.kill(), mode -> assertTakeover(mode, Side.A, 100)),
            step("ours starts again", () -> agent.start(), mode -> assertYields(mode, Side.B)),
            step("ours lowers its priority", () -> ours(50), mode -> assertYields(mode, Side.A)),
            step("ours raises its priority", () -> ours(150), mode -> assertYields(mode, Side.B)),
            step("they are equal", () -> ours(100), mode -> awaitPriority(mode, Side.A, 100)),
            step("the network splits", () -> a.cut("eth0"), mode -> awaitTwoMasters(mode)),
            step("it heals", () -> a.mend("eth0"), mode -> assertYields(mode, Side.A)),
            new Step("nobody complained", this::mark, mode -> assertNoComplaints(mode)))
        .map(Step::node);
  }

  @TestFactory
  Stream<DynamicNode> keepalivedIsMasterOnTheLowerAddress() {
    return Stream.of(
            new Step(
                "both start",
                () -> {
                  agent = agent(b, 100);
                  keepalived = Keepalived.start(a, keepalivedConfig(150, Side.A));
                },
                mode -> awaitMaster(mode, Side.A)),
            new Step("they advertise alike", this::mark, mode -> assertAdverts(mode, Side.A, 150)),
            step("keepalived stops", () -> keepalived.stop(), this::assertWeTakeOverResigned),
            step("keepalived starts", () -> keepalived.start(), m -> assertYields(m, Side.B)),
            step("keepalived is killed", () -> keepalived.kill(), this::assertWeTakeOverDead),
            step("keepalived starts again", () -> keepalived.start(), m -> assertYields(m, Side.B)),
            step("keepalived lowers its priority", () -> theirs(50), m -> assertYields(m, Side.A)),
            step("keepalived raises it", () -> theirs(150), m -> assertYields(m, Side.B)),
            step("they are equal", () -> ours(150), mode -> awaitOurPriority(mode, 150)),
            step("the network splits", () -> a.cut("eth0"), mode -> awaitTwoMasters(mode)),
            step("it heals", () -> a.mend("eth0"), mode -> assertYields(mode, Side.A)),
            new Step("nobody complained", this::mark, mode -> assertNoComplaints(mode)))
        .map(Step::node);
  }

  /** Ethernet header, IP header and message, for each mode, of an advert and of a resignation. */
  @Test
  void ourFramesAreKeepalivedsByteForByte() {
    keepalived = Keepalived.start(a, keepalivedConfig(150, Side.A));
    Mode.ALL.forEach(mode -> awaitHolds(mode, Side.A));
    keepalived.stop();
    var theirs = Mode.ALL.stream().map(this::firstAndLast).toList();
    mark();
    agent = agent(a, 150);
    Mode.ALL.forEach(mode -> awaitHolds(mode, Side.A));
    agent.stop();
    var ours = Mode.ALL.stream().map(this::firstAndLast).toList();
    assertEquals(String.join("\n", theirs), String.join("\n", ours));
  }

  private String firstAndLast(Mode mode) {
    var frames = adverts(mode, Side.A);
    assertEquals(150, priority(frames.getFirst()));
    assertEquals(0, priority(frames.getLast()));
    return mode.name() + " " + comparable(frames.getFirst()) + " " + comparable(frames.getLast());
  }

  /** Without what may differ: IPv4 identification and sum; IPv6 flow label and unicast hops. */
  private static String comparable(Frame frame) {
    var bytes = frame.bytes().clone();
    var free = frame.etherType() == 0x0800 ? List.of(18, 19, 24, 25) : List.of(16, 17);
    free.forEach(at -> bytes[at] = 0);
    if (frame.etherType() != 0x0800) {
      bytes[15] &= (byte) 0xF0;
      bytes[21] = bytes[0] == 0x33 ? bytes[21] : 0;
    }
    return HexFormat.of().formatHex(bytes);
  }

  private Step step(String name, Executable action, ModeCheck check) {
    return new Step(
        name,
        () -> {
          mark();
          action.execute();
        },
        check);
  }

  private void mark() {
    since = Instant.now();
  }

  private static AgentProgram agent(Host host, int priority) {
    return AgentProgram.start(host, manifests(priority), Map.of("vip-auth/web", PASSWORD));
  }

  private static String manifests(int priority) {
    return String.join("", Mode.ALL.stream().map(mode -> mode.manifest(priority)).toList());
  }

  private void ours(int priority) {
    agent.apply("virtualip.yaml", manifests(priority));
  }

  private void theirs(int priority) {
    keepalived.reload(keepalivedConfig(priority, Side.A));
  }

  private static String keepalivedConfig(int priority, Side side) {
    return "global_defs {\n router_id test\n script_user root\n}\n"
        + String.join("", Mode.ALL.stream().map(mode -> mode.instance(priority, side)).toList());
  }

  private Host host(Side side) {
    return side == Side.A ? a : b;
  }

  private static boolean has(Host host, String prefix) {
    return host.hasAddress(prefix.replaceFirst("/.*", ""));
  }

  private void awaitHolds(Mode mode, Side side) {
    Await.until(
        mode.name() + ": " + side + " has its addresses",
        MOVE,
        () -> mode.all().allMatch(address -> has(host(side), address)));
  }

  private void awaitClean(Mode mode, Side side) {
    Await.until(
        mode.name() + ": " + side + " has no address",
        MOVE,
        () -> mode.all().noneMatch(address -> has(host(side), address)));
  }

  private void awaitMaster(Mode mode, Side side) {
    awaitHolds(mode, side);
    awaitClean(mode, side.other());
  }

  private List<Frame> adverts(Mode mode, Side side) {
    var source = InetAddress.ofLiteral(side.address(mode)).getHostAddress();
    return capture.frames().stream()
        .filter(frame -> frame.vrrp().filter(v -> v.vrid() == mode.vrid()).isPresent())
        .filter(frame -> frame.source().equals(source) && !frame.time().isBefore(since))
        .toList();
  }

  private Frame awaitAdvert(Mode mode, Side side) {
    return Await.until(
            mode.name() + ": an advert of " + side,
            MOVE,
            () -> adverts(mode, side),
            found -> !found.isEmpty())
        .getFirst();
  }

  private static int priority(Frame frame) {
    return frame.vrrp().orElseThrow().priority();
  }

  private boolean resigned(Mode mode, Side side) {
    return adverts(mode, side).stream().anyMatch(frame -> priority(frame) == 0);
  }

  /** What goes over the wire is as the RFC and keepalived have it, whoever is master. */
  private void assertAdverts(Mode mode, Side master, int priority) {
    var frame = awaitAdvert(mode, master);
    var advert = frame.vrrp().orElseThrow();
    var destination =
        mode.unicast() ? master.other().address(mode) : mode.ipv6() ? "ff02::12" : "224.0.0.18";
    assertEquals(InetAddress.ofLiteral(destination).getHostAddress(), advert.destination());
    var mac =
        mode.unicast()
            ? host(master.other()).mac("eth0")
            : mode.ipv6() ? "33:33:00:00:00:12" : "01:00:5e:00:00:12";
    assertEquals(mac, frame.destinationMac());
    assertEquals(priority, advert.priority());
    assertEquals(
        mode.addresses().stream()
            .map(prefix -> InetAddress.ofLiteral(prefix.replaceFirst("/.*", "")).getHostAddress())
            .toList(),
        advert.addresses());
    assertEquals(mode.version() == 2 ? 1 : 20, advert.interval());
    // keepalived leaves IPv6 unicast to the kernel's default hop limit.
    assertTrue(advert.ttl() == 255 || mode.ipv6() && mode.unicast(), advert::toString);
    assertEquals(List.of(), adverts(mode, master.other()));
  }

  /** The master resigned: the other one takes over after its skew time. */
  private void assertHandOver(Mode mode, Side from, int priority) {
    awaitMaster(mode, from.other());
    var last = adverts(mode, from).getLast();
    assertEquals(0, priority(last), "the last advert resigns");
    assertDelay(last, awaitAdvert(mode, from.other()), mode.skewMillis(priority));
  }

  /** The master fell silent: the other one takes over after its down interval. */
  private void assertTakeover(Mode mode, Side from, int priority) {
    awaitMaster(mode, from.other());
    assertSilentTakeover(mode, from, priority);
  }

  private void assertSilentTakeover(Mode mode, Side from, int priority) {
    var first = awaitAdvert(mode, from.other());
    since = since.minusSeconds(5);
    var last = adverts(mode, from).getLast();
    since = since.plusSeconds(5);
    assertTrue(priority(last) > 0, "no resignation");
    assertDelay(last, first, 3 * mode.intervalMillis() + mode.skewMillis(priority));
  }

  private static void assertDelay(Frame from, Frame to, long millis) {
    long delay = Duration.between(from.time(), to.time()).toMillis();
    assertTrue(
        delay >= millis - 10 && delay < millis + 300,
        "after %d ms, expected %d ms".formatted(delay, millis));
  }

  /** A higher advert takes everything off a master, and it does not resign. */
  private void assertYields(Mode mode, Side loser) {
    awaitMaster(mode, loser.other());
    assertTrue(!resigned(mode, loser), "a master that yields does not resign");
  }

  private void assertWeTakeOverResigned(Mode mode) {
    assertHandOver(mode, Side.A, 100);
    assertEquals("MasterResigned", agent.status(mode.object()).path("reason").asText());
  }

  /** A killed keepalived leaves its addresses behind: only ours can be awaited. */
  private void assertWeTakeOverDead(Mode mode) {
    awaitHolds(mode, Side.B);
    assertEquals("MasterDown", agent.status(mode.object()).path("reason").asText());
    assertSilentTakeover(mode, Side.A, 100);
  }

  private void awaitPriority(Mode mode, Side side, int priority) {
    Await.until(
        mode.name() + ": priority " + priority,
        MOVE,
        () -> priority(adverts(mode, side).getLast()) == priority);
  }

  private void awaitOurPriority(Mode mode, int priority) {
    Await.until(
        mode.name() + ": priority " + priority,
        MOVE,
        () -> agent.status(mode.object()).path("priority").asInt() == priority);
  }

  private void awaitTwoMasters(Mode mode) {
    awaitHolds(mode, Side.A);
    awaitHolds(mode, Side.B);
  }

  private void assertNoComplaints(Mode mode) {
    var complaints =
        Stream.of(keepalived.proc().output(), agent.proc().output())
            .flatMap(String::lines)
            .filter(line -> line.contains(mode.object()))
            .filter(
                line ->
                    line.matches(
                        ".*(?i)(bad|invalid|mismatch|wrong|incorrect|dropp|reject|error).*"))
            .toList();
    assertEquals(List.of(), complaints);
  }
}
