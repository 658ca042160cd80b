package dev.virtualip.agent.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AgentMetricsTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final AgentMetrics metrics = new AgentMetrics(registry);

  private static NodeStatus status(State state, Integer priority) {
    return Serialization.unmarshal(
        "---\n{state: %s, priority: %s}".formatted(state, priority), NodeStatus.class);
  }

  /** The states whose series is 1. */
  private List<State> shown() {
    return Stream.of(State.values())
        .filter(s -> registry.get("virtualip.state").tag("state", s.name()).gauge().value() == 1)
        .toList();
  }

  @Test
  void exactlyOneStateIsShown() {
    metrics.status("web", status(State.Backup, 80));
    assertEquals(List.of(State.Backup), shown());
    metrics.status("web", status(State.Master, 100));
    assertEquals(List.of(State.Master), shown());
    assertEquals(100, registry.get("virtualip.priority").tag("vip", "web").gauge().value());
  }

  @Test
  void whatIsNotRunHasNoPriority() {
    metrics.status("web", status(State.Fault, null));
    assertEquals(0, registry.get("virtualip.priority").gauge().value());
  }

  @Test
  void whatIsGoneIsShownNoMore() {
    metrics.status("web", status(State.Master, 100));
    metrics.forget("web");
    assertNull(registry.find("virtualip.state").gauge());
    assertNull(registry.find("virtualip.priority").gauge());
    metrics.status("web", status(State.Backup, 80));
    assertEquals(List.of(State.Backup), shown());
  }

  @Test
  void egressIsShownOfThoseThatAreTranslatedNow() {
    metrics.egress(Map.of("web", 3, "mail", 0), Set.of("mail"));
    assertEquals(
        3, registry.get("virtualip.egress.pod.addresses").tag("vip", "web").gauge().value());
    assertEquals(0, registry.get("virtualip.egress.failed").tag("vip", "web").gauge().value());
    assertEquals(1, registry.get("virtualip.egress.failed").tag("vip", "mail").gauge().value());
    metrics.egress(Map.of(), Set.of());
    assertEquals(List.of(), registry.getMeters());
  }

  @Test
  void aNewVerdictOfACheckKeepsItsDurations() {
    metrics.checked("web", "nginx", true, Duration.ofMillis(3));
    metrics.check("web", "nginx", "refused");
    assertEquals(1, registry.get("virtualip.check.duration").timer().count());
    metrics.forgetCheck("web", "nginx");
    assertEquals(List.of(), registry.getMeters());
  }
}
