package dev.virtualip.agent.client;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Map;
import java.util.Set;

/** Which fields of an object are read. The others are skipped as they come, and never in memory. */
@FunctionalInterface
public interface Fields {
  /** All, at each depth. */
  Fields ALL = _ -> Fields.ALL;

  /** What is read inside of a field; null if it is not read itself. */
  Fields inside(String name);

  /** These fields, and of each what is named. */
  static Fields only(Map<String, Fields> named) {
    return named::get;
  }

  /** All but these fields. */
  static Fields but(Set<String> names) {
    return name -> names.contains(name) ? null : ALL;
  }

  /** Reads the value that the parser is at; of a list, the same fields of each element. */
  default JsonNode read(JsonParser in) throws IOException {
    if (this == ALL || !in.currentToken().isStructStart()) {
      return ApiServer.JSON.readTree(in);
    }
    if (in.currentToken() == JsonToken.START_ARRAY) {
      var list = ApiServer.JSON.createArrayNode();
      while (in.nextToken() != JsonToken.END_ARRAY) {
        list.add(read(in));
      }
      return list;
    }
    var object = ApiServer.JSON.createObjectNode();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      var name = in.currentName();
      in.nextToken();
      var inside = inside(name);
      if (inside == null) {
        in.skipChildren();
      } else {
        object.set(name, inside.read(in));
      }
    }
    return object;
  }
}
