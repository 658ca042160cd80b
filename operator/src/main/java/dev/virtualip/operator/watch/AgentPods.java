package dev.virtualip.operator.watch;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.util.Objects;
import java.util.Optional;

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

  /** Why a pod does not serve, in Kubernetes' own words. */
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
