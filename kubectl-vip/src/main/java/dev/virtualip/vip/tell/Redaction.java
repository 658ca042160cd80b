package dev.virtualip.vip.tell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import java.util.Set;

/** Takes out of an object what may be a secret, or whom it concerns. */
public final class Redaction {
  private static final TextNode REMOVED = TextNode.valueOf("(removed)");

  /** Fields whose text may be a secret: as of webhooks, mails, and requests of checks. */
  private static final Set<String> SECRET =
      Set.of("notifications", "payload", "reply", "bodyContains", "hostHeader");

  /** Environment that is virtualip's own, and no secret. */
  private static final Set<String> OWN_ENVIRONMENT =
      Set.of(
          "AGENT_IMAGE",
          "AGENT_HOST_PID",
          "AGENT_OPEN_METRICS",
          "AGENT_RESOURCES",
          "AGENT_SCRIPTS",
          "DRAIN_ON",
          "LEADER_LEASE",
          "LOG_FORMAT",
          "LOG_LEVEL",
          "SERVICES_WITHOUT_CLASS");

  private static final String OWN_ANNOTATIONS = "virtualip.dev/";

  private Redaction() {}

  /** Removes it in place, and what is noise: managed fields, and annotations of others. */
  public static JsonNode of(JsonNode node) {
    if (node instanceof ArrayNode list) {
      list.forEach(Redaction::of);
    }
    if (node instanceof ObjectNode object) {
      object.remove("managedFields");
      for (var field : List.copyOf(object.properties())) {
        field(object, field.getKey(), field.getValue());
      }
    }
    return node;
  }

  private static void field(ObjectNode object, String name, JsonNode value) {
    if (SECRET.contains(name)) {
      object.set(name, REMOVED);
    } else if (name.equals("annotations") && value instanceof ObjectNode annotations) {
      annotations.properties().removeIf(a -> !a.getKey().startsWith(OWN_ANNOTATIONS));
    } else if (name.equals("env") && value instanceof ArrayNode variables) {
      variables.forEach(Redaction::environment);
    } else if (name.equals("exec") && value.path("command") instanceof ArrayNode command) {
      for (int i = 1; i < command.size(); i++) {
        command.set(i, REMOVED);
      }
    } else if (name.equals("path") && value.asText().contains("?")) {
      object.put(name, value.asText().replaceFirst("\\?.*", "?" + REMOVED.asText()));
    } else {
      of(value);
    }
  }

  private static void environment(JsonNode variable) {
    if (variable instanceof ObjectNode object
        && object.has("value")
        && !OWN_ENVIRONMENT.contains(object.path("name").asText())) {
      object.set("value", REMOVED);
    }
  }
}
