package dev.virtualip.crds.check;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.cel.common.CelValidationException;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.extensions.CelExtensions;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A ValidatingAdmissionPolicy of deploy/components/policies, evaluated as an API server does it:
 * conditions first, variables when they are used, then each validation.
 */
final class AdmissionPolicy {
  /** CEL's integers are longs. */
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS);

  private static final YAMLMapper YAML = new YAMLMapper();
  private static final CelCompiler COMPILER =
      CelCompilerFactory.standardCelCompilerBuilder()
          .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
          .addLibraries(CelExtensions.strings())
          .addVar("object", SimpleType.DYN)
          .addVar("oldObject", SimpleType.DYN)
          .addVar("params", SimpleType.DYN)
          .addVar("request", SimpleType.DYN)
          .addVar("variables", SimpleType.DYN)
          .addVar("mayUse", SimpleType.DYN)
          .build();
  private static final CelRuntime RUNTIME =
      CelRuntimeFactory.standardCelRuntimeBuilder().addLibraries(CelExtensions.strings()).build();

  private final JsonNode policy;

  /**
   * @param file name of the file, whose first document is the policy
   */
  AdmissionPolicy(String file) {
    try (var documents =
        YAML.readerFor(JsonNode.class)
            .<JsonNode>readValues(Path.of("../deploy/components/policies/" + file).toFile())) {
      policy = documents.next().path("spec");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * The messages of all validations that fail; empty if the request is let through.
   *
   * @param given object, oldObject, params, request and mayUse, by name; YAML, or null for none
   */
  List<String> refusals(Map<String, String> given) {
    var values = new HashMap<String, Object>();
    for (var name : List.of("object", "oldObject", "params", "request", "mayUse")) {
      values.put(name, given.containsKey(name) ? value(given.get(name)) : eval("null", Map.of()));
    }
    for (var condition : policy.path("matchConditions")) {
      if (!(boolean) eval(condition.path("expression").asText(), values)) {
        return List.of();
      }
    }
    var variables = new HashMap<String, Object>();
    values.put("variables", variables);
    for (var variable : policy.path("variables")) {
      try {
        variables.put(
            variable.path("name").asText(), eval(variable.path("expression").asText(), values));
      } catch (IllegalStateException _) {
        // Not defined for this request: a validation that uses it all the same fails the test.
      }
    }
    var refusals = new ArrayList<String>();
    for (var validation : policy.path("validations")) {
      if (!(boolean) eval(validation.path("expression").asText(), values)) {
        refusals.add(
            validation.has("message")
                ? validation.path("message").asText()
                : (String) eval(validation.path("messageExpression").asText(), values));
      }
    }
    return refusals;
  }

  private static Object value(String yaml) {
    try {
      return JSON.convertValue(YAML.readTree(yaml), Object.class);
    } catch (IOException e) {
      throw new AssertionError(yaml, e);
    }
  }

  private static Object eval(String expression, Map<String, Object> values) {
    var plain = expression.replaceAll("(?s)authorizer\\..*?\\.allowed\\(\\)", "mayUse");
    try {
      return RUNTIME.createProgram(COMPILER.compile(plain).getAst()).eval(values);
    } catch (CelValidationException e) {
      throw new AssertionError(expression, e);
    } catch (CelEvaluationException e) {
      throw new IllegalStateException(expression, e);
    }
  }
}
