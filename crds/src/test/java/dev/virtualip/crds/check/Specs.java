package dev.virtualip.crds.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import io.fabric8.kubernetes.client.utils.Serialization;

/** Specs for tests, written as users write them. */
final class Specs {
  private static final String GOOD =
      """
      vrid: 77
      interface: eth0
      addresses: [{address: 203.0.113.10/24, interface: eth1}]
      """;

  private Specs() {}

  /** A good spec with other top-level fields on top; a field that is null is taken away. */
  static VirtualIpSpec spec(String yaml) {
    return Serialization.unmarshal(tree(yaml).toString(), VirtualIpSpec.class);
  }

  /** The same as it stands in a manifest, without defaults. */
  static ObjectNode tree(String yaml) {
    var tree = yaml(GOOD, ObjectNode.class);
    if (!yaml.isBlank()) {
      yaml(yaml, JsonNode.class)
          .properties()
          .forEach(field -> tree.set(field.getKey(), field.getValue()));
    }
    return tree;
  }

  /** Reads YAML; the client takes what starts with a brace for JSON. */
  static <T> T yaml(String text, Class<T> type) {
    return Serialization.unmarshal("---\n" + text, type);
  }

  static VirtualIp virtualIp(String name, String created, String yaml) {
    var vip = new VirtualIp();
    vip.getMetadata().setName(name);
    vip.getMetadata().setCreationTimestamp(created);
    vip.setSpec(spec(yaml));
    return vip;
  }
}
