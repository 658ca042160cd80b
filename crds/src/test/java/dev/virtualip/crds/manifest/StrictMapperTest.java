package dev.virtualip.crds.manifest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.introspect.BeanPropertyDefinition;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.manifest.StrictMapper.Unknown;
import dev.virtualip.crds.schema.VirtualIpPoolSpec;
import dev.virtualip.crds.schema.VirtualIpSpec;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class StrictMapperTest {
  /** It reads no annotations: one that renames a field would be for the API server alone. */
  @Test
  void itKnowsTheFieldsThatTheApiServerKnows() {
    var types = new LinkedHashSet<Class<?>>();
    collect(VirtualIpSpec.class, types);
    collect(VirtualIpPoolSpec.class, types);
    assertTrue(types.size() > 20, types::toString);
    for (var type : types) {
      assertEquals(annotated(type), known(type), type.getSimpleName());
    }
  }

  /** The fields that it names where one is not known. */
  private static Set<String> known(Class<?> type) {
    var tree = JsonNodeFactory.instance.objectNode().put("unknown to all types", 1);
    var problems = new ArrayList<Problem>();
    StrictMapper.convert(tree, type, "", Unknown.IS_A_PROBLEM, problems);
    var message = problems.getFirst().message();
    return Set.of(message.substring(message.indexOf(" are ") + " are ".length()).split(", "));
  }

  private static Set<String> annotated(Class<?> type) {
    var mapper = new JsonMapper();
    return mapper
        .getDeserializationConfig()
        .introspect(mapper.constructType(type))
        .findProperties()
        .stream()
        .filter(BeanPropertyDefinition::couldDeserialize)
        .map(BeanPropertyDefinition::getName)
        .collect(Collectors.toSet());
  }

  private static void collect(Type type, Set<Class<?>> into) {
    if (type instanceof ParameterizedType of) {
      Arrays.stream(of.getActualTypeArguments()).forEach(argument -> collect(argument, into));
    } else if (type instanceof Class<?> c && c.isRecord() && into.add(c)) {
      Arrays.stream(c.getRecordComponents())
          .map(RecordComponent::getGenericType)
          .forEach(component -> collect(component, into));
    }
  }
}
