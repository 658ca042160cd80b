package dev.virtualip.operator.watch;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.util.Objects;

/** The agents' pods: how they are found, and whether they serve. */
public final class AgentPods {
  /** Of the DaemonSet that makes them. */
  public static final String NAME = "virtualip-agent";

  /** Finds what belongs to agents. */
  public static final String LABEL_SELECTOR = "app.kubernetes.io/name=" + NAME;

  private AgentPods() {}

  /** Whether a pod serves; a change of it may let the next one be replaced. */
  public static boolean ready(Pod pod) {
    return !pod.isMarkedForDeletion() && Readiness.getInstance().isReady(pod);
  }

  /**
   * Whether the kubelet says that the agent does not serve. Of a node whose kubelet is dead the
   * node controller says so, and knows nothing.
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

  /** Why a pod does not serve, as far as Kubernetes tells. */
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
