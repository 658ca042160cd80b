package dev.virtualip.agent.kube;

import dev.virtualip.crds.VirtualIp;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.kube.LiveWatches;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.io.IOException;
import java.nio.file.Path;

/** How the agent talks to the API server. */
public final class ApiServer {
  /**
   * VirtualIPs as untyped objects: one that a newer CRD lets pass and this agent cannot read must
   * not keep it from listing the others.
   */
  static final ResourceDefinitionContext VIRTUAL_IPS =
      new ResourceDefinitionContext.Builder()
          .withGroup(HasMetadata.getGroup(VirtualIp.class))
          .withVersion(HasMetadata.getVersion(VirtualIp.class))
          .withKind(HasMetadata.getKind(VirtualIp.class))
          .withPlural(HasMetadata.getPlural(VirtualIp.class))
          .withNamespaced(false)
          .build();

  private static final int CONNECT_TIMEOUT_MS = 2000;
  private static final int REQUEST_TIMEOUT_MS = 5000;
  private static final int WATCH_RECONNECT_MS = 250;

  private ApiServer() {}

  /**
   * A client that gives up soon, since {@link KubernetesSource} and {@link StatusReporter} try
   * again by themselves; watches reconnect after 0.25 s to 8 s. It asks nothing yet.
   *
   * @param kubeconfig null for what kubectl would use, or the pod's service account
   */
  public static KubernetesClient client(Path kubeconfig) {
    var config =
        kubeconfig == null
            ? Config.autoConfigure(null)
            : Config.fromKubeconfig(kubeconfig.toFile());
    return new KubernetesClientBuilder()
        .withHttpClientFactory(new LiveWatches())
        .withKubernetesSerialization(Kinds.serialization())
        .withConfig(
            new ConfigBuilder(config)
                .withConnectionTimeout(CONNECT_TIMEOUT_MS)
                .withRequestTimeout(REQUEST_TIMEOUT_MS)
                .withRequestRetryBackoffLimit(0)
                .withWatchReconnectInterval(WATCH_RECONNECT_MS)
                // A pooled HTTP/2 connection to a dead server swallows request after request.
                .withHttp2Disable(true)
                .build())
        .build();
  }

  /**
   * Writes a JSON merge patch to the status of a VirtualIP.
   *
   * @return HTTP status of the answer
   * @throws IOException if there is no answer within 5 s
   */
  static int patchStatus(KubernetesClient client, String virtualIp, String json)
      throws IOException, InterruptedException {
    var path =
        "apis/%s/%s/%s/%s/status"
            .formatted(
                VIRTUAL_IPS.getGroup(),
                VIRTUAL_IPS.getVersion(),
                VIRTUAL_IPS.getPlural(),
                virtualIp);
    return ApiCall.send(client, "PATCH", path, ApiCall.MERGE_PATCH, json).code();
  }
}
