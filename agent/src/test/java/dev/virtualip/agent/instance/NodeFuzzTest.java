package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.virtualip.agent.instance.Input.FrameReceived;
import dev.virtualip.agent.instance.Input.PlanChanged;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Freshness;
import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.agent.vrrp.HmacTrailer;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What anyone on the LAN can do to a whole node: the bytes are a script of frames, adverts and
 * pauses. {@code make fuzz} lets Jazzer write it; all other runs try some that a seed writes.
 */
class NodeFuzzTest {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;
  private static final int FIRST_VRID = 77;
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);
  private static final HardwareAddress MAC = new HardwareAddress(new byte[] {2, 0, 0, 0, 0, 9});

  private static final List<String> KINDS =
      List.of(
          "vrrpVersion: 3",
          "vrrpVersion: 2",
          "preempt: {enabled: false}",
          "lease: {policy: Exclusive}",
          "transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]}",
          "vrrpVersion: 2, authentication: {passwordSecretRef: {name: s, key: password}}",
          "authentication: {hmac: {keysSecretRef: {name: s, key: keys}}}",
          "syncGroup: g",
          "syncGroup: g");

  private static final InetAddress OWN = InetAddress.ofLiteral("10.0.0.11");
  private static final byte[] PASSWORD = "s3cret".getBytes(StandardCharsets.US_ASCII);
  private static final HmacKey KEY = new HmacKey(1, new byte[32]);
  private static final Map<SecretKey, byte[]> SECRETS =
      Map.of(
          new SecretKey("s", "password"),
          PASSWORD,
          new SecretKey("s", "keys"),
          ("1 " + "00".repeat(32)).getBytes(StandardCharsets.US_ASCII));

  /** Frames of a burst: five rounds in two forms. A burst may be followed by a second one. */
  private static final int BURSTS = 2 * 5 * 2;

  private FakeNode fake;
  private NodeMachine machine;
  private long now;

  /** Signed adverts so far: of those of the same moment each has another counter. */
  private long signed;

  @FuzzTest(maxDuration = "60s")
  void nothingOnTheLanBreaksANode(byte[] script) {
    play(script);
  }

  @Test
  void nothingThatASeedWritesBreaksANode() {
    var followed = new TreeSet<String>();
    for (int seed = 0; seed < 200; seed++) {
      var script = new byte[400];
      new Random(seed).nextBytes(script);
      play(script);
      // Started, master, and backup of somebody, by a valid advert.
      machine.statuses().entrySet().stream()
          .filter(vip -> vip.getValue().transitions() > 2)
          .forEach(vip -> followed.add(vip.getKey()));
    }
    assertEquals(KINDS.size(), followed.size(), followed::toString);
  }

  private void play(byte[] script) {
    start();
    var left = ByteBuffer.wrap(script);
    while (left.remaining() > 5) {
      step(left);
      checkNode();
    }
    // The longest interval that is learned is 10 s, so after a minute nobody else counts.
    passUntil(now + 60 * SECOND);
    checkNode();
    machine.statuses().forEach((name, s) -> assertEquals(State.Master, s.state(), name));
  }

  private void start() {
    fake = new FakeNode();
    now = 1;
    signed = 0;
    machine = new NodeMachine(Map.of(), Set.of(), fake.node, new NobodyListens());
    machine.start();
    var vips = IntStream.range(0, KINDS.size()).mapToObj(NodeFuzzTest::vip).toList();
    var desired = new Desired(vips, SELF, List.of(SELF), SECRETS, Map.of());
    var plan = new Plan("node-a");
    machine.handle(new PlanChanged(plan.change(desired, fake.node.network().nics())), now);
    machine.begin(now);
  }

  private static VirtualIp vip(int number) {
    var yaml =
        """
        metadata: {name: vip-%d, generation: 1}
        spec: {vrid: %d, interface: eth0, %s, addresses: [{address: %s/24, interface: eth1}]}
        """
            .formatted(number, FIRST_VRID + number, KINDS.get(number), address(number));
    return Serialization.unmarshal(yaml, VirtualIp.class);
  }

  private static String address(int number) {
    return "203.0.113." + (10 + number);
  }

  private void step(ByteBuffer left) {
    int what = left.get() & 3;
    var bytes = new byte[Math.min(left.remaining(), what == 2 ? 40 : 4)];
    left.get(bytes);
    switch (what) {
      case 0 -> passUntil(now + (bytes[0] & 0xFF) * 16 * MS);
      case 1 -> receive(advert(bytes));
      case 2 -> receive(bytes);
      default -> receive(Frames.advertisement(MAC, source(bytes[0]), 1, bytes));
    }
  }

  private static InetAddress source(byte chosen) {
    return InetAddress.ofLiteral("10.0.0." + (10 + (chosen & 3)));
  }

  /** A valid advert of some VirtualIP. */
  private byte[] advert(byte[] bytes) {
    int number = (bytes[0] & 0xFF) % KINDS.size();
    var kind = KINDS.get(number);
    var version = kind.contains("vrrpVersion: 2") ? Version.V2 : Version.V3;
    long interval = version == Version.V2 ? SECOND : (1 + (bytes[1] & 0xFF) * 16L) * 10 * MS;
    var virtual = List.of(InetAddress.ofLiteral(address(number)));
    var advert =
        new Advertisement(version, FIRST_VRID + number, bytes[2] & 0xFF, interval, virtual);
    var source = source(bytes[3]);
    var destination = kind.contains("Unicast") ? OWN : Frames.GROUP;
    var password = kind.contains("password") ? new Password(PASSWORD) : null;
    var payload = AdvertisementCodec.encode(advert, password, source, destination);
    if (kind.contains("hmac")) {
      long sequence = Freshness.sequence(fake.node.clock().instant()) + signed++;
      payload = HmacTrailer.append(payload, KEY, sequence, source, destination);
    }
    var packet = Frames.packet(source, destination, 1, payload);
    return ByteBuffer.allocate(14 + packet.length)
        .putShort(12, (short) 0x0800)
        .put(14, packet)
        .array();
  }

  private void receive(byte[] frame) {
    machine.handle(new FrameReceived(fake.links.get("eth0").index(), frame), now);
    machine.begin(now);
  }

  private void passUntil(long time) {
    int turns = 0;
    while (machine.deadline() <= time) {
      now = Math.max(now, machine.deadline());
      var name = "";
      while ((name = machine.dueForMaster(name, now)) != null) {}
      name = "";
      while ((name = machine.dueForOne(name, now, now)) != null) {}
      machine.begin(now);
      assertTrue(turns++ < 100_000, "it turns without end");
    }
    now = time;
  }

  /** Who is master holds the address, and no frame is the agent's defect or costs many others. */
  private void checkNode() {
    assertEquals(0, counted("virtualip.defects"), "defects");
    long moves = 0;
    for (int number = 0; number < KINDS.size(); number++) {
      var status = machine.statuses().get("vip-" + number);
      moves += status.transitions();
      boolean bound = fake.bound.containsKey(IpPrefix.parse(address(number) + "/24"));
      assertEquals(status.state() == State.Master, bound, () -> status + " and bound");
    }
    double announced = counted("virtualip.announcements.sent");
    long allowed = BURSTS * (moves + KINDS.size() * (2 + now / (5 * SECOND)));
    assertTrue(announced <= allowed, announced + " announcements, allowed " + allowed);
  }

  private double counted(String name) {
    return fake.registry.find(name).counters().stream()
        .mapToDouble(counter -> counter.count())
        .sum();
  }
}
