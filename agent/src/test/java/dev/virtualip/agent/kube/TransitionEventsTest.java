package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.client.MockApi;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.EventWriter;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

@EnableKubernetesMockClient(crud = true)
class TransitionEventsTest {
  KubernetesClient client;

  private long now;

  private static VirtualIp vip(String name) {
    var vip = new VirtualIp();
    vip.setMetadata(new ObjectMetaBuilder().withName(name).withUid("uid-" + name).build());
    return vip;
  }

  private long written(String name) {
    return client.v1().events().inNamespace("default").list().getItems().stream()
        .filter(event -> event.getInvolvedObject().getName().equals(name))
        .count();
  }

  /** Forged adverts make states and reasons change as often as somebody likes. */
  @Test
  void whatFlapsWithoutEndIsTwentyEventsAndOneInTenSeconds() {
    try (var writer = EventWriter.start(MockApi.of(client)::send, "virtualip-agent", "node-a")) {
      var events = new TransitionEvents(writer, "node-a", () -> now);
      events.objects(Stream.of("web", "mail", "other").map(TransitionEventsTest::vip).toList());
      for (int i = 0; i < 100; i++) {
        events.changed("web", status("HigherPriority(10.0.0.%d)".formatted(i)));
      }
      events.changed("mail", status("Started"));
      Await.until(() -> written("mail") == 1, () -> "mail is not told of");
      assertEquals(Budget.MOST, written("web"));
      now += Duration.ofSeconds(10).toNanos();
      for (var reason : List.of("a", "b")) {
        events.changed("web", status(reason));
      }
      events.changed("other", status("Started"));
      Await.until(() -> written("other") == 1, () -> "other is not told of");
      assertEquals(Budget.MOST + 1, written("web"));
    }
  }

  private static NodeStatus status(String reason) {
    return new NodeStatus(State.Backup, 100, null, reason, null, 1L, null, 1L);
  }
}
