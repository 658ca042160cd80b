package dev.virtualip.operator.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DrainTriggerTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          cordon | {spec: {unschedulable: true}} | cordoned
          cordon | {spec: {}} |
          cordon | {} |
          taint:gone | {spec: {taints: [{key: gone, effect: NoSchedule}]}} | taint gone
          taint:gone=1 | {spec: {taints: [{key: gone, value: '1'}]}} | taint gone
          taint:gone=1 | {spec: {taints: [{key: gone, value: '2'}]}} |
          label:drain | {metadata: {labels: {drain: ''}}} | label drain
          label:drain=true | {metadata: {labels: {drain: 'false'}}} |
          cordon, label:drain=true | {metadata: {labels: {drain: 'true'}}} | label drain
          none | {spec: {unschedulable: true}} |
          """)
  void aNodeIsDrainedByWhatTheAdministratorNames(String triggers, String node, String cause) {
    var parsed = Serialization.unmarshal("---\nmetadata: {name: n}\n", Node.class);
    var given = Serialization.unmarshal("---\n" + node, Node.class);
    parsed.setSpec(given.getSpec());
    if (given.getMetadata() != null) {
      parsed.getMetadata().setLabels(given.getMetadata().getLabels());
    }
    assertEquals(cause, DrainTrigger.cause(DrainTrigger.parse(triggers), parsed).orElse(null));
  }

  @Test
  void noneIsOff() {
    assertEquals(List.of(), DrainTrigger.parse("none"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "cordn", "taint:", "label:=x", "none,cordon", "cordon,"})
  void aMistakeIsToldWhatToWrite(String text) {
    var e = assertThrows(IllegalArgumentException.class, () -> DrainTrigger.parse(text));
    assertEquals(
        true,
        e.getMessage().contains("write cordon, taint:KEY[=VALUE], label:KEY[=VALUE] or none"));
  }
}
