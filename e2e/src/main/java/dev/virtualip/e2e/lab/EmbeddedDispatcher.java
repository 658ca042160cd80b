package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.crud.AttributeSet;
import io.fabric8.mockwebserver.dsl.HttpMethod;
import io.fabric8.mockwebserver.http.Buffer;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import io.fabric8.mockwebserver.http.Response;
import io.fabric8.mockwebserver.http.WebSocket;
import io.fabric8.mockwebserver.http.WebSocketListener;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Adds to fabric8's mock server the features that our programs use. */
final class EmbeddedDispatcher extends KubernetesCrudDispatcher {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String APPLY = "application/apply-patch+yaml";
  private static final String JSON_PATCH = "application/json-patch+json";
  private static final String NODE_NAME = "spec.nodeName";
  private static final Pattern NODE_SELECTOR =
      Pattern.compile("fieldSelector=spec\\.nodeName(?:=|%3D)([^&,%]+)&?");
  // Not resourceVersion=0, which stands for any version.
  private static final Pattern WATCHED_SINCE = Pattern.compile("resourceVersion=([1-9][0-9]*)");
  // Built-in kinds with a status subresource; the mock server supports that for custom kinds only.
  private static final Set<String> STATUS_KINDS =
      Set.of("pods", "nodes", "daemonsets", "deployments");

  private volatile long deletedAt;

  /** Tokens and access reviews are answered, not stored. */
  @Override
  public MockResponse handleCreate(RecordedRequest request) {
    String path = path(request);
    String last = path.substring(path.lastIndexOf('/') + 1);
    String status =
        switch (last) {
          case "token" ->
              "{\"token\": \"%s\", \"expirationTimestamp\": \"2100-01-01T00:00:00Z\"}"
                  .formatted(EmbeddedApiServer.TOKEN);
          case "selfsubjectaccessreviews", "subjectaccessreviews" -> "{\"allowed\": true}";
          case "selfsubjectrulesreviews" ->
              """
              {"incomplete": false, "nonResourceRules": [],
               "resourceRules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
              """;
          default -> null;
        };
    if (status == null) {
      return super.handleCreate(request);
    }
    ObjectNode answer = (ObjectNode) json(request.getUtf8Body());
    answer.set("status", json(status));
    return new MockResponse().setResponseCode(201).setBody(answer.toString());
  }

  /** Server-side apply without field ownership, and merge patches as in RFC 7396. */
  @Override
  public MockResponse handlePatch(RecordedRequest request) {
    String type = request.getHeader("Content-Type").replaceFirst(";.*", "");
    if (type.equals(JSON_PATCH)) {
      return super.handlePatch(request);
    }
    String path = path(request);
    ObjectNode patch = (ObjectNode) json(request.getUtf8Body());
    while (true) {
      MockResponse found = handleGet(path);
      if (found.code() == 404) {
        return type.equals(APPLY) && !isStatus(path)
            ? super.handleCreate(with(request, HttpMethod.POST, parent(path), patch))
            : found;
      }
      ObjectNode current = (ObjectNode) json(found.getBody().readUtf8());
      ObjectNode updated =
          (ObjectNode) (isStatus(path) ? current.deepCopy() : merge(current, patch));
      if (isStatus(path)) {
        updated.set("status", merge(current.path("status"), patch.path("status")));
        var version = patch.path("metadata").path("resourceVersion");
        if (!version.isMissingNode()) {
          ((ObjectNode) updated.path("metadata")).set("resourceVersion", version);
        }
      } else if (hasStatus(path) && current.has("status")) {
        updated.set("status", current.get("status"));
      } else if (hasStatus(path)) {
        updated.remove("status");
      }
      MockResponse answer = handleUpdate(with(request, HttpMethod.PUT, path, updated));
      // Another client wrote meanwhile: a patch without a version is repeated.
      if (answer.code() != 409 || patch.path("metadata").has("resourceVersion")) {
        return answer;
      }
    }
  }

