package dev.virtualip.agent.source;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodIP;
import java.util.List;
import java.util.Objects;

/**
 * The facts about a pod that decide whether it is a real server, and which packets are its.
 *
 * @param name unique in its namespace
 * @param addresses its podIPs, of each family at most one; those of its node with hostNetwork; none
 *     once it has ended, as another may have them then
 * @param ready whether it has the condition Ready
 * @param terminating whether it has been deleted and has not ended yet
 */
public record PodFacts(String name, List<String> addresses, boolean ready, boolean terminating) {
  /** Turns null addresses into an empty list. */
  public PodFacts {
    addresses = addresses == null ? List.of() : List.copyOf(addresses);
  }

  /** The facts of a Pod object. */
  public static PodFacts of(Pod pod) {
    var status = pod.getStatus();
    return new PodFacts(
        pod.getMetadata().getName(),
        status == null || hasEnded(pod)
            ? List.of()
            : status.getPodIPs().stream().map(PodIP::getIp).filter(Objects::nonNull).toList(),
        isReady(pod),
        pod.isMarkedForDeletion());
  }

  private static boolean hasEnded(Pod pod) {
    var phase = pod.getStatus().getPhase();
    return "Succeeded".equals(phase) || "Failed".equals(phase);
  }

  /** Whether a Pod object has the condition Ready. */
  public static boolean isReady(Pod pod) {
    return pod.getStatus() != null
        && pod.getStatus().getConditions().stream()
            .anyMatch(c -> "Ready".equals(c.getType()) && "True".equals(c.getStatus()));
  }
}
