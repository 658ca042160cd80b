package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.LabelSelector;
import java.util.Optional;

/** Tells whether pods on this node are Ready. */
public interface PodReadiness {
  /** How the matching pods of a node are. */
  enum Readiness {
    /** One is Ready, and stays. */
    Ready,
    /** All that are Ready are about to be deleted, and serve until then. */
    Terminating,
    /** None is Ready. */
    None
  }

  /**
   * The readiness of the matching pods on this node, as far as known. Never blocks.
   *
   * @return empty until the API server has answered for the first time
   */
  Optional<Readiness> readiness(String namespace, LabelSelector selector);

  /**
   * Tells of changes of the readiness of the matching pods.
   *
   * @param changed called after each change that is noticed; by another thread, and must not block
   * @return ends it
   */
  default Runnable follow(String namespace, LabelSelector selector, Runnable changed) {
    return () -> {};
  }
}
