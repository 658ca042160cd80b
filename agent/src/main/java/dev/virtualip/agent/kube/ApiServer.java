package dev.virtualip.agent.kube;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.virtualip.crds.VirtualIp;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

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
        // Kinds are named where they are read: no need to look up, and load, all there are.
        .withKubernetesSerialization(new KubernetesSerialization(new ObjectMapper(), false))
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
   * Writes a JSON merge patch to the status of a VirtualIP. The client's own patch call reads the
   * object first; this one does not, and so needs no right to.
   *
   * @return HTTP status of the answer
   * @throws IOException if there is no answer within 5 s
   */
  static int patchStatus(KubernetesClient client, String virtualIp, String json)
      throws IOException, InterruptedException {
    var http = client.getHttpClient();
    var url =
        "%sapis/%s/%s/%s/%s/status"
            .formatted(
                client.getMasterUrl(),
                VIRTUAL_IPS.getGroup(),
                VIRTUAL_IPS.getVersion(),
                VIRTUAL_IPS.getPlural(),
                virtualIp);
    var request =
        http.newHttpRequestBuilder()
            .uri(url)
            .method("PATCH", "application/merge-patch+json", json)
            .build();
    var answer = http.sendAsync(request, byte[].class);
    try {
      return answer.get(REQUEST_TIMEOUT_MS, TimeUnit.MILLISECONDS).code();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + REQUEST_TIMEOUT_MS + " ms", e);
    } finally {
      answer.cancel(true);
    }
  }
}
