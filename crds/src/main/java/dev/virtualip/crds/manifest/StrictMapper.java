package dev.virtualip.crds.manifest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonMappingException.Reference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.cfg.MutableCoercionConfig;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.LogicalType;
import dev.virtualip.crds.check.Problem;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Converts trees into objects as strictly as the API server: no text for a number, no number for a
 * text. It finds every problem, not only the first: it cuts out each faulty part and converts the
 * rest again.
 */
final class StrictMapper {
  /**
   * Of one mapper, as to learn a type takes longer than to convert into it. Without annotations, as
   * most of that time was for those of the CRD, which are for the API server.
   */
  private static final ObjectReader LENIENT =
      JsonMapper.builder()
          .disable(
              MapperFeature.USE_ANNOTATIONS,
              MapperFeature.AUTO_DETECT_GETTERS,
              MapperFeature.AUTO_DETECT_IS_GETTERS)
          .propertyNamingStrategy(new KeywordAsName())
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .withCoercionConfig(LogicalType.Textual, StrictMapper::refuseScalars)
          .withCoercionConfig(LogicalType.Enum, StrictMapper::refuseScalars)
          .build()
          .reader();

  private static final ObjectReader STRICT =
      LENIENT.with(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
  private static final int PROBLEMS_MAX = 100;

  private StrictMapper() {}

  /** What the annotations say of names: a field may be called interface, a component may not. */
  private static final class KeywordAsName extends PropertyNamingStrategies.NamingBase {
    private static final long serialVersionUID = 1;

    @Override
    public String translate(String component) {
      return component.equals("interfaceName") ? "interface" : component;
    }
  }

  /** How to treat fields that the type does not have. */
  enum Unknown {
    /** They are problems: probably a typing error in a file. */
    IS_A_PROBLEM,
    /** They are ignored: the CRD may be newer than this agent. */
    IS_LEFT_OUT
  }

  private static void refuseScalars(MutableCoercionConfig config) {
    config
        .setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
        .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
        .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail)
        .setCoercion(CoercionInputShape.EmptyString, CoercionAction.TryConvert);
  }

  /**
   * Converts a tree.
   *
   * @param path path of the tree in its object, as in {@code spec}
   * @param problems gets every problem
   * @return the parts that could be converted; null for a null tree, or if no part could
   */
  static <T> T convert(
      JsonNode tree, Class<T> type, String path, Unknown unknown, Collection<Problem> problems) {
    var reader = unknown == Unknown.IS_A_PROBLEM ? STRICT : LENIENT;
    var rest = tree.deepCopy();
    for (int i = 0; i < PROBLEMS_MAX; i++) {
      try {
        return reader.treeToValue(rest, type);
      } catch (JsonMappingException e) {
        problems.add(problem(e, rest, path));
        if (e.getPath().isEmpty()) {
          return null;
        }
        cut(rest, e.getPath());
      } catch (JsonProcessingException e) {
        problems.add(new Problem(path, e.getOriginalMessage()));
        return null;
      }
    }
    return null;
  }

  private static Problem problem(JsonMappingException e, JsonNode tree, String root) {
    var path = root + text(e.getPath());
    return switch (e) {
      case UnrecognizedPropertyException unknown ->
          new Problem(path, unknownField(unknown.getPropertyName(), unknown.getKnownPropertyIds()));
      case MismatchedInputException wrong when wrong.getTargetType() != null ->
          new Problem(
              path,
              "is " + shown(at(tree, e.getPath())) + ": write " + wanted(wrong.getTargetType()));
      case JsonMappingException _ when e.getCause() instanceof InputCoercionException ->
          new Problem(path, "is " + shown(at(tree, e.getPath())) + ": write a smaller number");
      default -> new Problem(path, e.getOriginalMessage().lines().findFirst().orElse("is wrong"));
    };
  }

  /** The message about an unknown field, with the most similar known name. */
  static String unknownField(String name, Collection<?> known) {
    var meant =
        known.stream()
            .map(Object::toString)
            .filter(
                k ->
                    distance(k.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT))
                        <= (k.length() > 3 ? 2 : 1))
            .min(Comparator.comparingInt(k -> distance(k, name)));
    return "unknown field; "
        + meant
            .map(k -> "did you mean " + k + "?")
            .orElseGet(
                () ->
                    "the fields here are "
                        + known.stream()
                            .map(Object::toString)
                            .sorted()
                            .collect(Collectors.joining(", ")));
  }

  private static String wanted(Class<?> type) {
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(Object::toString)
          .collect(Collectors.joining(" or "));
    }
    if (type == Integer.class || type == Long.class) {
      return "a whole number without quotes";
    }
    if (type == Boolean.class) {
      return "true or false";
    }
    if (type == String.class) {
      return "a text, in quotes if it looks like a number";
    }
    return Collection.class.isAssignableFrom(type) ? "a list" : "fields below it";
  }

  private static String shown(Optional<JsonNode> node) {
    return node.map(
            n ->
                switch (n.getNodeType()) {
                  case OBJECT -> "a set of fields";
                  case ARRAY -> "a list";
                  default -> n.toString();
                })
        .orElse("wrong");
  }

  private static Optional<JsonNode> at(JsonNode tree, List<Reference> path) {
    var node = tree;
    for (var step : path) {
      node =
          step.getFieldName() != null ? node.get(step.getFieldName()) : node.get(step.getIndex());
      if (node == null) {
        return Optional.empty();
      }
    }
    return Optional.of(node);
  }

  private static void cut(JsonNode tree, List<Reference> path) {
    var last = path.getLast();
    switch (at(tree, path.subList(0, path.size() - 1)).orElseThrow()) {
      case ObjectNode object -> object.remove(last.getFieldName());
      case ArrayNode array -> array.setNull(last.getIndex());
      default -> throw new IllegalStateException("nothing at " + text(path));
    }
  }

  private static String text(List<Reference> path) {
    return path.stream()
        .map(
            step ->
                step.getFieldName() != null
                    ? "." + step.getFieldName()
                    : "[" + step.getIndex() + "]")
        .collect(Collectors.joining());
  }

  /** Levenshtein distance: number of letters to add, drop or change. */
  private static int distance(String a, String b) {
    var row = new int[b.length() + 1];
    Arrays.setAll(row, j -> j);
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, Math.min(row[j - 1], diagonal) + 1);
      }
    }
    return row[b.length()];
  }
}
