package dev.virtualip.agent.source;

import dev.virtualip.crds.schema.EgressPods;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.PodServers;

/**
 * Selects pods that are real servers, or whose packets leave with a virtual address.
 *
 * @param selector not empty
 */
public record PodSelector(String namespace, LabelSelector selector) {
  /** The pods that a valid virtual server names. */
  public static PodSelector of(PodServers pods) {
    return new PodSelector(pods.namespace(), pods.selector());
  }

  /** The pods that a valid {@code spec.egress} names. */
  public static PodSelector of(EgressPods pods) {
    return new PodSelector(pods.namespace(), pods.selector());
  }
}
