package dev.virtualip.crds.manifest;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/** Parses the documents of a YAML or JSON text into trees, and notes duplicate keys and aliases. */
final class Documents {
  private static final ObjectMapper SCALARS = new ObjectMapper();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final JsonParser parser;
  private final List<String> flaws = new ArrayList<>();

  private Documents(JsonParser parser) {
    this.parser = parser;
  }

  /**
   * The parsed text.
   *
   * @param documents the documents up to an error, without empty ones
   * @param error the error that ended the parsing early, with line and column; null if there was
   *     none
   */
  record Result(List<Document> documents, String error) {}

  /**
   * One document.
   *
   * @param tree its content
   * @param flaws a message for each duplicate key and for each alias
   */
  record Document(JsonNode tree, List<String> flaws) {}

  static Result read(String text, boolean json) {
    var documents = new ArrayList<Document>();
    try (var parser = (json ? new JsonFactory() : new YAMLFactory()).createParser(text)) {
      while (parser.nextToken() != null) {
        var one = new Documents(parser);
        var tree = one.value();
        if (!tree.isNull() && !(tree.isTextual() && tree.textValue().isBlank())) {
          documents.add(new Document(tree, List.copyOf(one.flaws)));
        }
      }
      return new Result(documents, null);
    } catch (JsonProcessingException e) {
      var what =
          e.getCause() instanceof MarkedYAMLException yaml
              ? yaml.getProblem()
              : e.getOriginalMessage().strip().lines().findFirst().orElse("not readable");
      return new Result(documents, where(e.getLocation()) + what);
    } catch (IOException e) {
      return new Result(documents, Objects.toString(e.getMessage()));
    }
  }

  private static String where(JsonLocation at) {
    return at == null ? "" : "line " + at.getLineNr() + ", column " + at.getColumnNr() + ": ";
  }

  private JsonNode value() throws IOException {
    if (parser instanceof YAMLParser yaml && yaml.isCurrentAlias()) {
      var alias = parser.getText();
      flaws.add(where(parser.currentTokenLocation()) + "alias *" + alias + ": write the value out");
      return NODES.nullNode();
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> object();
      case START_ARRAY -> array();
      default -> SCALARS.readTree(parser);
    };
  }

  private JsonNode object() throws IOException {
    var object = NODES.objectNode();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      var name = parser.currentName();
      if (object.has(name)) {
        flaws.add(where(parser.currentTokenLocation()) + name + " stands twice: remove one");
      }
      parser.nextToken();
      object.set(name, value());
    }
    return object;
  }

  private JsonNode array() throws IOException {
    var array = NODES.arrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      array.add(value());
    }
    return array;
  }
}
