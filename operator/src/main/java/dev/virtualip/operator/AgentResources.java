package dev.virtualip.operator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code --agent-resources}, as Kubernetes has it in a container; empty is none. */
final class AgentResources implements ITypeConverter<ResourceRequirements> {
  private static final String EXAMPLE =
      "write it as in {\"requests\":{\"cpu\":\"100m\"},\"limits\":{\"memory\":\"512Mi\"}}";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  /**
   * What this text says, or null if it says nothing.
   *
   * @throws TypeConversionException if agents cannot have it
   */
  @Override
  public ResourceRequirements convert(String text) {
    if (text.isBlank()) {
      return null;
    }
    var resources = new ResourceRequirements();
    for (var field : json(text).properties()) {
      switch (field.getKey()) {
        case "requests" -> resources.setRequests(quantities(field.getValue()));
        case "limits" -> resources.setLimits(quantities(field.getValue()));
        default -> throw new TypeConversionException(field.getKey() + " is unknown: " + EXAMPLE);
      }
    }
    if (resources.getLimits().containsKey("cpu")) {
      throw new TypeConversionException(
          "limits.cpu throttles agents, and late adverts move addresses: take it out");
    }
    return resources;
  }

  private static JsonNode json(String text) {
    try {
      var json = JSON.readTree(text);
      if (json.isObject()) {
        return json;
      }
    } catch (JsonProcessingException e) {
      // The same as with JSON that is no object.
    }
    throw new TypeConversionException("\"" + text + "\" is no JSON object: " + EXAMPLE);
  }

  private static Map<String, Quantity> quantities(JsonNode json) {
    var quantities = new TreeMap<String, Quantity>();
    for (var field : json.properties()) {
      var text = field.getValue().asText();
      try {
        var quantity = Quantity.parse(text);
        quantity.getNumericalAmount();
        quantities.put(field.getKey(), quantity);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(
            field.getKey() + ": \"" + text + "\" is no quantity: " + EXAMPLE);
      }
    }
    return quantities;
  }
}
