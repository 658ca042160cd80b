package dev.virtualip.agent.kube;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.kube.LiveWatches;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent's client of the API server. */
public final class ApiServer {
  /**
   * VirtualIPs are read as untyped objects. A newer CRD may admit an object that this agent cannot
   * read, and that must not keep it from listing the others.
   */
  static final ResourceDefinitionContext VIRTUAL_IPS = untyped(VirtualIp.class);

  /** Pools, for the same reason. */
  static final ResourceDefinitionContext POOLS = untyped(VirtualIpPool.class);

  /** ConfigMaps, so that none of their classes is loaded for the one that is read. */
  static final ResourceDefinitionContext CONFIG_MAPS =
      new ResourceDefinitionContext.Builder()
          .withVersion("v1")
          .withKind("ConfigMap")
          .withPlural("configmaps")
          .withNamespaced(true)
          .build();

  private static final int CONNECT_TIMEOUT_MS = 2000;
  private static final int REQUEST_TIMEOUT_MS = 5000;
  private static final int WATCH_RECONNECT_MS = 250;

  /** Passphrase of an in-memory key store without secrets. */
  private static final String PASSPHRASE = "empty";

  private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);

  private ApiServer() {}

  private static ResourceDefinitionContext untyped(Class<? extends HasMetadata> kind) {
    return new ResourceDefinitionContext.Builder()
        .withGroup(HasMetadata.getGroup(kind))
        .withVersion(HasMetadata.getVersion(kind))
        .withKind(HasMetadata.getKind(kind))
        .withPlural(HasMetadata.getPlural(kind))
        .withNamespaced(false)
        .build();
  }

  /**
   * A client with short timeouts, since {@link KubernetesSource} and {@link StatusReporter} try
   * again by themselves. Watches reconnect after 0.25 s to 8 s. No request is sent yet.
   *
   * @param kubeconfig null for the file that kubectl would use, or else the pod's service account
   */
  public static KubernetesClient client(Path kubeconfig) {
    var config =
        kubeconfig == null
            ? Config.autoConfigure(null)
            : Config.fromKubeconfig(kubeconfig.toFile());
    var builder =
        new ConfigBuilder(config)
            .withConnectionTimeout(CONNECT_TIMEOUT_MS)
            .withRequestTimeout(REQUEST_TIMEOUT_MS)
            .withRequestRetryBackoffLimit(0)
            .withWatchReconnectInterval(WATCH_RECONNECT_MS)
            // With HTTP/2 every request would go into the same pooled connection, even to a dead
            // server.
            .withHttp2Disable(true);
    if (config.getCaCertFile() == null && config.getCaCertData() == null) {
      return client(builder.build());
    }
    try {
      return clientTrustingOne(builder);
    } catch (IOException | GeneralSecurityException e) {
      LOG.debug("trust_store_not_made error=\"{}\": reading that of the JVM", e.getMessage());
      return client(builder.build());
    }
  }

  private static KubernetesClient client(Config config) {
    return new KubernetesClientBuilder()
        .withHttpClientFactory(new LiveWatches())
        .withKubernetesSerialization(Kinds.serialization())
        .withConfig(config)
        .build();
  }

  /**
   * A client that trusts only the configured certificate authority. By default it would trust the
   * JVM's too, and reading those 150 certificates takes time and 2 MiB.
   */
  private static KubernetesClient clientTrustingOne(ConfigBuilder builder)
      throws IOException, GeneralSecurityException {
    var empty = KeyStore.getInstance(KeyStore.getDefaultType());
    empty.load(null, null);
    var file = Files.createTempFile("trust", "");
    try {
      try (var out = Files.newOutputStream(file)) {
        empty.store(out, PASSPHRASE.toCharArray());
      }
      return client(
          builder.withTrustStoreFile(file.toString()).withTrustStorePassphrase(PASSPHRASE).build());
    } finally {
      Files.delete(file);
    }
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
