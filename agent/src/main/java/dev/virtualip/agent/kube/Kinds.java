package dev.virtualip.agent.kube;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.agent.client.Fields;
import dev.virtualip.agent.client.Resource;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAddress;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.NodeStatus;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Taint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The kinds of objects that the agent reads, and the fields of each. All others are skipped as they
 * come. Objects are made field by field: Jackson would load the classes of all their fields.
 */
final class Kinds {
  /** Path of VirtualIPs. */
  static final String VIRTUAL_IPS = path(VirtualIp.class);

  private static final Fields METADATA = Fields.but(Set.of("managedFields"));

  /**
   * VirtualIPs and pools are read as untyped objects. A newer CRD may admit an object that this
   * agent cannot read, and that must not keep it from listing the others.
   */
  static final Resource<ObjectNode> POOLS =
      new Resource<>(
          "virtualippools",
          path(VirtualIpPool.class),
          "",
          Fields.only(Map.of("metadata", METADATA, "spec", Fields.ALL)),
          pool -> pool);

  static final Resource<NodeFacts> NODES =
      new Resource<>(
          "nodes",
          "api/v1/nodes",
          "",
          Fields.only(
              Map.of(
                  "metadata", only("name", "labels", "resourceVersion"),
                  "spec", only("taints"),
                  "status", only("addresses"))),
          node -> NodeFacts.of(node(node)));

  /** Pods of all namespaces. */
  static final Resource<Pod> PODS = pods("pods", "api/v1/pods", Kinds::pod);

  /** One object for all reports that say no more than a state. */
  private static final Map<String, ObjectNode> STATES =
      Arrays.stream(State.values())
          .map(State::name)
          .collect(
              Collectors.toUnmodifiableMap(
                  name -> name,
                  name -> KubernetesSource.STATUS.createObjectNode().put("state", name)));

  private Kinds() {}

  private static Fields only(String... names) {
    return Fields.only(
        Stream.of(names).collect(Collectors.toUnmodifiableMap(name -> name, _ -> Fields.ALL)));
  }

  private static String path(Class<? extends HasMetadata> kind) {
    return "apis/" + HasMetadata.getApiVersion(kind) + "/" + HasMetadata.getPlural(kind);
  }

  /**
   * VirtualIPs, without conditions, and with no more than state and keys of other nodes. Each agent
   * receives all of the cluster, and most of an object is what other nodes report.
   *
   * @param nodeName this node, whose own report is kept as a whole
   */
  static Resource<ObjectNode> virtualIps(String nodeName) {
    var ofOthers = only("state", "hmac");
    Fields reports = name -> name.equals(nodeName) ? Fields.ALL : ofOthers;
    Fields status =
        name ->
            switch (name) {
              case "conditions" -> null;
              case "nodes" -> reports;
              default -> Fields.ALL;
            };
    return new Resource<>(
        "virtualips",
        VIRTUAL_IPS,
        "",
        Fields.only(Map.of("metadata", METADATA, "spec", Fields.ALL, "status", status)),
        Kinds::sharingStates);
  }

  private static ObjectNode sharingStates(ObjectNode virtualIp) {
    if (virtualIp.path("status").path("nodes") instanceof ObjectNode nodes) {
      for (var report : List.copyOf(nodes.properties())) {
        var state = report.getValue().path("state").asText();
        var shared = STATES.get(state);
        if (report.getValue().equals(shared)) {
          nodes.set(report.getKey(), shared);
        }
      }
    }
    return virtualIp;
  }

  /** The ConfigMap of this name. */
  static Resource<ObjectNode> configMap(String what, String namespace, String name) {
    return new Resource<ObjectNode>(
            what,
            "api/v1/namespaces/" + namespace + "/configmaps",
            "",
            Fields.only(
                Map.of(
                    "metadata",
                    only("name", "namespace", "resourceVersion", "annotations"),
                    "data",
                    Fields.ALL)),
            map -> map)
        .withField("metadata.name", name);
  }

