package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.kube.Heartbeat.PodReference;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HeartbeatTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-01-02T03:04:05.678Z"), ZoneOffset.UTC);

  @Test
  void theLeaseIsTheNodesAndGoesAwayWithTheAgentsPod() {
    var json =
        Heartbeat.lease("n", "virtualip-system", new PodReference("virtualip-agent-x", "u"), CLOCK);
    var lease = Serialization.unmarshal(json, Lease.class);
    assertEquals("virtualip-system", lease.getMetadata().getNamespace());
    assertEquals("agent-n", lease.getMetadata().getName());
    var owner = lease.getMetadata().getOwnerReferences().getFirst();
    assertEquals("Pod virtualip-agent-x", owner.getKind() + " " + owner.getName());
    assertEquals("u", owner.getUid());
    assertEquals("n", lease.getSpec().getHolderIdentity());
    assertEquals(15, lease.getSpec().getLeaseDurationSeconds());
    assertEquals(Instant.parse("2026-01-02T03:04:05Z"), lease.getSpec().getRenewTime().toInstant());
  }

  @Test
  void itBeatsOutsideOfAPodToo() {
    var json = Heartbeat.lease("n", "virtualip-system", null, CLOCK);
    var lease = Serialization.unmarshal(json, Lease.class);
    assertEquals(0, lease.getMetadata().getOwnerReferences().size());
  }

  @Test
  void aDefectIsSurvived() {
    var asked = new AtomicInteger();
    var heartbeat =
        Heartbeat.start(
            null,
            "n",
            "virtualip-system",
            null,
            () -> {
              asked.incrementAndGet();
              throw new AssertionError("on purpose");
            },
            () -> {});
    Await.until(() -> asked.get() == 2, asked::get);
    heartbeat.close();
  }
}
