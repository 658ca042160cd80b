package dev.virtualip.agent.source;

import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.PodServers;

/**
 * Selects pods that are real servers.
 *
 * @param selector not empty
 */
public record PodSelector(String namespace, LabelSelector selector) {
  /** The pods that a valid virtual server names. */
  public static PodSelector of(PodServers pods) {
    return new PodSelector(pods.namespace(), pods.selector());
  }
}