  /** Pods as real servers: there may be thousands, so that only their facts are kept. */
  static Resource<PodFacts> servers(PodSelector selector) {
    return pods(
            "pods of " + selector.namespace(),
            "api/v1/namespaces/" + selector.namespace() + "/pods",
            pod -> PodFacts.of(pod(pod)))
        .withLabels(text(selector.selector()));
  }

  private static <T> Resource<T> pods(String what, String path, Function<ObjectNode, T> kept) {
    return new Resource<>(
        what,
        path,
        "",
        Fields.only(
            Map.of(
                "metadata",
                only("name", "namespace", "labels", "deletionTimestamp", "resourceVersion"),
                "status",
                Fields.only(
                    Map.of(
                        "phase",
                        Fields.ALL,
                        "podIPs",
                        only("ip"),
                        "conditions",
                        only("type", "status"))))),
        kept);
  }

  /** A selector in the syntax of {@code kubectl -l}. */
  static String text(LabelSelector selector) {
    return selector.terms().collect(Collectors.joining(","));
  }

  /** Metadata, as far as the agent uses it. */
  static ObjectMeta metadata(JsonNode object) {
    var tree = object.path("metadata");
    var metadata = new ObjectMeta();
    metadata.setName(string(tree, "name"));
    metadata.setNamespace(string(tree, "namespace"));
    metadata.setUid(string(tree, "uid"));
    metadata.setGeneration(tree.hasNonNull("generation") ? tree.get("generation").asLong() : null);
    metadata.setDeletionTimestamp(string(tree, "deletionTimestamp"));
    metadata.setLabels(strings(tree.path("labels")));
    metadata.setAnnotations(strings(tree.path("annotations")));
    return metadata;
  }

  /** UID of an object; null if it has none. */
  static String uid(JsonNode object) {
    return string(object.path("metadata"), "uid");
  }

  static Node node(JsonNode object) {
    var spec = new NodeSpec();
    spec.setTaints(
        each(
            object.path("spec").path("taints"),
            tree -> {
              var taint = new Taint();
              taint.setKey(string(tree, "key"));
              taint.setEffect(string(tree, "effect"));
              return taint;
            }));
    var status = new NodeStatus();
    status.setAddresses(
        each(
            object.path("status").path("addresses"),
            tree -> new NodeAddress(string(tree, "address"), string(tree, "type"))));
    var node = new Node();
    node.setMetadata(metadata(object));
    node.setSpec(spec);
    node.setStatus(status);
    return node;
  }

  static Pod pod(JsonNode object) {
    var status = new PodStatus();
    status.setPhase(string(object.path("status"), "phase"));
    status.setConditions(
        each(
            object.path("status").path("conditions"),
            tree -> {
              var condition = new PodCondition();
              condition.setType(string(tree, "type"));
              condition.setStatus(string(tree, "status"));
              return condition;
            }));
    status.setPodIPs(
        each(object.path("status").path("podIPs"), tree -> new PodIP(string(tree, "ip"))));
    var pod = new Pod();
    pod.setMetadata(metadata(object));
    pod.setStatus(status);
    return pod;
  }

  static Secret secret(JsonNode object) {
    var secret = new Secret();
    secret.setMetadata(metadata(object));
    secret.setData(strings(object.path("data")));
    return secret;
  }

  private static String string(JsonNode tree, String field) {
    return tree.hasNonNull(field) ? tree.get(field).asText() : null;
  }

  private static Map<String, String> strings(JsonNode tree) {
    var strings = new HashMap<String, String>();
    tree.properties().forEach(field -> strings.put(field.getKey(), field.getValue().asText()));
    return strings;
  }

  private static <T> List<T> each(JsonNode list, Function<JsonNode, T> made) {
    var all = new ArrayList<T>();
    list.forEach(one -> all.add(made.apply(one)));
    return all;
  }
}
