package dev.virtualip.vip.tell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;

/** A VirtualIP as its user would write it, without what API server and programs have added. */
public final class CleanManifest {
  private static final ObjectMapper JSON = new JsonMapper();

  private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

  /** Annotations that are requests or records, and no part of a manifest. */
  private static final Set<String> PASSING = Set.of(LAST_APPLIED, VirtualIp.SWITCH_TO);

  private final JsonNode spec;
  private final VirtualIpSpec meaning;

  private CleanManifest(JsonNode spec, VirtualIpSpec meaning) {
    this.spec = spec;
    this.meaning = meaning;
  }

  /**
   * The manifest of an object. Defaults stay, unless its history tells that the API server has
   * filled them in: the annotation of {@code kubectl apply}, or the managed fields of server-side
   * apply.
   *
   * @param object as the API server has it; it is not changed
   */
  public static ObjectNode of(JsonNode object) {
    var manifest = JSON.createObjectNode();
    manifest.set("apiVersion", object.path("apiVersion"));
    manifest.set("kind", object.path("kind"));
    manifest.set("metadata", metadata(object.path("metadata")));
    var said = said(object);
    manifest.set(
        "spec",
        said == null
            ? object.path("spec").deepCopy()
            : without(object.path("spec"), said.path("spec"), false));
    return manifest;
  }

  /**
   * A spec without any field that says what is so anyway, in lists too.
   *
   * @param spec as the API server has it; it is not changed
   */
  public static ObjectNode withoutDefaults(JsonNode spec) {
    return without(spec, JSON.createObjectNode(), true);
  }

  private static ObjectNode metadata(JsonNode before) {
    var metadata = JSON.createObjectNode();
    metadata.set("name", before.path("name"));
    for (var field : List.of("labels", "annotations")) {
      if (before.path(field) instanceof ObjectNode map) {
        var kept = map.deepCopy().remove(PASSING);
        if (!kept.isEmpty()) {
          metadata.set(field, kept);
        }
      }
    }
    return metadata;
  }

  /** What somebody has applied, as a tree with the same names; null if nobody has. */
  private static ObjectNode said(JsonNode object) {
    ObjectNode said = null;
    var annotation = object.path("metadata").path("annotations").path(LAST_APPLIED);
    if (annotation.isTextual()) {
      try {
        said = JSON.readTree(annotation.asText()) instanceof ObjectNode tree ? tree : null;
      } catch (IOException _) {
        // Anybody may write an annotation: then it tells nothing.
      }
    }
    for (var manager : object.path("metadata").path("managedFields")) {
      if (manager.path("operation").asText().equals("Apply")) {
        said = said == null ? JSON.createObjectNode() : said;
        owned(manager.path("fieldsV1"), said);
      }
    }
    return said;
  }

  /** Adds managed fields ({@code f:NAME}) to a tree; what is in lists does not matter. */
  private static void owned(JsonNode fields, ObjectNode said) {
    fields
        .properties()
        .forEach(
            field -> {
              if (field.getKey().startsWith("f:")) {
                var name = field.getKey().substring(2);
                if (!(said.get(name) instanceof ObjectNode)) {
                  said.set(name, JSON.createObjectNode());
                }
                owned(field.getValue(), (ObjectNode) said.get(name));
              }
            });
  }

  private static ObjectNode without(JsonNode spec, JsonNode said, boolean lists) {
    ObjectNode copy = spec.deepCopy();
    try {
      var manifest = new CleanManifest(copy, read(copy));
      manifest.clean(copy, said, "", lists);
    } catch (UncheckedIOException _) {
      // A field of a newer version: what is so anyway is not known.
    }
    return copy;
  }

  private static VirtualIpSpec read(JsonNode spec) {
    try {
      return JSON.treeToValue(spec, VirtualIpSpec.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void clean(JsonNode node, JsonNode said, String path, boolean lists) {
    if (node instanceof ObjectNode object) {
      for (var field : List.copyOf(object.properties())) {
        var name = field.getKey();
        var pointer = path + "/" + name.replace("~", "~0").replace("/", "~1");
        if (!said.has(name) && saysNothing(pointer)) {
          object.remove(name);
        } else {
          clean(field.getValue(), said.path(name), pointer, lists);
        }
      }
    } else if (node instanceof ArrayNode list && lists) {
      for (int i = 0; i < list.size(); i++) {
        clean(list.get(i), said.path(i), path + "/" + i, true);
      }
    }
  }

  /** Whether the spec means the same without a field. */
  private boolean saysNothing(String pointer) {
    var copy = spec.deepCopy();
    int slash = pointer.lastIndexOf('/');
    ((ObjectNode) copy.at(pointer.substring(0, slash)))
        .remove(pointer.substring(slash + 1).replace("~1", "/").replace("~0", "~"));
    try {
      return read(copy).equals(meaning);
    } catch (UncheckedIOException _) {
      return false;
    }
  }
}
