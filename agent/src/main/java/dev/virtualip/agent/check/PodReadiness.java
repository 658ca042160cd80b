package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.LabelSelector;
import java.util.Optional;

/** Tells whether pods on this node are Ready. */
public interface PodReadiness {
  /**
   * Whether any matching pod on this node is Ready, as far as known. Never blocks.
   *
   * @return empty until the API server has answered for the first time
   */
  Optional<Boolean> anyReady(String namespace, LabelSelector selector);
}
