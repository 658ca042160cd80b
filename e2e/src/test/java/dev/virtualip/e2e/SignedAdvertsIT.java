package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Two agents that sign their adverts, and a keepalived without the key that wants the address. */
@InLab
class SignedAdvertsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String VIP = "10.9.1.60";
  private static final String OLD = "1 " + "01".repeat(32) + "\n";
  private static final String NEW = "2 " + "02".repeat(32) + "\n";

  private static AgentProgram agent(Host host, int priority) {
    return AgentProgram.start(
        host,
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec:
          vrid: 60
          interface: eth0
          priority: %d
          addresses: [{address: %s/32}]
          authentication: {hmac: {keysSecretRef: {name: vip-hmac, key: keys}}}
        """
            .formatted(priority, VIP),
        Map.of("vip-hmac/keys", OLD));
  }

  private static void awaitSent(AgentProgram agent, int id) {
    Await.until(
        "key " + id + " is sent",
        SOON,
        () -> agent.status("web").path("hmac").path("sends").asInt() == id);
  }

  @Test
  void keysRollOverAndNobodyWithoutThemIsElected() {
    try (var lab = Lab.open()) {
      var wire = lab.wire("signed");
      var a = lab.host("a").plug("eth0", wire, "10.9.0.1/16");
      var b = lab.host("b").plug("eth0", wire, "10.9.0.2/16");
      var c = lab.host("c").plug("eth0", wire, "10.9.0.3/16");
      var master = agent(a, 150);
      var backup = agent(b, 100);
      Await.until("a is master", SOON, () -> a.hasAddress(VIP));
      backup.awaitStatus("web", "state", "Backup");
      long transitions = backup.status("web").path("transitions").asLong();

      for (var keys : List.of(OLD + NEW, NEW + OLD, NEW)) {
        for (var agent : List.of(backup, master)) {
          agent.secret("vip-hmac/keys", keys);
          awaitSent(agent, keys.startsWith(OLD) ? 1 : 2);
          Await.until(
              "it accepts the keys",
              SOON,
              () -> agent.status("web").path("hmac").path("accepts").size() == keys.length() / 67);
        }
      }
      assertEquals(transitions, backup.status("web").path("transitions").asLong(), "no takeover");

      var stranger =
          new Keepalived.Instance(
              "VI_1",
              "eth0",
              60,
              200,
              3,
              "1",
              null,
              List.of(VIP + "/32"),
              List.of(),
              null,
              List.of());
      Keepalived.start(c, stranger.config());
      Await.until(
          "unsigned adverts are dropped",
          SOON,
          () -> master.metrics().contains("reason=\"HmacMissing\""));
      assertTrue(a.hasAddress(VIP));
      assertFalse(b.hasAddress(VIP));
    }
  }
}