  /**
   * A watch from before a deletion is rejected, so that the client lists again. The mock server
   * begins each watch with all present objects, from which deletions do not show.
   */
  @Override
  public MockResponse handleGet(String path) {
    Matcher since = WATCHED_SINCE.matcher(path);
    if (path.contains("watch=true") && since.find() && Long.parseLong(since.group(1)) < deletedAt) {
      return new MockResponse().withWebSocketUpgrade(new Gone());
    }
    return super.handleGet(selectingByLabel(path));
  }

  @Override
  public MockResponse handleDelete(String path) {
    return super.handleDelete(selectingByLabel(path));
  }

  /**
   * Turns the field selector for the pods of a node into a label selector, see {@link
   * #processEvent}.
   */
  private static String selectingByLabel(String path) {
    Matcher selector = NODE_SELECTOR.matcher(path);
    if (!selector.find()) {
      return path;
    }
    String wanted = "labelSelector=" + NODE_NAME + "%3D" + selector.group(1);
    String rest = selector.replaceFirst("");
    return rest.contains("labelSelector=")
        ? rest.replace("labelSelector=", wanted + "%2C")
        : rest + (rest.endsWith("?") || rest.endsWith("&") ? "" : "&") + wanted;
  }

  /**
   * Adds a pod's node as a label to the attributes that are searched, but not to the stored object.
   */
  @Override
  public void processEvent(
      String path,
      AttributeSet pathAttributes,
      AttributeSet oldAttributes,
      GenericKubernetesResource resource,
      String newState) {
    GenericKubernetesResource searched =
        newState == null
            ? null
            : Serialization.unmarshal(newState, GenericKubernetesResource.class);
    if (searched != null && searched.get("spec", "nodeName") instanceof String node) {
      Map<String, String> labels = new TreeMap<>();
      if (searched.getMetadata().getLabels() != null) {
        labels.putAll(searched.getMetadata().getLabels());
      }
      labels.put(NODE_NAME, node);
      searched.getMetadata().setLabels(labels);
    }
    if (newState == null) {
      deletedAt = requestResourceVersion();
    }
    super.processEvent(path, pathAttributes, oldAttributes, searched, newState);
  }

  private static final class Gone extends WebSocketListener {
    @Override
    public void onOpen(WebSocket socket, Response response) {
      socket.send(
          """
          {"type": "ERROR", "object": {"apiVersion": "v1", "kind": "Status", "status": "Failure",
            "reason": "Expired", "code": 410, "message": "too old resource version"}}
          """);
    }
  }

  private boolean hasStatus(String path) {
    return isStatusSubresourceEnabledForResource(path)
        || STATUS_KINDS.contains(path.split("/")[path.split("/").length - 2]);
  }

  private static boolean isStatus(String path) {
    return path.endsWith("/status");
  }

  private static String path(RecordedRequest request) {
    return request.getPath().replaceFirst("\\?.*", "");
  }

  private static String parent(String path) {
    return path.substring(0, path.lastIndexOf('/'));
  }

  private static RecordedRequest with(
      RecordedRequest request, HttpMethod method, String path, JsonNode body) {
    Buffer buffer = new Buffer(body.toString().getBytes(StandardCharsets.UTF_8));
    return new RecordedRequest(
        request.getHttpVersion(), method, path, request.getHeaders(), buffer);
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static JsonNode merge(JsonNode target, JsonNode patch) {
    if (!patch.isObject()) {
      return patch;
    }
    ObjectNode merged = target.isObject() ? target.deepCopy() : JSON.createObjectNode();
    patch
        .properties()
        .forEach(
            field -> {
              if (field.getValue().isNull()) {
                merged.remove(field.getKey());
              } else {
                merged.set(field.getKey(), merge(merged.path(field.getKey()), field.getValue()));
              }
            });
    return merged;
  }
}
