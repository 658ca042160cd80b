package dev.virtualip.agent.kube;

import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.informers.cache.BasicItemStore;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Keeps only those parts of VirtualIPs that the agent reads. Each agent receives all VirtualIPs of
 * the cluster, and most of an object is the status of other nodes and of the operator.
 */
final class SlimStore extends BasicItemStore<GenericKubernetesResource> {
  private static final Map<String, Object> STATES =
      Arrays.stream(State.values())
          .map(State::name)
          .collect(Collectors.toUnmodifiableMap(name -> name, name -> Map.of("state", name)));

  private final String nodeName;

  /**
   * An empty store.
   *
   * @param nodeName this node, whose own status is kept as a whole
   */
  SlimStore(String nodeName) {
    super(Cache::metaNamespaceKeyFunc);
    this.nodeName = nodeName;
  }

  @Override
  public GenericKubernetesResource put(String key, GenericKubernetesResource virtualIp) {
    var fields = virtualIp.getAdditionalProperties();
    if (fields.get("status") instanceof Map<?, ?> status) {
      fields.put("status", slim(status));
    }
    return super.put(key, virtualIp);
  }

  /** The status without conditions, and with no more than state and keys of other nodes. */
  private Map<Object, Object> slim(Map<?, ?> status) {
    var slim = new HashMap<Object, Object>(status);
    slim.remove("conditions");
    if (status.get("nodes") instanceof Map<?, ?> nodes) {
      var states = new HashMap<Object, Object>();
      nodes.forEach((name, said) -> states.put(name, name.equals(nodeName) ? said : slim(said)));
      slim.put("nodes", states);
    }
    return slim;
  }

  /** One shared object for all nodes in the same state; where adverts are signed, one for each. */
  private static Object slim(Object said) {
    if (!(said instanceof Map<?, ?> fields) || !(fields.get("state") instanceof String state)) {
      return said;
    }
    var keys = fields.get("hmac");
    return keys == null ? STATES.getOrDefault(state, said) : Map.of("state", state, "hmac", keys);
  }
}
