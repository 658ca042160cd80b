package dev.virtualip.crds.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelSelectorTest {
  private static final Map<String, String> LABELS = Map.of("edge", "true", "zone", "z1");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {} | true
          {matchLabels: {edge: 'true'}} | true
          {matchLabels: {edge: 'true', zone: z1}} | true
          {matchLabels: {edge: 'true', zone: z2}} | false
          {matchLabels: {other: ''}} | false
          {matchExpressions: [{key: zone, operator: In, values: [z0, z1]}]} | true
          {matchExpressions: [{key: zone, operator: In, values: [z0]}]} | false
          {matchExpressions: [{key: other, operator: In, values: [z0]}]} | false
          {matchExpressions: [{key: zone, operator: NotIn, values: [z0]}]} | true
          {matchExpressions: [{key: zone, operator: NotIn, values: [z1]}]} | false
          {matchExpressions: [{key: other, operator: NotIn, values: [z1]}]} | true
          {matchExpressions: [{key: zone, operator: Exists}]} | true
          {matchExpressions: [{key: other, operator: Exists}]} | false
          {matchExpressions: [{key: other, operator: DoesNotExist}]} | true
          {matchExpressions: [{key: zone, operator: DoesNotExist}]} | false
          {matchLabels: {edge: 'true'}, matchExpressions: [{key: zone, operator: DoesNotExist}]} \
          | false
          """,
      quoteCharacter = '`')
  void aSelectorMatchesAsInKubernetes(String selector, boolean matches) {
    var parsed = Serialization.unmarshal("---\n" + selector, LabelSelector.class);
    assertEquals(matches, parsed.matches(LABELS));
  }
}
