package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What belongs into Git stays, and what others have added goes. */
class CleanManifestTest {
  private static JsonNode yaml(String text) throws IOException {
    return new YAMLMapper().readTree(text);
  }

  /** As the API server answers: defaults filled in, and its own records. */
  private static JsonNode stored(String annotation, String manager) throws IOException {
    return yaml(
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata:
          name: web
          uid: u
          generation: 3
          resourceVersion: "7"
          creationTimestamp: "2026-11-25T04:15:00Z"
          labels: {team: shop}
          annotations: {virtualip.dev/switch-to: node-b, note: mine%s}
          managedFields: [%s]
        spec:
          vrid: 77
          vrrpVersion: 3
          interface: eth0
          priority: 100
          advertInterval: 2s
          preempt: {enabled: true, delay: 5s}
          addresses: [{address: 203.0.113.10/24}]
        status: {master: node-a}
        """
            .formatted(annotation, manager));
  }

  private static final String HEAD =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web, labels: {team: shop}, annotations: {note: mine}}
      spec:
        addresses: [{address: 203.0.113.10/24}]
        vrid: 77
        interface: eth0
        advertInterval: 2s
      """;

  @Test
  void withoutAHistoryDefaultsStay() throws IOException {
    assertEquals(
        yaml(HEAD + "  vrrpVersion: 3\n  priority: 100\n  preempt: {enabled: true, delay: 5s}\n"),
        CleanManifest.of(stored("", "")));
  }

  @Test
  void whatWasAppliedTellsWhichDefaultsAreTheUsers() throws IOException {
    var applied =
        """
        , kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"vrid":77,"priority":100,\
        "preempt":{"delay":"5s"}}}'""";
    assertEquals(
        yaml(HEAD + "  priority: 100\n  preempt: {delay: 5s}\n"),
        CleanManifest.of(stored(applied, "")));
  }

  @Test
  void soDoManagedFields() throws IOException {
    var manager =
        "{operation: Apply, fieldsV1: {'f:spec': {'f:vrid': {}, 'f:vrrpVersion': {}, 'f:preempt':"
            + " {'f:delay': {}}}}}";
    assertEquals(
        yaml(HEAD + "  vrrpVersion: 3\n  preempt: {delay: 5s}\n"),
        CleanManifest.of(stored("", manager)));
  }

  @Test
  void anAnnotationThatIsNoJsonTellsNothing() throws IOException {
    assertEquals(
        CleanManifest.of(stored("", "")),
        CleanManifest.of(
            stored(", kubectl.kubernetes.io/last-applied-configuration: 'no json'", "")));
  }

  @Test
  void aSpecWithoutDefaultsMeansTheSame() throws IOException {
    var spec =
        """
        vrid: 7
        interface: eth0
        vrrpVersion: 3
        addresses: [{address: 203.0.113.10/24, advertised: true}]
        healthChecks: [{name: a, http: {port: 80, path: /x}, interval: 1s, timeout: 1s, weight: 0}]
        garp: {repeat: 5}
        """;
    assertEquals(
        yaml(
            """
            vrid: 7
            interface: eth0
            addresses: [{address: 203.0.113.10/24}]
            healthChecks: [{name: a, http: {path: /x}}]
            """),
        CleanManifest.withoutDefaults(yaml(spec)));
  }

  @Test
  void aFieldOfANewerVersionStays() throws IOException {
    var spec = "{vrid: 7, vrrpVersion: 3, interface: eth0, later: 1}";
    assertEquals(yaml(spec), CleanManifest.withoutDefaults(yaml(spec)));
  }
}
