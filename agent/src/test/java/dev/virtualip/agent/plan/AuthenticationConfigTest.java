package dev.virtualip.agent.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.agent.vrrp.Hmac;
import dev.virtualip.agent.vrrp.Hmac.Mode;
import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The keys of signed adverts as a node takes them from Secret and status. */
class AuthenticationConfigTest {
  private static final SecretKey KEYS = new SecretKey("vip-auth", "keys");
  private static final String ONE = "1 " + "01".repeat(32) + "\n";
  private static final String TWO = "2 " + "02".repeat(32) + "\n";

  private final KeyRings rings = KeyRings.of("node-a", Map.of());

  /** A VirtualIP about which these nodes report. */
  private static VirtualIp vip(Map<String, NodeStatus> nodes) {
    var vip =
        Serialization.unmarshal(
            """
            apiVersion: virtualip.dev/v1alpha1
            kind: VirtualIP
            metadata: {name: web}
            spec:
              vrid: 77
              interface: eth0
              authentication: {hmac: {keysSecretRef: {name: vip-auth, key: keys}}}
              addresses: [{address: 203.0.113.10/24}]
            """,
            VirtualIp.class);
    vip.setStatus(new VirtualIpStatus(null, null, null, null, nodes, null, null, null));
    return vip;
  }

  /** A node that begins with these keys, and reports in a state. */
  private static NodeStatus node(State state, String keys) {
    var config = AuthenticationConfig.of(vip(null), secret(keys), KeyRings.of("node-b", Map.of()));
    return new NodeStatus(state, KeyRings.status(config.hmac()));
  }

  private static Map<SecretKey, byte[]> secret(String keys) {
    return Map.of(KEYS, keys.getBytes(StandardCharsets.US_ASCII));
  }

  private AuthenticationConfig read(Map<String, NodeStatus> nodes, String keys) {
    return AuthenticationConfig.of(vip(nodes), secret(keys), rings);
  }

  private static int sends(AuthenticationConfig config) {
    return config.hmac().ring().sends().id();
  }

  @Test
  void aReplacedKeyWaitsForTheReportsOfTheOthers() {
    var one = node(State.Backup, ONE);
    var two = node(State.Backup, TWO);
    var old = Map.of("node-a", one, "node-b", one);
    assertEquals(1, sends(read(old, ONE)));
    assertEquals(1, sends(read(old, TWO)));
    assertEquals(1, sends(read(Map.of("node-a", two, "node-b", one), TWO)));
    assertEquals(2, sends(read(Map.of("node-a", two, "node-b", two), TWO)));
  }

  /** If the Secret went back to the former keys, nobody would know what this node had sent. */
  @Test
  void aReplacedKeyWaitsUntilItsOwnReportIsThere() {
    var own = Map.of("node-a", node(State.Backup, ONE));
    assertEquals(1, sends(read(own, ONE)));
    assertEquals(1, sends(read(own, TWO)));
    assertEquals(1, sends(read(Map.of(), TWO)), "its report is gone");
    assertEquals(2, sends(read(Map.of("node-a", node(State.Backup, TWO)), TWO)));
  }

  @Test
  void whoBeginsWithOtherKeysThanALiveNodeWaits() {
    assertEquals("node-b", read(Map.of("node-b", node(State.Backup, ONE)), TWO).stranger());
    assertNull(read(Map.of("node-b", node(State.Unknown, ONE)), TWO).stranger(), "not heard of");
    assertNull(read(Map.of("node-b", node(State.Backup, ONE)), TWO).stranger(), "it has begun");
  }

  @Test
  void whoHadItsKeysBeforeDoesNotWait() {
    read(Map.of(), ONE);
    var restarted = KeyRings.of("node-a", rings.all());
    var node = node(State.Backup, ONE);
    var vip = vip(Map.of("node-a", node, "node-b", node));
    var config = AuthenticationConfig.of(vip, secret(TWO), restarted);
    assertNull(config.stranger());
    assertEquals(1, sends(config));
    assertEquals(List.of(1), config.hmac().ring().kept().stream().map(HmacKey::id).toList());
  }

  @Test
  void whoIsNotWaitedForAnyMoreBeginsAnew() {
    read(Map.of(), ONE);
    var restarted = KeyRings.of("node-a", rings.all());
    var vip = vip(Map.of("node-b", node(State.Backup, TWO)));
    assertEquals(2, sends(AuthenticationConfig.of(vip, secret(TWO), restarted)));
  }

  @Test
  void missingAndBadKeysAreTold() {
    var missing = AuthenticationConfig.of(vip(null), Map.of(), rings);
    assertEquals(KEYS, missing.missing());
    assertNull(missing.hmac());
    var bad = read(null, "1 0123");
    assertEquals("the key in line 1 has 2 bytes: use 32 to 64", bad.badKeys().problem());
    assertNull(bad.missing());
    assertNull(bad.hmac());
  }

  @Test
  void whatWasGoodGoesOnWhereTheSecretIsNot() {
    var good = read(null, ONE);
    var bad = read(null, "1 0123");
    assertEquals(good.hmac(), bad.hmac());
    assertEquals("the key in line 1 has 2 bytes: use 32 to 64", bad.badKeys().problem());
    var gone = AuthenticationConfig.of(vip(null), Map.of(), rings);
    assertEquals(good.hmac(), gone.hmac());
    assertEquals("it is gone", gone.badKeys().problem());
    assertNull(gone.missing());
  }

  @Test
  void keysAreForgottenWhenAdvertsAreNotSignedAnyMore() {
    read(null, ONE);
    var unsigned = vip(null);
    unsigned.setSpec(Serialization.unmarshal("{\"vrid\": 77}", VirtualIpSpec.class));
    AuthenticationConfig.of(unsigned, secret(ONE), rings);
    assertEquals(Map.of(), rings.all());
  }

  @Test
  void fromFilesTheFirstKeyIsSent() {
    var files = KeyRings.untold();
    var config = AuthenticationConfig.of(vip(null), secret(ONE + TWO), files);
    assertEquals(1, sends(config));
    assertEquals(Mode.Enforce, config.hmac().mode());
    var turned = AuthenticationConfig.of(vip(null), secret(TWO + ONE), files);
    assertEquals(2, sends(turned));
    var keys = Hmac.parse(TWO.getBytes(StandardCharsets.US_ASCII));
    assertEquals(keys, AuthenticationConfig.of(vip(null), secret(TWO), files).hmac().ring().keys());
  }
}
