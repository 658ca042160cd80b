package dev.virtualip.vip.tell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;

/** The VirtualIP of the scenario: node-a is master with 100, node-b its backup with 80. */
public final class Web {
  public static final Instant NOW = Instant.parse("2026-11-25T04:20:00Z");

  private static final ObjectMapper YAML = new YAMLMapper();

  private Web() {}

  /** As it is in web.yaml. */
  public static VirtualIp vip() {
    return vip("{}");
  }

  /** With these fields instead, a JSON merge patch as YAML. */
  public static VirtualIp vip(String patch) {
    return new KubernetesSerialization().convertValue(tree(patch), VirtualIp.class);
  }

  /** The object as the API server has it. */
  public static JsonNode tree(String patch) {
    try (var in = Web.class.getResourceAsStream("/web.yaml")) {
      return merged(YAML.readTree(in), YAML.readTree(patch));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode merged(JsonNode before, JsonNode patch) {
    if (before instanceof ObjectNode object && patch instanceof ObjectNode changes) {
      for (var change : changes.properties()) {
        if (change.getValue().isNull()) {
          object.remove(change.getKey());
        } else {
          var old = object.get(change.getKey());
          object.set(
              change.getKey(), old == null ? change.getValue() : merged(old, change.getValue()));
        }
      }
      return object;
    }
    return patch;
  }
}
