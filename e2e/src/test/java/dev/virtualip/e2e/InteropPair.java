package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** Two hosts on a network of their own, one with our agent and one with keepalived. */
final class InteropPair {
  private static final Duration MOVE = Duration.ofSeconds(60);

  /** The two hosts; the address of B is the greater one in each family. */
  enum Side {
    A,
    B;

    Side other() {
      return this == A ? B : A;
    }
  }

  private final String program;
  private final Host a;
  private final Host b;
  private final Map<Side, String> linkLocal;
  private final Capture capture;
  private AgentProgram agent;
  private Keepalived keepalived;
  private Instant since = Instant.EPOCH;

  InteropPair(Lab lab, String first, String second) {
    this(lab, first, second, Keepalived.PROGRAM);
  }

  /** With another keepalived. */
  InteropPair(Lab lab, String first, String second, String program) {
    this.program = program;
    var wire = lab.wire(first + second);
    a = lab.host(first).plug("eth0", wire, "10.9.0.1/16", "2001:db8:9::a/64");
    b = lab.host(second).plug("eth0", wire, "10.9.0.2/16", "2001:db8:9::b/64");
    linkLocal = Map.of(Side.A, linkLocal(a), Side.B, linkLocal(b));
    assertTrue(linkLocal.get(Side.A).compareTo(linkLocal.get(Side.B)) < 0, linkLocal::toString);
    capture = b.capture("eth0", "ip proto 112 or ip6 proto 112");
  }

  private static String linkLocal(Host host) {
    var shown = host.ip("-6 -o addr show dev eth0 scope link");
    return shown.replaceAll("(?s).*inet6 ([^/]+)/.*", "$1");
  }

  Host host(Side side) {
    return side == Side.A ? a : b;
  }

  AgentProgram agent() {
    return agent;
  }

  Keepalived keepalived() {
    return keepalived;
  }

  /** From here on frames count. */
  void mark() {
    since = Instant.now();
  }

  void startAgent(Side side, int priority) {
    var secrets = Map.of("vip-auth/web", InteropMode.PASSWORD);
    agent = AgentProgram.start(host(side), manifests(priority), secrets);
  }

  void startKeepalived(Side side, int priority) {
    keepalived = Keepalived.start(program, host(side), config(priority, side));
  }

  void ours(int priority) {
    agent.apply("virtualip.yaml", manifests(priority));
  }

  void theirs(int priority) {
    keepalived.reload(config(priority, Side.A));
  }

  private static String manifests(int priority) {
    return String.join("", InteropMode.ALL.stream().map(m -> m.manifest(priority)).toList());
  }

  private static String config(int priority, Side side) {
    return "global_defs {\n router_id test\n script_user root\n}\n"
        + String.join(
            "", InteropMode.ALL.stream().map(m -> m.instance(priority, side.ordinal())).toList());
  }

  /** Source of a mode's adverts. */
  private String source(InteropMode mode, Side side) {
    return mode.ipv6() && !mode.unicast() ? linkLocal.get(side) : mode.own(side.ordinal());
  }

  private static boolean has(Host host, String prefix) {
    return host.hasAddress(prefix.replaceFirst("/.*", ""));
  }

  void awaitHolds(InteropMode mode, Side side) {
    Await.until(
        mode.name() + ": " + side + " has its addresses",
        MOVE,
        () -> mode.all().allMatch(address -> has(host(side), address)));
  }

  private void awaitClean(InteropMode mode, Side side) {
    Await.until(
        mode.name() + ": " + side + " has no address",
        MOVE,
        () -> mode.all().noneMatch(address -> has(host(side), address)));
  }

  void awaitMaster(InteropMode mode, Side side) {
    awaitHolds(mode, side);
    awaitClean(mode, side.other());
  }

  void awaitTwoMasters(InteropMode mode) {
    awaitHolds(mode, Side.A);
    awaitHolds(mode, Side.B);
  }

  private List<Frame> adverts(InteropMode mode, Side side) {
    var source = InetAddress.ofLiteral(source(mode, side)).getHostAddress();
    return capture.frames().stream()
        .filter(frame -> frame.vrrp().filter(v -> v.vrid() == mode.vrid()).isPresent())
        .filter(frame -> frame.source().equals(source) && !frame.time().isBefore(since))
        .toList();
  }

