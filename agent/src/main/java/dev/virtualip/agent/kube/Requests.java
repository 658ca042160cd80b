package dev.virtualip.agent.kube;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.kube.AnyChange;
import dev.virtualip.log.LogLevel;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.net.HttpURLConnection;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the operator asks this node to do, in the ConfigMap {@value VirtualIp#HAND_OVERS}, which no
 * agent may write. Where there is none, or it may not be read, the operator is one that asks by the
 * status of the VirtualIPs, which every agent may write. Its annotation sets the level of the log.
 */
final class Requests implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Requests.class);

  private final SharedIndexInformer<GenericKubernetesResource> informer;
  private final String nodeName;
  private final String key;
  private final LogLevel logLevel = new LogLevel();
  private volatile boolean refused;

  /**
   * @param namespace virtualip's own namespace
   */
  Requests(KubernetesClient client, String nodeName, String namespace) {
    this.nodeName = nodeName;
    key = namespace + "/" + VirtualIp.HAND_OVERS;
    informer =
        client
            .genericKubernetesResources(ApiServer.CONFIG_MAPS)
            .inNamespace(namespace)
            .withField("metadata.name", VirtualIp.HAND_OVERS)
            .runnableInformer(0);
  }

  /**
   * Starts following them.
   *
   * @param changed called by any thread when they may have changed; must not block
   */
  void start(Runnable changed) {
    informer.addEventHandler(
        new AnyChange<>(
            () -> {
              var map = informer.getStore().getByKey(key);
              var annotations = map == null ? null : map.getMetadata().getAnnotations();
              logLevel.follow(annotations == null ? null : annotations.get(LogLevel.ANNOTATION));
              changed.run();
            }));
    Informers.startForEver(
            informer,
            "hand-overs",
            code -> {
              if (code == HttpURLConnection.HTTP_FORBIDDEN && !refused) {
                refused = true;
                changed.run();
              }
            })
        .thenRun(changed);
  }

  /** Whether it is known what is asked. */
  boolean known() {
    return refused || informer.hasSynced();
  }

  /**
   * The present request to this node, or null.
   *
   * @param shown the one in the VirtualIP's status, or null
   */
  HandOver asked(String virtualIp, HandOver shown) {
    var map = informer.getStore().getByKey(key);
    if (map == null) {
      return shown;
    }
    return map.getAdditionalProperties().get("data") instanceof Map<?, ?> data
            && data.get(virtualIp) instanceof String text
        ? parsed(virtualIp, text)
        : null;
  }

  private HandOver parsed(String virtualIp, String text) {
    try {
      var status = KubernetesSource.STATUS.readValue(text, VirtualIpStatus.class);
      return status == null || status.handOvers() == null ? null : status.handOvers().get(nodeName);
    } catch (JsonProcessingException e) {
      LOG.debug("request_unreadable vip={}", virtualIp, e);
      return null;
    }
  }

  @Override
  public void close() {
    informer.stop();
  }
}
