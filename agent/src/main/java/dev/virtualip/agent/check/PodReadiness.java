package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.LabelSelector;
import java.util.Optional;

/** Knows the pods of this node. */
public interface PodReadiness {
  /**
   * Whether any matching pod on this node is Ready, by the last that is known. Never blocks.
   *
   * @return empty until the API server has answered for the first time
   */
  Optional<Boolean> anyReady(String namespace, LabelSelector selector);
}
