package dev.virtualip.operator;

import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.MissingCRDException;
import java.net.BindException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Objects;

/** Advice about an operator that does not start, or can't go on. */
final class StartFailure {
  private StartFailure() {}

  /** One line for the administrator: the cause, and what to do. */
  static String advice(Throwable failure) {
    for (var e = failure; e != null; e = e.getCause()) {
      if (e instanceof BindException || e instanceof UnresolvedAddressException) {
        return "cannot listen (%s): choose another --listen HOST:PORT".formatted(oneLine(e));
      }
      if (e instanceof MissingCRDException || isStatus(e, 404)) {
        return "the API server does not know VirtualIPs: run kubectl apply -k crds first";
      }
      if (isStatus(e, 401) || isStatus(e, 403)) {
        return "the API server refuses access (%s): apply the roles of deploy/base"
            .formatted(oneLine(e));
      }
      if (e instanceof Leadership.Lost) {
        return "another operator leads, or the API server was away too long: start it again to wait"
            + " for its turn";
      }
      if (e instanceof IllegalArgumentException) {
        return oneLine(e);
      }
    }
    var root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return "no connection to the API server (%s): check --kubeconfig, and that the server runs"
        .formatted(oneLine(root));
  }

  private static boolean isStatus(Throwable e, int code) {
    return e instanceof KubernetesClientException client && client.getCode() == code;
  }

  static String oneLine(Throwable e) {
    var message =
        e instanceof KubernetesClientException client && client.getStatus() != null
            ? client.getStatus().getMessage()
            : e.getMessage();
    return Objects.requireNonNullElse(message, e.getClass().getSimpleName())
        .replaceAll("\\s+", " ");
  }
}
