package dev.virtualip.operator.watch;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.util.Objects;

/** Finds the agents' pods, and tells whether they are ready. */
public final class AgentPods {
  /** Name of the DaemonSet that creates them. */
  public static final String NAME = "virtualip-agent";

  /** Label selector of the agents' objects. */
  public static final String LABEL_SELECTOR = "app.kubernetes.io/name=" + NAME;

  private AgentPods() {}

  /** Whether a pod is Ready. */
  public static boolean ready(Pod pod) {
    return !pod.isMarkedForDeletion() && Readiness.getInstance().isReady(pod);
  }

  /**
   * Whether the kubelet says that the agent is not ready. Of a node whose kubelet is dead only the
   * node controller says so, which knows nothing of the agent.
   */
  static boolean isSeenUnready(Pod pod) {
    return !ready(pod) && !Boolean.TRUE.equals(container(pod).getReady());
  }

  private static ContainerStatus container(Pod pod) {
    var status = pod.getStatus();
    var containers = status == null ? null : status.getContainerStatuses();
    return containers == null || containers.isEmpty()
        ? new ContainerStatus()
        : containers.getFirst();
  }

  private static ContainerState state(ContainerState state) {
    return Objects.requireNonNullElseGet(state, ContainerState::new);
  }

  /** Why a pod is not ready, in Kubernetes' own words. */
  public static String trouble(Pod pod) {
    if (pod.isMarkedForDeletion()) {
      return "it is being deleted";
    }
    var container = container(pod);
    var state = state(container.getState());
    if (state.getWaiting() != null && state.getWaiting().getReason() != null) {
      var message = state.getWaiting().getMessage();
      return state.getWaiting().getReason() + (message == null ? "" : ": " + message);
    }
    if (state.getTerminated() != null) {
      return "it ended with exit code " + state.getTerminated().getExitCode();
    }
    if (state.getRunning() == null) {
      return "it has not been started";
    }
    if (Boolean.TRUE.equals(container.getReady())) {
      return "its container is, and the pod is not: does the node's kubelet run?";
    }
    var before = state(container.getLastState()).getTerminated();
    return "it has run since "
        + state.getRunning().getStartedAt()
        + (before == null ? "" : ", after one that ended with exit code " + before.getExitCode());
  }
}
