package dev.virtualip.operator.watch;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.util.Objects;
import java.util.Optional;

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

  /** Why a pod is not ready, in Kubernetes' own words. */
  public static String trouble(Pod pod) {
    if (pod.isMarkedForDeletion()) {
      return "it is being deleted";
    }
    if (pod.getStatus() == null || pod.getStatus().getContainerStatuses() == null) {
      return "it has not been started";
    }
    return pod.getStatus().getContainerStatuses().stream()
        .flatMap(container -> trouble(container).stream())
        .findFirst()
        .orElse("it is starting");
  }

  private static Optional<String> trouble(ContainerStatus container) {
    var state = Objects.requireNonNullElseGet(container.getState(), ContainerState::new);
    if (state.getWaiting() != null && state.getWaiting().getReason() != null) {
      var message = state.getWaiting().getMessage();
      return Optional.of(state.getWaiting().getReason() + (message == null ? "" : ": " + message));
    }
    if (state.getTerminated() != null) {
      return Optional.of("it ended with exit code " + state.getTerminated().getExitCode());
    }
    return Optional.ofNullable(container.getLastState())
        .map(ContainerState::getTerminated)
        .map(
            ended ->
                "it is starting, and ended with exit code %d before"
                    .formatted(ended.getExitCode()));
  }
}
