package dev.virtualip.agent.kube;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.client.Informer;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.log.LogLevel;
import java.net.HttpURLConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the operator asks this node to do, in the ConfigMap {@value VirtualIp#HAND_OVERS}, which no
 * agent may write. Where there is none, or it may not be read, the operator is one that asks by the
 * status of the VirtualIPs, which every agent may write. Its annotation sets the level of the log.
 */
final class Requests implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Requests.class);

  private final Informer<ObjectNode> informer;
  private final Runnable changed;
  private final String nodeName;
  private final String key;
  private final LogLevel logLevel = new LogLevel();
  private volatile boolean refused;

  /**
   * @param namespace virtualip's own namespace
   * @param changed called by any thread when they may have changed; must not block
   */
  Requests(ApiServer api, String nodeName, String namespace, Runnable changed) {
    this.nodeName = nodeName;
    this.changed = changed;
    key = namespace + "/" + VirtualIp.HAND_OVERS;
    informer =
        new Informer<>(
            api, Kinds.configMap("hand-overs", namespace, VirtualIp.HAND_OVERS), new Changes());
  }

  /** Starts following them. */
  void start() {
    informer.start();
  }

  private final class Changes implements Informer.Listener<ObjectNode> {
    @Override
    public void changed(ObjectNode before, ObjectNode now) {
      var annotations = now == null ? MissingNode.getInstance() : now.at("/metadata/annotations");
      logLevel.follow(annotations.path(LogLevel.ANNOTATION).textValue());
      changed.run();
    }

    @Override
    public void listed() {
      changed.run();
    }

    @Override
    public void refused(int code) {
      if (code == HttpURLConnection.HTTP_FORBIDDEN && !refused) {
        refused = true;
        changed.run();
      }
    }
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
    var map = informer.get(key);
    if (map == null) {
      return shown;
    }
    var text = map.path("data").get(virtualIp);
    return text == null || !text.isTextual() ? null : parsed(virtualIp, text.asText());
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
    informer.close();
  }
}
