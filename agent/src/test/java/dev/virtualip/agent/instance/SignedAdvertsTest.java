package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.KeyRings;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Freshness;
import dev.virtualip.agent.vrrp.Hmac;
import dev.virtualip.agent.vrrp.HmacTrailer;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.schema.Authentication.HmacAuthentication.Mode;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HmacStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A node whose VirtualIP has the keys of signed adverts. */
class SignedAdvertsTest {
  private static final long SECOND = 1_000_000_000L;
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");
  private static final String KEYS = "7 " + "a5".repeat(32);

  private final FakeNode fake = new FakeNode();
  private final long sequence = Freshness.sequence(fake.node.clock().instant());
  private VrrpInstance instance;
  private long now = 1;

  private void start(String mode, String keys) {
    start(config(mode, keys, KeyRings.untold()));
  }

  private void start(InstanceConfig config) {
    instance = new VrrpInstance(config, false, fake.node, _ -> {});
    instance.start(now);
  }

  private static InstanceConfig config(String mode, String keys, KeyRings rings) {
    var yaml =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web, generation: 1}
        spec:
          vrid: 77
          interface: eth0
          authentication: {hmac: {keysSecretRef: {name: vip-auth, key: keys}, mode: %s}}
          addresses: [{address: 203.0.113.10/24, interface: eth1}]
        """
            .formatted(mode);
    var secrets =
        Map.of(new SecretKey("vip-auth", "keys"), keys.getBytes(StandardCharsets.US_ASCII));
    var vip = CheckedSpec.check(Serialization.unmarshal(yaml, VirtualIp.class));
    return InstanceConfig.from(vip, "node-a", secrets, List.of(), Map.of(), rings);
  }

  /** A higher advert, with this sequence. */
  private byte[] signed(long sequence) {
    var keys = Hmac.parse(KEYS.getBytes(StandardCharsets.US_ASCII));
    return HmacTrailer.append(unsigned(), keys.getFirst(), sequence, PEER, Frames.GROUP);
  }

  private static byte[] unsigned() {
    var virtual = InetAddress.ofLiteral("203.0.113.10");
    var advert = new Advertisement(Version.V3, 77, 200, SECOND, List.of(virtual));
    return AdvertisementCodec.encode(advert, null, PEER, Frames.GROUP);
  }

  private void hear(byte[] payload) {
    instance.onDatagram(new Datagram(PEER, Frames.GROUP, 255, payload), now);
  }

  private void becomeMaster() {
    now = instance.deadline();
    instance.onDeadline(now);
    assertEquals(State.Master, instance.status().state());
  }

  private double rejected(String reason) {
    var counter = fake.registry.find("virtualip.adverts.rejected").tag("reason", reason).counter();
    return counter == null ? 0 : counter.count();
  }

  @Test
  void aSignedAdvertElectsAndAnUnsignedOneDoesNot() {
    start("Enforce", KEYS);
    becomeMaster();
    hear(unsigned());
    assertEquals(State.Master, instance.status().state());
    assertEquals(1, rejected("HmacMissing"));
    hear(signed(sequence));
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void case64_aReplayedAdvertMovesNoTimer() {
    start("Enforce", KEYS);
    hear(signed(sequence));
    long due = instance.deadline();
    now += SECOND / 2;
    hear(signed(sequence));
    assertEquals(due, instance.deadline());
    assertEquals(1, rejected("HmacReplayed"));
    hear(signed(sequence + 1));
    assertEquals(due + SECOND / 2, instance.deadline());
  }

  @Test
  void case63_unsignedAdvertsElectInThePermissiveModes() {
    for (var mode : List.of("ReceiveOnly", "Permissive")) {
      start(mode, KEYS);
      becomeMaster();
      hear(unsigned());
      assertEquals(State.Backup, instance.status().state(), mode);
    }
  }

  @Test
  void theKeysAreReported() {
    var name = Hmac.parse(KEYS.getBytes(StandardCharsets.US_ASCII)).getFirst().name();
    start("Permissive", KEYS);
    assertEquals(
        new HmacStatus(Mode.Permissive, List.of(name), null, name), instance.status().hmac());
  }

  @Test
  void formerKeysGoOnWhereTheSecretHasNoGoodOnes() {
    var rings = KeyRings.of("node-a", Map.of());
    start(config("Enforce", KEYS, rings));
    becomeMaster();
    instance.update(config("Enforce", "7 a5a5", rings), now);
    assertEquals(State.Master, instance.status().state());
    assertEquals(
        "the former keys of adverts go on, as of Secret vip-auth, key keys: the key in line 1 has 2 bytes: use"
            + " 32 to 64",
        instance.status().message());
  }

  @Test
  void badKeysAreAFaultThatDoesNotTellThem() {
    start("Enforce", "7 a5a5");
    assertEquals(State.Fault, instance.status().state());
    assertEquals("KeysInvalid(vip-auth/keys)", instance.status().reason());
    assertEquals(
        "the key in line 1 has 2 bytes: use 32 to 64: write lines with an id, a space, and 64 to 128 hex digits",
        instance.status().message());
  }
}
