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

  /** The messages of the rules that an object breaks. */
  List<String> broken(ObjectNode object) {
    var broken = new ArrayList<String>();
    var defaulted = object.deepCopy();
    applyDefaults(schema, defaulted);
    check(schema, defaulted, broken);
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

  private static void check(JsonNode schema, JsonNode value, List<String> broken) {
    if (value.isMissingNode() || value.isNull()) {
      return;
    }
    for (var rule : schema.path("x-kubernetes-validations")) {
      if (!holds(rule.path("rule").asText(), value)) {
        broken.add(rule.path("message").asText());
      }
    }
    for (var property : schema.path("properties").properties()) {
      check(property.getValue(), value.path(property.getKey()), broken);
    }
    if (value.isArray()) {
      value.forEach(item -> check(schema.path("items"), item, broken));
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
