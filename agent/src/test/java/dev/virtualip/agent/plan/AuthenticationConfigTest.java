package dev.virtualip.agent.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.Hmac.Mode;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HmacStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The keys of signed adverts as a node takes them from Secret and status. */
class AuthenticationConfigTest {
  private static final SecretKey KEYS = new SecretKey("vip-auth", "keys");
  private static final String ONE = "1 " + "01".repeat(32) + "\n";
  private static final String BOTH = ONE + "2 " + "02".repeat(32) + "\n";

  /** A VirtualIP whose nodes report these keys; null for a node without any. */
  @SafeVarargs
  private static VirtualIp reported(List<Integer>... accepts) {
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
    var nodes = new HashMap<String, NodeStatus>();
    for (var ids : accepts) {
      var report = new NodeStatus(null, 100, null, null, null, null, null, null);
      nodes.put(
          "node-" + nodes.size(), ids == null ? report : report.withHmac(new HmacStatus(ids, 1)));
    }
    vip.setStatus(new VirtualIpStatus(null, null, null, null, nodes, null, null, null));
    return vip;
  }

  private static AuthenticationConfig read(VirtualIp vip, String secret) {
    return AuthenticationConfig.of(vip, Map.of(KEYS, secret.getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  void theNewestKeyThatAllNodesReportIsSent() {
    assertEquals(1, read(reported(List.of(1, 2), List.of(1)), BOTH).hmac().sends());
    assertEquals(1, read(reported(List.of(1, 2), null), BOTH).hmac().sends());
    assertEquals(2, read(reported(List.of(1, 2), List.of(1, 2)), BOTH).hmac().sends());
    assertEquals(Mode.Enforce, read(reported(), ONE).hmac().mode());
  }

  @Test
  void withoutAnyReportTheFirstKeyIsSent() {
    var vip = reported();
    assertEquals(1, read(vip, BOTH).hmac().sends());
    vip.setStatus(null);
    assertEquals(1, read(vip, BOTH).hmac().sends());
  }

  @Test
  void missingAndBadKeysAreTold() {
    var missing = AuthenticationConfig.of(reported(), Map.of());
    assertEquals(KEYS, missing.missing());
    assertNull(missing.hmac());
    var bad = read(reported(), "1 0123");
    assertEquals("key 1 has 2 bytes: use 32 to 64", bad.badKeys().problem());
    assertNull(bad.hmac());
  }

  /**
   * Three nodes, of which one misses each update for a long time: whatever one sends, the others
   * accept at every moment, from the first key to the second.
   */
  @Test
  void noMomentIsWithoutACommonKeyWhileOneNodeIsAway() {
    for (int away = 0; away < 3; away++) {
      var cluster = new Cluster();
      cluster.secret = BOTH;
      for (int round = 0; round < 3; round++) {
        for (int node = 0; node < 3; node++) {
          if (node != away) {
            cluster.update(node);
          }
        }
      }
      assertEquals(List.of(1, 1, 1), cluster.sent(), "the new key waits for " + away);
      for (int round = 0; round < 2; round++) {
        for (int node = 2; node >= 0; node--) {
          cluster.update(node);
        }
      }
      assertEquals(List.of(2, 2, 2), cluster.sent());
      cluster.secret = BOTH.substring(ONE.length());
      for (int node = 0; node < 3; node++) {
        cluster.update(node);
      }
      assertEquals(List.of(2, 2, 2), cluster.sent(), "the old key has gone");
    }
  }

  /** Nodes that read Secret and status when they are told to, and then report. */
  private static final class Cluster {
    private String secret = ONE;

    @SuppressWarnings({"unchecked", "rawtypes"})
    private final List<Integer>[] reports = new List[] {List.of(1), List.of(1), List.of(1)};

    private final AuthenticationConfig[] nodes = new AuthenticationConfig[3];

    Cluster() {
      for (int node = 0; node < 3; node++) {
        update(node);
      }
    }

    /** A node reads what there is, sends by it, and reports what it accepts. */
    void update(int node) {
      nodes[node] = read(reported(reports), secret);
      reports[node] = nodes[node].hmac().ids().stream().sorted().toList();
      if (Arrays.stream(nodes).allMatch(one -> one != null)) {
        sent()
            .forEach(
                id -> {
                  for (var receiver : nodes) {
                    assertTrue(receiver.hmac().ids().contains(id));
                  }
                });
      }
    }

    List<Integer> sent() {
      return Arrays.stream(nodes).map(node -> node.hmac().sends()).toList();
    }
  }
}
