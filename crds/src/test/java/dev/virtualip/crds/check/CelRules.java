package dev.virtualip.crds.check;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.cel.common.CelValidationException;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The CEL rules of the CRD, evaluated as an API server does it (Kubernetes 1.25 and newer):
 * defaults first, then each rule at each value that it is declared for.
 */
final class CelRules {
  /** CEL's integers are longs. */
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS);

  private static final CelCompiler COMPILER =
      CelCompilerFactory.standardCelCompilerBuilder()
          .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
          .addVar("self", SimpleType.DYN)
          .build();
  private static final CelRuntime RUNTIME = CelRuntimeFactory.standardCelRuntimeBuilder().build();

  private final JsonNode schema;

  /**
   * A rule that an object breaks.
   *
   * @param path the field that the API server names, as in {@code spec.addresses[0].address}
   */
  record Breach(String path, String message) {}

  /**
   * Rules of a schema.
   *
   * @param schema an OpenAPI v3 schema as CRDs have it
   */
  CelRules(JsonNode schema) {
    this.schema = schema;
  }

  /** The messages of all rules. */
  TreeSet<String> messages() {
    var messages = new TreeSet<String>();
    schema.findValues("x-kubernetes-validations").stream()
        .flatMap(JsonNode::valueStream)
        .forEach(rule -> messages.add(rule.path("message").asText()));
    return messages;
  }

  /** The rules that an object breaks. */
  List<Breach> broken(ObjectNode object) {
    var broken = new ArrayList<Breach>();
    var defaulted = object.deepCopy();
    applyDefaults(schema, defaulted);
    check("", schema, defaulted, broken);
    return broken;
  }

  private static void applyDefaults(JsonNode schema, JsonNode value) {
    if (value instanceof ObjectNode object) {
      schema
          .path("properties")
          .properties()
          .forEach(
              property -> {
                var byDefault = property.getValue().path("default");
                if (!byDefault.isMissingNode() && !object.has(property.getKey())) {
                  object.set(property.getKey(), byDefault.deepCopy());
                }
                applyDefaults(property.getValue(), object.path(property.getKey()));
              });
    }
    value.values().forEachRemaining(item -> applyDefaults(schema.path("items"), item));
  }

  private static void check(String path, JsonNode schema, JsonNode value, List<Breach> broken) {
    if (value.isMissingNode() || value.isNull()) {
      return;
    }
    for (var rule : schema.path("x-kubernetes-validations")) {
      if (!holds(rule.path("rule").asText(), value)) {
        var field = path + rule.path("fieldPath").asText();
        broken.add(new Breach(field.substring(1), rule.path("message").asText()));
      }
    }
    for (var property : schema.path("properties").properties()) {
      var name = property.getKey();
      check(path + "." + name, property.getValue(), value.path(name), broken);
    }
    for (int i = 0; value.isArray() && i < value.size(); i++) {
      check(path + "[" + i + "]", schema.path("items"), value.get(i), broken);
    }
  }

  private static boolean holds(String rule, JsonNode value) {
    try {
      var program = RUNTIME.createProgram(COMPILER.compile(rule).getAst());
      return (boolean) program.eval(Map.of("self", JSON.convertValue(value, Object.class)));
    } catch (CelValidationException | CelEvaluationException e) {
      throw new AssertionError(rule + " of " + value, e);
    }
  }
}
