package dev.virtualip.operator.act;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.log.LogLevel;
import dev.virtualip.operator.decide.StatusDecision;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What nodes are asked to do, where agents can read but not write it: in the ConfigMap {@value
 * VirtualIp#HAND_OVERS}. Its annotation sets the level of the log. Used by one thread.
 */
final class Requests {
  private static final Logger LOG = LoggerFactory.getLogger(Requests.class);
  private static final JsonMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private final KubernetesClient client;
  private final String namespace;
  private final LogLevel logLevel = new LogLevel();
  private boolean missing;

  /** The ConfigMap's data as read last, or null if there is none. */
  private Map<String, String> stored;

  Requests(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  /**
   * The present requests by name of the VirtualIP, each as a status with nothing else; empty if
   * there is no ConfigMap, where agents do what the VirtualIPs' own status says.
   */
  Optional<Map<String, VirtualIpStatus>> read() {
    var map = client.configMaps().inNamespace(namespace).withName(VirtualIp.HAND_OVERS).get();
    if (map == null && !missing) {
      LOG.warn(
          "no_configmap name={}: every agent can ask all others to hand over; apply deploy/base",
          VirtualIp.HAND_OVERS);
    }
    missing = map == null;
    var annotations = missing ? null : map.getMetadata().getAnnotations();
    logLevel.follow(annotations == null ? null : annotations.get(LogLevel.ANNOTATION));
    stored = missing ? null : Objects.requireNonNullElse(map.getData(), Map.of());
    if (missing) {
      return Optional.empty();
    }
    var requests = new HashMap<String, VirtualIpStatus>();
    stored.forEach((name, text) -> requests.put(name, parsed(name, text)));
    return Optional.of(requests);
  }

  private static VirtualIpStatus parsed(String virtualIp, String text) {
    try {
      return Objects.requireNonNullElse(
          JSON.readValue(text, VirtualIpStatus.class), VirtualIpStatus.EMPTY);
    } catch (JsonProcessingException e) {
      LOG.warn("request_unreadable vip={} error=\"{}\"", virtualIp, e.getOriginalMessage());
      return VirtualIpStatus.EMPTY;
    }
  }

  /** Writes those that differ from what was read last. */
  void write(Map<String, StatusDecision> decided) throws IOException, InterruptedException {
    if (stored == null) {
      return;
    }
    var data = JsonNodeFactory.instance.objectNode();
    for (var decision : decided.entrySet()) {
      var text = text(decision.getValue());
      if (text != null && !text.equals(stored.get(decision.getKey()))) {
        data.put(decision.getKey(), text);
      }
    }
    for (var name : stored.keySet()) {
      if (!decided.containsKey(name) || text(decided.get(name)) == null) {
        data.putNull(name);
      }
    }
    if (data.isEmpty()) {
      return;
    }
    var path = "api/v1/namespaces/%s/configmaps/%s".formatted(namespace, VirtualIp.HAND_OVERS);
    var patch = JsonNodeFactory.instance.objectNode().set("data", data).toString();
    var answer = ApiCall.send(client, "PATCH", path, ApiCall.MERGE_PATCH, patch);
    if (!answer.ok()) {
      throw new IOException("%s not written: %s".formatted(VirtualIp.HAND_OVERS, answer));
    }
  }

  private static String text(StatusDecision decided) throws JsonProcessingException {
    var handOvers = decided.handOvers().isEmpty() ? null : decided.handOvers();
    if (handOvers == null && decided.switchOver() == null) {
      return null;
    }
    return JSON.writeValueAsString(
        new VirtualIpStatus(null, null, null, null, null, handOvers, decided.switchOver(), null));
  }
}
