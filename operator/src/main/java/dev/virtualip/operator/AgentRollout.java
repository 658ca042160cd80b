package dev.virtualip.operator;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;
import java.util.Set;

/**
 * The order in which agents are brought up to date: one at a time, backups before masters, so that
 * an upgrade moves each address once.
 */
final class AgentRollout {
  private AgentRollout() {}

  /**
   * The pod to delete next; its successor comes up to date. None while a node is without a ready
   * agent, unless it is an outdated one that isn't.
   *
   * @param revision what agents have to run
   * @param pods the agents' pods
   * @param nodes the nodes that need an agent
   * @param masters nodes that are master of a VirtualIP
   */
  static Optional<Pod> next(
      String revision, Collection<Pod> pods, Set<String> nodes, Set<String> masters) {
    var placed =
        pods.stream()
            .filter(pod -> pod.getSpec().getNodeName() != null)
            .filter(pod -> nodes.contains(pod.getSpec().getNodeName()))
            .toList();
    boolean complete =
        placed.size() == nodes.size()
            && placed.stream().noneMatch(Pod::isMarkedForDeletion)
            && placed.stream().allMatch(pod -> outdated(pod, revision) || ready(pod));
    if (!complete) {
      return Optional.empty();
    }
    return placed.stream()
        .filter(pod -> outdated(pod, revision))
        .min(
            Comparator.comparing(AgentRollout::ready)
                .thenComparing(pod -> masters.contains(pod.getSpec().getNodeName()))
                .thenComparing(pod -> pod.getSpec().getNodeName()));
  }

  /** Whether a pod serves; a change of it may let the next one be replaced. */
  static boolean ready(Pod pod) {
    return !pod.isMarkedForDeletion() && Readiness.getInstance().isReady(pod);
  }

  private static boolean outdated(Pod pod, String revision) {
    var runs = pod.getMetadata().getAnnotations().get(AgentDaemonSet.REVISION);
    return runs != null && !runs.equals(revision);
  }
}