  private Frame awaitAdvert(InteropMode mode, Side side) {
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

  /** The first advert and the first resignation of a side, without what may differ. */
  String advertAndResignation(InteropMode mode, Side side, int priority) {
    return mode.name()
        + Stream.of(priority, 0)
            .map(p -> adverts(mode, side).stream().filter(f -> priority(f) == p).findFirst())
            .map(frame -> " " + comparable(frame.orElseThrow()))
            .reduce("", String::concat);
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

  /** What goes over the wire is as the RFC and keepalived have it, whoever is master. */
  void assertAdverts(InteropMode mode, Side master, int priority) {
    var frame = awaitAdvert(mode, master);
    var advert = frame.vrrp().orElseThrow();
    var destination =
        mode.unicast() ? source(mode, master.other()) : mode.ipv6() ? "ff02::12" : "224.0.0.18";
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

  /** The master resigned: keepalived takes over after its skew time, not its down interval. */
  void assertHandOver(InteropMode mode, Side from, int priority) {
    assertHandOver(mode, from, mode.skewMillis(priority), mode.skewMillis(priority));
  }

  /** The master resigned: ours follows without waiting for its skew time. */
  void assertFollowed(InteropMode mode, Side from) {
    assertHandOver(mode, from, 0, 0);
  }

  private void assertHandOver(InteropMode mode, Side from, long least, long most) {
    awaitMaster(mode, from.other());
    var last = adverts(mode, from).getLast();
    assertEquals(0, priority(last), "the last advert resigns");
    assertDelay(last, awaitAdvert(mode, from.other()), least, most + 3 * mode.intervalMillis());
  }

  /** The master fell silent: keepalived has taken over after its down interval. */
  void assertSilentTakeover(InteropMode mode, Side from, int priority) {
    assertSilence(mode, from, mode.skewMillis(priority), mode.skewMillis(priority));
  }

  /**
   * The master fell silent in all modes: ours has taken over after three adverts, and after its
   * skew where it was the first to miss one.
   */
  void assertSilentMasterFollowed(InteropMode mode, Side from, int priority) {
    assertSilence(mode, from, 0, mode.skewMillis(priority));
  }

  private void assertSilence(InteropMode mode, Side from, long leastSkew, long mostSkew) {
    var first = awaitAdvert(mode, from.other());
    since = since.minusSeconds(5);
    var last = adverts(mode, from).getLast();
    since = since.plusSeconds(5);
    assertTrue(priority(last) > 0, "no resignation");
    long silence = 3 * mode.intervalMillis();
    assertDelay(last, first, silence + leastSkew, 2 * (silence + mostSkew));
  }

  private static void assertDelay(Frame from, Frame to, long least, long below) {
    long delay = Duration.between(from.time(), to.time()).toMillis();
    assertTrue(
        delay >= least - 10 && delay < below,
        "after %d ms, expected %d to %d ms".formatted(delay, least, below));
  }

  /** A higher advert takes everything off a master, and it does not resign. */
  void assertYields(InteropMode mode, Side loser) {
    awaitMaster(mode, loser.other());
    assertTrue(
        adverts(mode, loser).stream().allMatch(frame -> priority(frame) > 0),
        "a master that yields does not resign");
  }

  /** Our agent is a backup that has heard the master. */
  void awaitHeard(InteropMode mode) {
    Await.until(
        mode.name() + ": our agent hears the master",
        MOVE,
        () -> agent.metrics(),
        metrics ->
            metrics.contains(
                "virtualip_adverts_received_total{vip=\"%s\"}".formatted(mode.object())));
  }

  void assertReason(InteropMode mode, String reason) {
    agent.awaitStatus(mode.object(), "reason", reason);
  }

  /** Our agent has taken in its new priority, as its status or its adverts show. */
  void awaitOurPriority(InteropMode mode, int priority) {
    Await.until(
        mode.name() + ": priority " + priority,
        MOVE,
        () -> agent.status(mode.object()).path("priority").asInt() == priority);
  }

  void awaitPriority(InteropMode mode, Side side, int priority) {
    Await.until(
        mode.name() + ": adverts of priority " + priority,
        MOVE,
        () -> adverts(mode, side),
        found -> !found.isEmpty() && priority(found.getLast()) == priority);
  }

  void assertNoComplaints(InteropMode mode) {
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
