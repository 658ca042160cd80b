package dev.virtualip.agent.client;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Objects of the API server that can be listed and watched, and what is kept of each.
 *
 * @param what their name in the log
 * @param path below the server's root, without a leading slash
 * @param query selectors as in {@code fieldSelector=...}, encoded; may be empty
 * @param fields which fields are read; metadata must have name, namespace and resourceVersion
 * @param kept makes of an object what is kept of it; it has no resourceVersion any more
 */
public record Resource<T>(
    String what, String path, String query, Fields fields, Function<ObjectNode, T> kept) {
  private static final String VERSION = "resourceVersion";

  /** The same, as far as a field has a value. */
  public Resource<T> withField(String field, String value) {
    return with("fieldSelector", field + "=" + value);
  }

  /**
   * The same, as far as a label selector matches.
   *
   * @param selector in the syntax of {@code kubectl -l}
   */
  public Resource<T> withLabels(String selector) {
    return with("labelSelector", selector);
  }

  private Resource<T> with(String parameter, String value) {
    var more = parameter + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
    return new Resource<>(what, path, query.isEmpty() ? more : query + "&" + more, fields, kept);
  }

  String list() {
    return query.isEmpty() ? path : path + "?" + query;
  }

  String watch(String version, int seconds) {
    var watch = "watch=true&allowWatchBookmarks=true&timeoutSeconds=" + seconds;
    var since = version.isEmpty() ? "" : "&resourceVersion=" + version;
    return path + "?" + (query.isEmpty() ? "" : query + "&") + watch + since;
  }

  /**
   * What is kept of an object.
   *
   * @param key NAME, or NAMESPACE/NAME
   */
  record Kept<T>(String key, String resourceVersion, T value) {}

  /**
   * Reads a list, one object at a time.
   *
   * @return the list's resourceVersion
   */
  String readList(InputStream in, Consumer<Kept<T>> each) throws IOException {
    var version = "";
    try (var parser = ApiServer.JSON.createParser(in)) {
      expectObject(parser);
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        var name = parser.currentName();
        var value = parser.nextToken();
        if (name.equals("metadata")) {
          version = Fields.ALL.read(parser).path(VERSION).asText();
        } else if (name.equals("items") && value == JsonToken.START_ARRAY) {
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            each.accept(read(parser));
          }
        } else {
          parser.skipChildren();
        }
      }
    }
    return version;
  }

  static void expectObject(JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new IOException("what the API server sends is no object");
    }
  }

  /** Reads the object that the parser is at. */
  Kept<T> read(JsonParser parser) throws IOException {
    if (!(fields.read(parser) instanceof ObjectNode object)
        || !(object.get("metadata") instanceof ObjectNode metadata)) {
      throw new IOException("the API server sends an object without metadata");
    }
    var version = metadata.remove(VERSION);
    var name = metadata.path("name").asText();
    var namespace = metadata.path("namespace").asText();
    return new Kept<>(
        namespace.isEmpty() ? name : namespace + "/" + name,
        version == null ? "" : version.asText(),
        kept.apply(object));
  }
}
